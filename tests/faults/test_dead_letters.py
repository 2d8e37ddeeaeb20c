"""The dead-letter topic is missing, not writable or too small: the offset waits for the dead letter."""

import json
import threading
from typing import Any

import pytest

from consumer.demo.expected import TOO_LARGE
from tests.faults.dead_letter_checks import assert_offsets_wait, wait_for_retries
from tests.faults.scenario import Report, scenario
from tests.support import Flow, wait_until


@pytest.fixture(params=["consumer"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Dead letters do not depend on the group protocol."""
    return str(request.param)


def test_offsets_wait_while_the_dead_letter_topic_is_missing(
    kafka: Any, flow: Flow, is_long: bool, report: Report
) -> None:
    dead_letter_topic = f"{flow.topic}.dead-letter"
    with scenario(flow, rate=0) as trial:
        member = trial.join()
        wait_until(lambda: member.has_partitions, "partitions")
        kafka.delete_topic(dead_letter_topic)
        flow.produce(300, seed=3)
        trial.progress(50)
        if is_long:
            wait_for_retries(trial)
        assert_offsets_wait(trial)
        kafka.create_topic(dead_letter_topic, partitions=1)
        trial.fault_ended()
        report(trial.finish("dead-letter topic missing", min_delivered=200, max_duplicates=0))


def test_offsets_wait_while_the_dead_letter_topic_is_not_writable(
    kafka: Any, flow: Flow, is_long: bool, report: Report
) -> None:
    never = threading.Event()
    with scenario(flow, rate=20) as trial:
        with kafka.read_only(f"{flow.topic}.dead-letter"):
            trial.join()
            wait_for_retries(trial)
            never.wait(20 if is_long else 0)
            assert_offsets_wait(trial)
        trial.fault_ended()
        trial.progress()
        report(trial.finish("dead-letter topic not writable", min_delivered=100, max_duplicates=0))


def test_a_dead_letter_that_is_too_large_for_its_topic_blocks_its_partition_alone(
    kafka: Any, flow: Flow, report: Report
) -> None:
    dead_letter_topic = f"{flow.topic}.dead-letter"
    kafka.configure(dead_letter_topic, max_message_bytes=10_000)
    with scenario(flow, rate=20) as trial:
        member = trial.join()
        wait_until(lambda: "dead_letter_too_large" in member.output, "the block to be logged")
        trial.progress(100)
        large = {address.partition for address, expected in flow.produced.items() if expected == TOO_LARGE}
        assert large
        assert {json.loads(line)["partition"] for line in member.lines if "partition blocked" in line} <= large
        kafka.configure(dead_letter_topic, max_message_bytes=1_000_000)
        trial.leave()
        trial.fault_ended()
        trial.join()
        report(
            trial.finish(
                "dead letter too large for its topic", min_delivered=100, max_duplicates=trial.possible_duplicates
            )
        )
