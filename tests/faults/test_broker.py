"""Faults of the broker and of its network path: it is killed or frozen; the path resets, is silent or is slow."""

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.demo import fault_scripts
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.proxy import Proxy
from tests.faults.scenario import Report, scenario
from tests.support import Flow, wait_until


@pytest.fixture
def link(kafka: Any, flow: Flow) -> Iterator[Proxy]:
    """The network path from the members to the broker. The producer does not use it."""
    with Proxy(kafka.announced, kafka.indirect).running() as link:
        flow.settings = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka.announced}"}
        yield link


@pytest.mark.parametrize(
    ("protocol", "operation"), [("consumer", "restart"), ("classic", "roll")], indirect=["protocol"]
)
def test_a_broker_that_ends_and_comes_back_loses_nothing(
    kafka: Any, flow: Flow, operation: str, is_long: bool, report: Report
) -> None:
    """
    The broker is killed, or it shuts down in order, as in a rolling update.

    Each time the broker may remove both members from the group, so each duplicate must be of a record whose offset was
    not committed at one of these times.
    """
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        for _ in range(3 if is_long else 1):
            trial.progress()
            with trial.duplicate_explainer.any_member_may_be_removed(), trial.broker_outage():
                getattr(kafka, operation)()
        trial.fault_ended()
        trial.progress(seconds=100)
        fault = {"restart": "broker killed", "roll": "broker restarted in order"}[operation]
        report(trial.finish(f"{fault}, {flow.protocol}", min_delivered=300, explain_all=True))


@in_one_protocol("classic")
def test_a_member_that_gets_its_partitions_back_repeats_nothing(
    kafka: Any, flow: Flow, is_long: bool, report: Report
) -> None:
    """The broker is away for longer than a session, and the member delivers what it has buffered meanwhile."""
    with scenario(flow) as trial:
        member = trial.join()
        for number in range(1, 4 if is_long else 2):
            trial.progress()
            with trial.broker_outage(), kafka.shut_down():
                wait_until(lambda n=number: member.times("lost") == n, "the partitions to be lost")  # type: ignore[misc]
            trial.progress()
        trial.fault_ended()
        fault = f"partitions lost and got back, {flow.protocol}"
        report(trial.finish(fault, min_delivered=300, max_duplicates=trial.possible_duplicates))
    assert flow.segment.duplicates == 0  # a dead letter that was not confirmed may be written twice


@SHORT_IN_ONE_PROTOCOL
def test_a_frozen_broker_loses_nothing(kafka: Any, flow: Flow, is_long: bool, report: Report) -> None:
    """The broker is frozen for longer than a session, while the members go on delivering what they have buffered."""
    seconds, never = (60 if is_long else 8), threading.Event()
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        trial.progress()
        with trial.broker_outage():
            kafka.pause()
            try:
                never.wait(seconds)
            finally:
                kafka.unpause()
        trial.fault_ended()
        trial.progress()
        report(
            trial.finish(
                f"broker frozen for {seconds} s, {flow.protocol}",
                min_delivered=300,
                max_duplicates=trial.possible_duplicates,
            )
        )


@SHORT_IN_ONE_PROTOCOL
def test_repeatedly_reset_connections_lose_nothing(flow: Flow, link: Proxy, is_long: bool, report: Report) -> None:
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        for _ in range(30 if is_long else 4):
            trial.progress(20)
            link.reset()
        trial.fault_ended()
        report(
            trial.finish(
                f"resets on the network path to the broker, {flow.protocol}",
                min_delivered=100,
                max_duplicates=trial.possible_duplicates,
            )
        )
    assert link.connections > 8


@SHORT_IN_ONE_PROTOCOL
def test_a_black_hole_on_the_way_to_the_broker_loses_nothing(
    kafka: Any, flow: Flow, link: Proxy, is_long: bool, report: Report
) -> None:
    """The broker removes both members, and both notice it. The events that they deliver meanwhile are sent again."""
    never = threading.Event()
    with scenario(flow) as trial:
        trial.replace("one")
        trial.replace("two")
        trial.progress()
        link.silence()
        wait_until(lambda: kafka.members(flow.group) == 0, "the broker to remove the members")
        never.wait(30 if is_long else 0)
        link.forward()
        trial.fault_ended()
        wait_until(
            lambda: all(member.times("lost") for member in trial.members.values()), "both members to notice their loss"
        )
        trial.progress()
        report(
            trial.finish(
                f"black hole on the network path to the broker, {flow.protocol}",
                min_delivered=300,
                max_duplicates=trial.possible_duplicates,
            )
        )


@in_one_protocol("classic")
def test_a_late_answer_after_a_loss_commits_nothing(kafka: Any, flow: Flow, link: Proxy, report: Report) -> None:
    """The response arrives after the member lost its partitions, got them again, and sent the events once more."""
    released = [threading.Event() for _ in range(3)]
    responses = itertools.count()

    def delayed(client: Any, response: bytes, stopped: threading.Event) -> bool:
        released[min(next(responses), 2)].wait()
        return fault_scripts.whole(client, response, stopped)

    flow.settings = {**flow.settings, "SEGMENT_TIMEOUT_SECONDS": "60", "SHUTDOWN_TIMEOUT_SECONDS": "65"}
    with scenario(flow, rate=0, script=fault_scripts.repeatedly(fault_scripts.ScriptedResponse(wire=delayed))) as trial:
        member = trial.join()
        flow.produce(1, seed=1)
        trial.progress(1)
        link.silence()
        wait_until(lambda: kafka.members(flow.group) == 0, "the broker to remove the member")
        link.forward()
        wait_until(lambda: member.times("lost") and member.times("assigned") > 1, "a loss and another assignment")
        wait_until(lambda: flow.segment.requests == 2, "the events to be sent again")
        released[0].set()
        wait_until(lambda: trial.count("requests_total", outcome="accepted") == 1, "the late response to arrive")
        samples_before = trial.watcher.samples
        wait_until(lambda: trial.watcher.samples > samples_before + 30, "30 samples of the committed offsets")
        assert not any(trial.watcher.committed.values())
        for event in released:
            event.set()
        trial.fault_ended()
        report(trial.finish(f"late response after a loss, {flow.protocol}", min_delivered=1, max_duplicates=1))


@SHORT_IN_ONE_PROTOCOL
def test_a_slow_and_narrow_link_to_the_broker_is_no_fault(
    flow: Flow, link: Proxy, is_long: bool, report: Report
) -> None:
    """The network path has 100 ms in each direction and 3 Mbit/s, which the backlog uses fully."""
    link.latency, link.rate = 0.1, 3_000_000 / 8
    flow.produce(12000 if is_long else 3000, seed=7)
    with scenario(flow, rate=20) as trial:
        trial.join("one")
        trial.settle_all(200)
        report(trial.finish(f"slow network path to the broker, {flow.protocol}", min_delivered=2000, max_duplicates=0))
