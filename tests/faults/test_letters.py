"""The dead-letter topic is missing, not writable or too small: the offset waits for the letter."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from consumer.demo.expected import TOO_LARGE
from tests.faults.dead_letter_checks import assert_waits, said
from tests.faults.scenario import Row, trial
from tests.support import Flow, wait_until

Record = Callable[[Row], None]


@pytest.fixture(params=["consumer"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Letters have nothing to do with the group's protocol."""
    return str(request.param)


def test_letters_wait_for_a_topic_that_is_missing(kafka: Any, flow: Flow, is_long: bool, record: Record) -> None:
    letters = f"{flow.topic}.dead-letter"
    with trial(flow, rate=0) as it:
        member = it.join()
        wait_until(lambda: member.has_partitions, "partitions")
        kafka.delete_topic(letters)
        flow.produce(300, seed=3)
        it.progress(50)
        if is_long:
            said(it)
        assert_waits(it)
        kafka.create_topic(letters, partitions=1)
        it.over()
        record(it.settle("dead-letter topic missing", floor=200, duplicates=0))


def test_letters_wait_for_a_topic_that_may_not_be_written(
    kafka: Any, flow: Flow, is_long: bool, record: Record
) -> None:
    over = threading.Event()
    with trial(flow, rate=20) as it:
        with kafka.read_only(f"{flow.topic}.dead-letter"):
            it.join()
            said(it)
            over.wait(20 if is_long else 0)
            assert_waits(it)
        it.over()
        it.progress()
        record(it.settle("dead-letter topic not writable", floor=100, duplicates=0))


def test_a_letter_that_is_too_large_holds_its_partition_alone(kafka: Any, flow: Flow, record: Record) -> None:
    letters = f"{flow.topic}.dead-letter"
    kafka.configure(letters, max_message_bytes=10_000)
    with trial(flow, rate=20) as it:
        member = it.join()
        wait_until(lambda: "dead_letter_too_large" in member.output, "the hold to be said")
        it.progress(100)
        large = {place.partition for place, fate in flow.produced.items() if fate == TOO_LARGE}
        assert large
        assert {json.loads(line)["partition"] for line in member.lines if "partition blocked" in line} <= large
        kafka.configure(letters, max_message_bytes=1_000_000)
        it.leave()
        it.over()
        it.join()
        record(it.settle("letter too large", floor=100, duplicates=it.at_stake))
