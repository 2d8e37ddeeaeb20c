"""The end of `run`: `stopped` is the last line of the process, and a broker that is away is reported once."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.support import KEYS, Flow, Member, wait_until

NOBODY = "127.0.0.1:1"
BROKER = """
import sys
from consumer.kafka.mock_broker import MockBroker
broker = MockBroker()
broker.create_topic("away")
broker.create_topic("away.dead-letter")
print(broker.address, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def segment() -> Iterator[SegmentStandIn]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield segment


@pytest.fixture
def flow(broker: MockBroker, topic: str, segment: SegmentStandIn) -> Flow:
    return Flow(broker.address, topic, segment)


@pytest.fixture
def mortal_broker() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", BROKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def events(member: Member) -> list[str]:
    """The events of all lines. Each line on the standard error is JSON."""
    return [json.loads(line)["event"] for line in member.lines]


def test_stopped_is_the_last_line_of_a_drain_in_time(flow: Flow) -> None:
    flow.produce(50)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert events(member)[-1] == "stopped"


def test_stopped_is_the_last_line_of_a_drain_that_is_late(flow: Flow) -> None:
    flow.segment.script = fault_scripts.hang()
    flow.produce(50)
    with flow.member(SHUTDOWN_TIMEOUT_SECONDS="10", SEGMENT_TIMEOUT_SECONDS="5") as member:
        wait_until(lambda: flow.segment.requests, "a request in flight")
        assert member.terminate() == 0
    assert events(member)[-1] == "stopped"


def test_a_fatal_error_is_the_last_line(flow: Flow) -> None:
    with flow.member(DEAD_LETTER_TOPIC="nowhere") as member:
        assert member.end() == 1
    assert events(member)[-1] == "fatal error, exiting"
    assert "stopped" not in events(member)


def test_a_broker_that_never_answers_is_one_line_and_its_repeats(segment: SegmentStandIn) -> None:
    with Flow(NOBODY, "away", segment).member() as member:
        wait_until(lambda: '"repeated"' in member.output, "the line to be repeated")
        assert member.terminate() == 0
    about_kafka = [event for event in events(member) if event not in ("started", "stopped")]
    assert about_kafka[:2] == ["waiting for Kafka"] * 2
    assert len(about_kafka) <= 3  # the repeats of the end
    assert events(member)[-1] == "stopped"


def test_a_broker_that_goes_away_is_one_line_and_its_repeats(
    segment: SegmentStandIn, mortal_broker: "subprocess.Popen[str]"
) -> None:
    assert mortal_broker.stdout
    with Flow(mortal_broker.stdout.readline().strip(), "away", segment).member() as member:
        wait_until(lambda: member.has_partitions, "partitions")
        mortal_broker.kill()
        wait_until(lambda: '"repeated"' in member.output, "the line to be repeated")
        assert member.terminate() == 0
    lines = [json.loads(line) for line in member.lines]
    assert lines[-1]["event"] == "stopped"
    refused = [line for line in lines if "Connection refused" in json.dumps(line)]
    assert {line["event"] for line in refused} == {"Kafka client error, retrying"}
    assert all(line["client_text"] for line in refused)
    assert "Connection refused" in refused[0]["client_text"]
    assert len(refused) <= 5  # the bootstrap address and the broker itself, each with its repeats
