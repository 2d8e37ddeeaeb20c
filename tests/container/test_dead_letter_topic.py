"""The settings of the dead-letter topic of a real Kafka, as `check` and the start of `run` judge them."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation

from consumer.demo.segment_server import SegmentStandIn
from tests.cli_runner import CommandRunner
from tests.support import KEYS, Flow

HOUR = 60 * 60 * 1000


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment)


def check(flow: Flow, code: int = 0) -> dict[str, tuple[str, str]]:
    report = CommandRunner(flow).json("check", "--json", code=code)
    return {result["what"]: (result["state"], result["found"]) for result in report["looks"]}


def log_of_a_run(flow: Flow) -> str:
    """The output of a member that settles ten records."""
    flow.produce(10)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    return member.output


def test_a_compacted_dead_letter_topic_is_refused(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(f"{flow.topic}.dead-letter", cleanup_policy="compact,delete", max_message_bytes=2_000_000)
    state, text = check(flow, code=1)["cleanup of dead letters"]
    assert (state, "set cleanup.policy=delete" in text) == ("problem", True)
    flow.produce(10)
    with flow.member() as member:
        assert member.end() == 1
    assert "fatal error" in member.output
    assert "DEAD_LETTER_TOPIC: cleanup of dead letters" in member.output
    assert "set cleanup.policy=delete" in member.output
    assert not any(flow.committed().values())

    kafka.configure(f"{flow.topic}.dead-letter", cleanup_policy="delete")
    assert check(flow)["cleanup of dead letters"][0] == "ok"
    assert "settings of the dead-letter topic" not in log_of_a_run(flow)


def test_a_dead_letter_topic_that_deletes_before_the_topic_does_is_a_warning(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(f"{flow.topic}.dead-letter", retention_ms=12 * HOUR)
    state, text = check(flow)["retention of dead letters"]
    assert state == "warning"
    assert "after only 12 hours" in text
    assert f"keeps dead letters for 12 hours, but {flow.topic} keeps records for 7 days" in text
    output = log_of_a_run(flow)
    assert "settings of the dead-letter topic are risky, continuing" in output
    assert text in output


def test_settings_that_the_principal_may_not_see_are_noted(kafka: Any, flow: Flow) -> None:
    dead_letter_topic = f"{flow.topic}.dead-letter"
    kafka.create_topic(dead_letter_topic)
    with kafka.allowing(dead_letter_topic, AclOperation.READ, AclOperation.WRITE):
        state, text = check(flow)[f"settings of {dead_letter_topic}"]
        assert state == "note"
        assert "the principal needs DESCRIBE_CONFIGS" in text
        output = log_of_a_run(flow)
    assert "settings of the dead-letter topic noted, continuing" in output
    assert "the principal needs DESCRIBE_CONFIGS" in output
    assert f"settings of {dead_letter_topic}" not in check(flow)
