"""A StatefulSet with static membership, and the change of the kind."""

import os
import signal

import pytest

from tests.cluster.conftest import Account
from tests.cluster.processes import process_of
from tests.cluster.release import NAME, Release, sum_of_restarts
from tests.support import wait_until

pytestmark = [pytest.mark.timeout(400), pytest.mark.long]
MAX_WORST = 8  # seconds, below the session timeout
VALUES = ("--set", "kind=StatefulSet")
SESSION_SECONDS = 15


def test_a_deployment_becomes_a_stateful_set(release: Release, account: Account) -> None:
    with account("Deployment to StatefulSet", max_worst=60) as observed:
        release.upgrade(*VALUES)
        release.wait_for_members(2)
    assert {end.code for end in observed.ends} == {0}
    assert not release.objects("deployments")


def test_a_restart_moves_no_partition(release: Release, account: Account) -> None:
    before = {pod.name: release.partitions(pod) for pod in release.wait_for_members(2)}
    with account("StatefulSet: rollout restart", max_worst=MAX_WORST) as observed:
        release.kubectl(f"rollout restart statefulset/{NAME}")
        release.kubectl(f"rollout status statefulset/{NAME} --timeout=180s")
        pods = release.wait_for_members(2)
    assert [end.code for end in observed.ends] == [0, 0]
    wait_until(lambda: {pod.name: release.partitions(pod) for pod in pods} == before, "the same partitions")


def test_a_killed_member_gets_its_partitions_back(release: Release, account: Account) -> None:
    pod, second = release.wait_for_members(2)
    own, of_second = release.partitions(pod), release.partitions(second)
    with account("StatefulSet: process killed", repeats_of=own, max_worst=SESSION_SECONDS + 5):
        os.kill(process_of(pod.uid), signal.SIGKILL)
        wait_until(lambda: sum_of_restarts(release.members()) == 1, "a restart of the container")
        release.wait_for_members(2)
    assert release.partitions(second) == of_second


def test_a_stateful_set_becomes_a_deployment(release: Release, account: Account) -> None:
    with account("StatefulSet to Deployment", max_worst=60):
        release.upgrade()
        release.wait_for_members(2)
    assert not release.objects("statefulsets")
