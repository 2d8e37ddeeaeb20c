"""Segment is away or slow, or the way to it is bad; members hold what they have and drain afterwards."""

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from consumer.demo import fault_scripts
from tests.faults.duplicates import ONE_BATCH
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.proxy import Proxy
from tests.faults.scenario import Row, Trial, trial
from tests.support import Flow, Member, wait_until

Record = Callable[[Row], None]
MEBIBYTE = 2**20

# Less than what any answer here takes: a loop that waited for one would cost the membership.
POLL_INTERVAL = {"max.poll.interval.ms": 6000}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def link(flow: Flow) -> Iterator[Proxy]:
    """What members reach Segment by."""
    target = int(flow.segment.url.split(":")[2].split("/")[0])
    with Proxy(free_port(), target).running() as link:
        flow.settings = {"SEGMENT_ENDPOINT": f"http://127.0.0.1:{link.port}/v1/batch", "SEGMENT_TIMEOUT_SECONDS": "1"}
        yield link


@in_one_protocol("consumer")
def test_resets_on_the_way_to_segment_lose_nothing(flow: Flow, link: Proxy, is_long: bool, record: Record) -> None:
    torn = 60 if is_long else 8
    with trial(flow) as it:
        it.join()
        for _ in range(torn):
            it.progress(5)
            link.reset()
        it.over()
        it.drain()
        record(it.settle("resets on the way to Segment", floor=100, duplicates=unanswered(it)))


@in_one_protocol("consumer")
def test_a_black_hole_on_the_way_to_segment_loses_nothing(
    flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    """What was sent into it comes out at its end, when the answers are not waited for any more."""
    attempts = 12 if is_long else 4
    with trial(flow) as it:
        it.join()
        it.progress()
        link.silence()
        wait_until(lambda: it.count("requests_total", outcome="retried") >= attempts, "attempts to fail", 200)
        link.pass_on()
        it.over()
        it.drain()
        record(it.settle("black hole to Segment", floor=200, duplicates=unanswered(it)))


@SHORT_IN_ONE_PROTOCOL
def test_an_outage_costs_nothing_but_time(flow: Flow, link: Proxy, is_long: bool, record: Record) -> None:
    """Connections are refused for longer than a member may be silent; memory stays flat, and it stays in its group."""
    flow.settings = {**flow.settings, **options(flow, POLL_INTERVAL)}
    with trial(flow, rate=20) as it:
        member = it.join()
        it.progress(20)
        link.refuse()
        it.load.stop()
        flow.produce(20000 if is_long else 4000, seed=9)
        wait_until(lambda: '"reason": "connect_error"' in member.output, "the outage to be noticed")
        wait_until(lambda: it.count("paused") == flow.partitions, "each partition to have as much as it may hold")
        before, watched = resident(member.pid), threading.Event()
        watched.wait(40 if is_long else 8)
        after = resident(member.pid)
        link.accept()
        it.over()
        it.drain(200)
        assert after - before < 16 * MEBIBYTE
        assert_stayed(member)
        under_way = 8 * ONE_BATCH  # when their connections were torn
        record(it.settle(f"outage of Segment, {flow.protocol}", floor=3000, duplicates=under_way))


@in_one_protocol("consumer")
def test_answers_near_the_deadline_are_no_fault(flow: Flow, is_long: bool, record: Record) -> None:
    """Each takes 0.8 of the 2 seconds that an attempt has: none is sent twice."""
    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "2"}
    with trial(flow, rate=20, script=slow(1.6)) as it:
        member = it.join()
        it.progress(600 if is_long else 100)
        it.answers(fault_scripts.calm)
        it.over()
        it.drain()
        assert_stayed(member)
        record(it.settle("answers near the deadline", floor=80, duplicates=0))


@SHORT_IN_ONE_PROTOCOL
def test_answers_slower_than_the_poll_interval_cost_no_membership(flow: Flow, is_long: bool, record: Record) -> None:
    """They take 5 to 8 seconds, where a member that does not poll for 6 is given up."""
    flow.settings = options(flow, POLL_INTERVAL)
    with trial(flow, rate=20, script=slow(5, 8, 6.5)) as it:
        member = it.join()
        wait_until(lambda: it.count("requests_total", outcome="accepted") >= (30 if is_long else 5), "answers", 200)
        it.answers(fault_scripts.calm)
        it.over()
        it.drain()
        assert_stayed(member)
        record(it.settle(f"answers near the poll interval, {flow.protocol}", floor=80, duplicates=0))


def slow(*seconds: float) -> fault_scripts.Script:
    """Answers that take so long, in turns."""
    turns = itertools.cycle(seconds)

    def wire(client: Any, answer: bytes, stopped: threading.Event) -> bool:
        stopped.wait(next(turns))
        return fault_scripts.whole(client, answer, stopped)

    return fault_scripts.repeatedly(fault_scripts.Answer(wire=wire))


def options(flow: Flow, further: Mapping[str, int]) -> Mapping[str, str]:
    return {"KAFKA_CONFIG": json.dumps({"group.protocol": flow.protocol, **flow.timeouts(), **further})}


def unanswered(it: Trial) -> int:
    """What Segment may have taken without an answer: as much as may be in each attempt that failed."""
    failed = it.count("requests_total", outcome="retried")
    assert failed
    return int(failed) * ONE_BATCH


def assert_stayed(member: Member) -> None:
    """In its group, with all partitions, from the beginning on."""
    assert (member.times("assigned"), member.times("revoked"), member.times("lost")) == (1, 0, 0)


def resident(pid: int) -> int:
    """Bytes of memory that the process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
