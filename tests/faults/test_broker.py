"""The broker restarts, is killed and stands still; the link to it is torn, silent, slow and narrow."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.forms import SHORT_IN_ONE_PROTOCOL
from tests.faults.proxy import Proxy
from tests.faults.trial import Row, trial
from tests.support import Flow

Record = Callable[[Row], None]


@pytest.fixture
def link(kafka: Any, flow: Flow) -> Iterator[Proxy]:
    """What members reach the broker by; answers come in without it."""
    with Proxy(kafka.announced, kafka.indirect).running() as link:
        flow.settings = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka.announced}"}
        yield link


@pytest.mark.parametrize("protocol", ["consumer"], indirect=True)
def test_a_broker_that_is_killed_and_comes_back_loses_nothing(
    kafka: Any, flow: Flow, is_long: bool, record: Record
) -> None:
    with trial(flow) as it:
        it.join("one")
        it.join("two")
        for _ in range(4 if is_long else 1):
            it.progress()
            kafka.restart()
        it.over()
        it.progress(seconds=100)
        record(it.settle(f"broker killed, {flow.protocol}", floor=300, duplicates=it.at_stake))


@SHORT_IN_ONE_PROTOCOL
def test_a_broker_that_stands_still_loses_nothing(kafka: Any, flow: Flow, is_long: bool, record: Record) -> None:
    """Longer than the session of its members, who go on delivering what they hold."""
    seconds, still = (60 if is_long else 8), threading.Event()
    with trial(flow) as it:
        it.join("one")
        it.join("two")
        it.progress()
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
    flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    """The broker gives its members up; what they deliver meanwhile is delivered again."""
    seconds, silent = (60 if is_long else 12), threading.Event()
    with trial(flow) as it:
        it.join("one")
        it.join("two")
        it.progress()
        link.silence()
        silent.wait(seconds)
        link.pass_on()
        it.over()
        it.progress()
        record(it.settle(f"black hole for {seconds} s, {flow.protocol}", floor=300, duplicates=it.at_stake))


@SHORT_IN_ONE_PROTOCOL
def test_a_slow_and_narrow_link_to_the_broker_is_no_fault(
    flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    """100 ms each way, 3 Mbit/s."""
    link.latency, link.rate = 0.1, 3_000_000 / 8
    with trial(flow) as it:
        it.join("one")
        it.progress(2000 if is_long else 300, seconds=120)
        it.over()
        record(it.settle(f"slow link, {flow.protocol}", floor=300, duplicates=0))
