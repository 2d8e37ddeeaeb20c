"""The broker is restarted, killed and stands still; the link to it is torn, silent, slow and narrow."""

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consumer.demo import fault_scripts
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.proxy import Proxy
from tests.faults.scenario import Row, trial
from tests.support import Flow, wait_until

Record = Callable[[Row], None]


@pytest.fixture
def link(kafka: Any, flow: Flow) -> Iterator[Proxy]:
    """What members reach the broker by; answers come in without it."""
    with Proxy(kafka.announced, kafka.indirect).running() as link:
        flow.settings = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka.announced}"}
        yield link


@pytest.mark.parametrize(("protocol", "way"), [("consumer", "restart"), ("classic", "roll")], indirect=["protocol"])
def test_a_broker_that_ends_and_comes_back_loses_nothing(
    kafka: Any, flow: Flow, way: str, is_long: bool, record: Record
) -> None:
    """
    It is killed, or ends in order, as it does in a roll-out. Each time it may give both members up, so each repeat must
    be of what was not committed at one of these.
    """
    with trial(flow) as it:
        it.join("one")
        it.join("two")
        for _ in range(3 if is_long else 1):
            it.progress()
            with it.risks.all_given_up(), it.no_broker():
                getattr(kafka, way)()
        it.over()
        it.progress(seconds=100)
        fault = "broker killed" if way == "restart" else "broker restarted in order"
        record(it.settle(f"{fault}, {flow.protocol}", floor=300, explained=True))


@SHORT_IN_ONE_PROTOCOL
def test_a_broker_that_stands_still_loses_nothing(kafka: Any, flow: Flow, is_long: bool, record: Record) -> None:
    """Longer than the session of its members, who go on delivering what they hold."""
    seconds, still = (60 if is_long else 8), threading.Event()
    with trial(flow) as it:
        it.join("one")
        it.join("two")
        it.progress()
        with it.no_broker():
            kafka.pause()
            try:
                still.wait(seconds)
            finally:
                kafka.unpause()
        it.over()
        it.progress()
        record(it.settle(f"broker stopped for {seconds} s, {flow.protocol}", floor=300, duplicates=it.at_stake))


@SHORT_IN_ONE_PROTOCOL
def test_connections_that_are_torn_again_and_again_lose_nothing(
    flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    with trial(flow) as it:
        it.join("one")
        it.join("two")
        for _ in range(30 if is_long else 4):
            it.progress(20)
            link.reset()
        it.over()
        record(it.settle(f"resets on the way to the broker, {flow.protocol}", floor=100, duplicates=it.at_stake))
    assert link.connections > 8


@SHORT_IN_ONE_PROTOCOL
def test_a_black_hole_on_the_way_to_the_broker_loses_nothing(
    kafka: Any, flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    """The broker gives its members up, as both of them learn; what they deliver meanwhile is delivered again."""
    longer = threading.Event()
    with trial(flow) as it:
        it.replace("one")
        it.replace("two")
        it.progress()
        link.silence()
        wait_until(lambda: kafka.members(flow.group) == 0, "the members to be given up")
        longer.wait(30 if is_long else 0)
        link.pass_on()
        it.over()
        wait_until(lambda: all(member.times("lost") for member in it.members.values()), "both members to learn it")
        it.progress()
        record(it.settle(f"black hole, {flow.protocol}", floor=300, duplicates=it.at_stake))


@in_one_protocol("classic")
def test_a_late_answer_after_a_loss_commits_nothing(kafka: Any, flow: Flow, link: Proxy, record: Record) -> None:
    """
    It comes when the member has lost its partitions, has them again and waits for another answer to the same events.
    """
    released = [threading.Event() for _ in range(3)]
    calls = itertools.count()

    def held(client: Any, answer: bytes, _stopped: threading.Event) -> bool:
        released[min(next(calls), 2)].wait()
        return fault_scripts.whole(client, answer, _stopped)

    flow.settings = {**flow.settings, "SEGMENT_TIMEOUT_SECONDS": "60", "SHUTDOWN_TIMEOUT_SECONDS": "65"}
    with trial(flow, rate=0, script=fault_scripts.repeatedly(fault_scripts.Answer(wire=held))) as it:
        member = it.join()
        flow.produce(1, seed=1)
        it.progress(1)
        link.silence()
        wait_until(lambda: kafka.members(flow.group) == 0, "the member to be given up")
        link.pass_on()
        wait_until(lambda: member.times("lost") and member.times("assigned") > 1, "a loss and another assignment")
        wait_until(lambda: flow.segment.requests == 2, "the events to be sent again")
        released[0].set()
        wait_until(lambda: it.count("requests_total", outcome="accepted") == 1, "the late answer to be taken in")
        looks = it.watch.samples
        wait_until(lambda: it.watch.samples > looks + 30, "the committed offsets to be looked at")
        assert not any(it.watch.committed.values())
        for event in released:
            event.set()
        it.over()
        record(it.settle(f"late answer after a loss, {flow.protocol}", floor=1, duplicates=1))


@SHORT_IN_ONE_PROTOCOL
def test_a_slow_and_narrow_link_to_the_broker_is_no_fault(
    flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    """100 ms each way, 3 Mbit/s, which a backlog fills."""
    link.latency, link.rate = 0.1, 3_000_000 / 8
    flow.produce(12000 if is_long else 3000, seed=7)
    with trial(flow, rate=20) as it:
        it.join("one")
        it.drain(200)
        record(it.settle(f"slow link, {flow.protocol}", floor=2000, duplicates=0))
