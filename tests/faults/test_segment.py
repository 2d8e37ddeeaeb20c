"""Segment is unreachable or slow, or its network path is bad: members buffer records, and deliver them afterwards."""

import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from consumer.demo import fault_scripts
from tests.faults.duplicates import ONE_BATCH
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.proxy import Proxy
from tests.faults.scenario import Report, Scenario, scenario
from tests.ports import free_port
from tests.support import Flow, Member, wait_until

MEBIBYTE = 2**20

# Shorter than the outages and most of the slow responses here: a loop that waited for them would lose its membership.
POLL_INTERVAL = {"max.poll.interval.ms": 6000}


@pytest.fixture
def link(flow: Flow) -> Iterator[Proxy]:
    """The network path from the members to Segment."""
    target = int(flow.segment.url.split(":")[2].split("/")[0])
    with Proxy(free_port(), target).running() as link:
        flow.settings = {"SEGMENT_ENDPOINT": f"http://127.0.0.1:{link.port}/v1/batch", "SEGMENT_TIMEOUT_SECONDS": "1"}
        yield link


@in_one_protocol("consumer")
def test_resets_on_the_way_to_segment_lose_nothing(flow: Flow, link: Proxy, is_long: bool, report: Report) -> None:
    """
    Each connection that is reset has one request at most, which Segment may have accepted.

    Not all of them are failed attempts: on a kept connection the client sends the request once more at once.
    """
    resets = 60 if is_long else 8
    with scenario(flow) as trial:
        trial.join()
        for _ in range(resets):
            trial.progress(5)
            link.reset()
        trial.fault_ended()
        trial.settle_all()
        report(
            trial.finish(
                "resets on the network path to Segment",
                min_delivered=100,
                max_duplicates=link.reset_connections * ONE_BATCH,
            )
        )


@in_one_protocol("consumer")
def test_a_black_hole_on_the_way_to_segment_loses_nothing(
    flow: Flow, link: Proxy, is_long: bool, report: Report
) -> None:
    """The requests of the black hole arrive at its end, after the member stopped waiting for their responses."""
    attempts = 12 if is_long else 4
    with scenario(flow) as trial:
        trial.join()
        trial.progress()
        link.silence()
        wait_until(lambda: trial.count("requests_total", outcome="retried") >= attempts, "attempts to fail", 200)
        link.forward()
        trial.fault_ended()
        trial.settle_all()
        report(
            trial.finish(
                "black hole on the network path to Segment",
                min_delivered=200,
                max_duplicates=events_without_response(trial),
            )
        )


@SHORT_IN_ONE_PROTOCOL
def test_an_outage_costs_nothing_but_time(flow: Flow, link: Proxy, is_long: bool, report: Report) -> None:
    """Connections are refused for longer than the poll interval. Memory stays flat and the group does not rebalance."""
    flow.settings = {**flow.settings, **kafka_config(flow, POLL_INTERVAL)}
    with scenario(flow, rate=20) as trial:
        member = trial.join()
        trial.progress(20)
        link.refuse()
        trial.producer.stop()
        flow.produce(20000 if is_long else 4000, seed=9)
        wait_until(lambda: '"reason": "connect_error"' in member.output, "the outage to be noticed")
        wait_until(lambda: trial.count("paused") == flow.partitions, "the buffer of each partition to be full")
        before, never = resident_bytes(member.pid), threading.Event()
        never.wait(40 if is_long else 8)
        after = resident_bytes(member.pid)
        link.accept()
        trial.fault_ended()
        trial.settle_all(200)
        assert after - before < 16 * MEBIBYTE
        assert_stayed(member)
        in_flight = 8 * ONE_BATCH  # when the connections were reset
        report(trial.finish(f"outage of Segment, {flow.protocol}", min_delivered=3000, max_duplicates=in_flight))


@in_one_protocol("consumer")
def test_answers_near_the_deadline_are_no_fault(flow: Flow, is_long: bool, report: Report) -> None:
    """Each response takes 1.6 of the 2 seconds of an attempt. No event is sent twice."""
    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "2"}
    with scenario(flow, rate=20, script=slow(1.6)) as trial:
        member = trial.join()
        trial.progress(600 if is_long else 100)
        trial.respond_with(fault_scripts.calm)
        trial.fault_ended()
        trial.settle_all()
        assert_stayed(member)
        report(trial.finish("responses near the deadline", min_delivered=80, max_duplicates=0))


@SHORT_IN_ONE_PROTOCOL
def test_answers_slower_than_the_poll_interval_cost_no_membership(flow: Flow, is_long: bool, report: Report) -> None:
    """Responses take 5 to 8 seconds; a member that does not poll for 6 seconds loses its membership."""
    flow.settings = kafka_config(flow, POLL_INTERVAL)
    with scenario(flow, rate=20, script=slow(5, 8, 6.5)) as trial:
        member = trial.join()
        wait_until(
            lambda: trial.count("requests_total", outcome="accepted") >= (30 if is_long else 5), "responses", 200
        )
        trial.respond_with(fault_scripts.calm)
        trial.fault_ended()
        trial.settle_all()
        assert_stayed(member)
        report(
            trial.finish(
                f"responses slower than the poll interval, {flow.protocol}", min_delivered=80, max_duplicates=0
            )
        )


def slow(*seconds: float) -> fault_scripts.Script:
    """Responses after each of these delays in turn."""
    delays = itertools.cycle(seconds)

    def wire(client: Any, response: bytes, stopped: threading.Event) -> bool:
        stopped.wait(next(delays))
        return fault_scripts.whole(client, response, stopped)

    return fault_scripts.repeatedly(fault_scripts.ScriptedResponse(wire=wire))


def kafka_config(flow: Flow, options: Mapping[str, int]) -> Mapping[str, str]:
    return {"KAFKA_CONFIG": json.dumps({"group.protocol": flow.protocol, **flow.timeouts(), **options})}


def events_without_response(trial: Scenario) -> int:
    """How many events Segment may have accepted in failed attempts: a whole batch in each attempt."""
    failed = trial.count("requests_total", outcome="retried")
    assert failed
    return int(failed) * ONE_BATCH


def assert_stayed(member: Member) -> None:
    """The member kept its membership and all partitions from its first assignment on."""
    assert (member.times("assigned"), member.times("revoked"), member.times("lost")) == (1, 0, 0)


def resident_bytes(pid: int) -> int:
    """The memory of the process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
