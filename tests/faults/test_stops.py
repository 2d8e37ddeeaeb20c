"""A member is told to end at a bad moment: while its broker is frozen, in a drain, in its first second."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from consumer.demo import fault_scripts
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.producer import delivered
from tests.faults.scenario import Report, scenario
from tests.support import Flow, Member, wait_until

SHUTDOWN_TIMEOUT = 25  # the default of SHUTDOWN_TIMEOUT_SECONDS
SIGTERM_BIT = 1 << (signal.SIGTERM - 1)


@SHORT_IN_ONE_PROTOCOL
def test_a_drain_from_a_frozen_broker_ends_in_time(kafka: Any, flow: Flow, is_long: bool, report: Report) -> None:
    """
    The broker freezes while the first member drains the partitions that it gives up. Then both are told to end.

    The long form lasts longer than the minute after which the liveness probe of a loop that stands still fails.
    """
    frozen_seconds, never = (70 if is_long else 5), threading.Event()

    def late(client: Any, response: bytes, stopped: threading.Event) -> bool:
        stopped.wait(5)
        return fault_scripts.whole(client, response, stopped)

    with scenario(flow) as trial:
        one = trial.join("one")
        trial.progress()
        trial.respond_with(fault_scripts.repeatedly(fault_scripts.ScriptedResponse(wire=late)))
        wait_until(lambda: trial.count("records_in_flight") > 0, "events in flight")
        trial.join("two")
        wait_until(lambda: one.times("revoked"), "the drain to begin")
        with trial.broker_outage():
            kafka.pause()
            try:
                never.wait(frozen_seconds)
                assert trial.livez.answers
                trial.stops_within = SHUTDOWN_TIMEOUT + 2  # for dead letters and a commit, until the broker answers
                trial.ask_to_leave("one")
                trial.ask_to_leave("two")
                trial.wait_for_ends()
            finally:
                kafka.unpause()
        trial.respond_with(fault_scripts.calm)
        trial.fault_ended()
        trial.join("three")
        fault = f"drain from a frozen broker, {flow.protocol}"
        report(trial.finish(fault, min_delivered=200, max_duplicates=trial.possible_duplicates))


@in_one_protocol("classic")
@pytest.mark.parametrize("operation", ["frozen", "gone"])
def test_a_member_with_nothing_left_to_wait_for_ends_at_once_without_its_broker(
    kafka: Any, flow: Flow, operation: str
) -> None:
    flow.produce(100)
    with flow.member() as member:
        flow.wait_until_settled()
        if operation == "frozen":
            kafka.pause()
            try:
                seconds = seconds_to_end(member)
            finally:
                kafka.unpause()
        else:
            with kafka.shut_down():
                seconds = seconds_to_end(member)
    assert seconds < 8


def seconds_to_end(member: Member) -> float:
    asked_at = time.monotonic()
    assert member.terminate() == 0
    return time.monotonic() - asked_at


@in_one_protocol("consumer")
def test_a_rate_that_lets_nothing_go_does_not_delay_the_end(flow: Flow) -> None:
    """What is left is left to the next owner."""
    flow.settings = {"MAX_EVENTS_PER_SECOND": "1", "BATCH_MAX_EVENTS": "2"}
    producer = flow.producer()
    for sample in delivered(30, seed=1):
        flow.produce_sample(producer, sample)
    assert producer.flush(30) == 0
    with flow.member() as member:
        assert flow.segment.wait_until(lambda segment: len(segment.accepted) >= 2, 60)
        assert seconds_to_end(member) < 8
    assert len(flow.segment.accepted) < 15


@in_one_protocol("consumer")
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3, 0.6, 1.0])
def test_a_signal_in_the_first_second_ends_the_process_in_order(flow: Flow, delay: float) -> None:
    """The process has a handler from its first line: without one, the first process of a container ignores it."""
    with flow.member() as member:
        wait_until(lambda: handles_sigterm(member.pid), "the process to handle the signal")
        threading.Event().wait(delay)
        os.kill(member.pid, signal.SIGTERM)
        assert member.end(15) == 0
    assert "Traceback" not in member.output


def handles_sigterm(pid: int) -> bool:
    (caught,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught.split()[1], 16) & SIGTERM_BIT)
