"""Kafka, the registry and Segment away: no probe restarts a member, and each ends within its grace period."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from tests.cluster.broker import Broker
from tests.cluster.conftest import Account
from tests.cluster.processes import frozen_broker
from tests.cluster.release import MEMBERS, NAME, Pod, Release, sum_of_restarts
from tests.cluster.stand_ins import RegistryStandIn, answering_with

pytestmark = pytest.mark.timeout(500)
SHUTDOWN_SECONDS, GRACE_SECONDS = 25, 40  # SHUTDOWN_TIMEOUT_SECONDS and terminationGracePeriodSeconds
OUTAGE_SECONDS = 100  # longer than the minute of /livez and three failures of the probe
SHORT_OUTAGE_SECONDS = 30

Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def outages(broker: Broker, registry: RegistryStandIn, segment: SegmentStandIn) -> dict[str, Outage]:
    return {
        "Kafka is frozen": frozen_broker,
        "Kafka is gone": broker.outage,
        "registry is gone": registry.outage,
        "Segment hangs": lambda: answering_with(segment, fault_scripts.hang()),
        "Segment answers 503": lambda: answering_with(segment, fault_scripts.down()),
        "Segment resets": lambda: answering_with(segment, fault_scripts.reset()),
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("Kafka is frozen", SHORT_OUTAGE_SECONDS),
        ("registry is gone", SHORT_OUTAGE_SECONDS),
        ("Segment answers 503", SHORT_OUTAGE_SECONDS),
        ("Segment resets", SHORT_OUTAGE_SECONDS),
        ("Kafka is frozen", OUTAGE_SECONDS),
        ("Kafka is gone", OUTAGE_SECONDS),
        ("Segment hangs", OUTAGE_SECONDS),
    ],
)
def test_no_probe_restarts_a_member(
    release: Release, outages: dict[str, Outage], account: Account, name: str, seconds: int
) -> None:
    pods = release.wait_for_members(2)
    restarts = sum_of_restarts(pods)
    repeats_of: set[int] = set()
    with account(f"{name} for {seconds} s", repeats_of=repeats_of, max_worst=seconds + 60) as observed:
        with outages[name]():
            statuses = watch_livez(pods, seconds)
        after = release.wait_for_members(2)
        repeats_of |= release.lost_partitions(after)
    assert statuses == {200}
    assert sum_of_restarts(after) == restarts
    assert not observed.ends


@pytest.mark.parametrize(
    "name",
    [
        "Segment hangs",
        pytest.param("Kafka is frozen", marks=pytest.mark.long),
        pytest.param("Kafka is gone", marks=pytest.mark.long),
        pytest.param("Segment answers 503", marks=pytest.mark.long),
        pytest.param("Segment resets", marks=pytest.mark.long),
    ],
)
def test_a_member_ends_within_its_grace_period(
    release: Release, outages: dict[str, Outage], account: Account, name: str
) -> None:
    """What the member had not committed is sent again, and so is what the other one lost meanwhile."""
    (pod, _) = release.wait_for_members(2)
    repeats_of = release.partitions(pod)
    with account(f"SIGTERM while {name}", repeats_of=repeats_of, max_worst=90) as observed:
        with outages[name]():
            time.sleep(6)  # until the member notices the outage, and has records in flight
            release.kubectl(f"delete pod {pod.name} --timeout=60s")
        repeats_of |= release.lost_partitions(release.wait_for_members(2))
    (end,) = [end for end in observed.ends if end.pod == pod.name]
    assert end.code in (0, 1)  # 1: not settled in time; not killed
    assert end.after is not None
    assert end.after < SHUTDOWN_SECONDS + 3 < GRACE_SECONDS


@pytest.mark.long
def test_members_that_start_without_kafka_wait_for_it(release: Release, broker: Broker, account: Account) -> None:
    with account("members start without Kafka", max_worst=60) as observed:
        release.kubectl(f"scale deployment/{NAME} --replicas=0")
        release.kubectl(f"wait --for=delete pod --selector={MEMBERS} --timeout=60s")
        with broker.outage():
            release.kubectl(f"scale deployment/{NAME} --replicas=2")
            time.sleep(SHORT_OUTAGE_SECONDS)  # how long the outage lasts is what the scenario is about
            assert not [pod for pod in release.members() if pod.is_ready]
        pods = release.wait_for_members(2)
    assert sum_of_restarts(pods) == 0
    assert {end.code for end in observed.ends} == {0}


def watch_livez(pods: list[Pod], seconds: float) -> set[int]:
    """The statuses that /livez answered with."""
    statuses = set()
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        for pod in pods:
            statuses.add(httpx.get(f"http://{pod.address}:8080/livez", timeout=10).status_code)
        time.sleep(2)  # a probe of the kubelet does not ask more often
    return statuses
