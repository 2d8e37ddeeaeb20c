"""`run --dry-run` reports what `run` would do, beside the running service, and leaves no trace."""

import struct
from collections import Counter
from collections.abc import Iterator

import pytest

from consumer.demo.expected import REFUSED, ExpectDeadLetter, ExpectDelivered, ExpectedOutcome, ExpectSkipped
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from consumer.model import RecordAddress
from tests.cli_runner import CommandRunner
from tests.support import KEYS, Flow

RAW = {"AVRO_FRAMING": "raw"}


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, topic, segment, settings=RAW)


def numbers(outcomes: list[ExpectedOutcome]) -> dict[str, object]:
    """What a dry run reports, which cannot know what Segment refuses."""
    delivered = [outcome for outcome in outcomes if isinstance(outcome, ExpectDelivered) or outcome == REFUSED]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, ExpectDeadLetter) and outcome != REFUSED]
    return {
        "sent": len(delivered),
        "skipped": Counter(outcome.reason for outcome in outcomes if isinstance(outcome, ExpectSkipped)),
        "rejected": Counter(outcome.reason for outcome in rejected),
        "waiting": 0,
        "blocked": [],
        "done": True,
    }


def test_a_dry_run_counts_what_is_not_committed_and_leaves_no_trace(flow: Flow) -> None:
    flow.produce(120)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    committed, before = flow.committed(), len(flow.segment.accepted)
    flow.produce(80, seed=2)
    outcomes = [outcome for address, outcome in flow.produced.items() if address.offset >= committed[address.partition]]
    dead_letters = len(flow.dead_letters())
    report = CommandRunner(flow).json("run", "--dry-run", "--json")
    assert {name: report[name] for name in numbers(outcomes)} == numbers(outcomes)
    assert sum(report["sent_by_environment"].values()) == report["sent"]
    assert set(report["sent_by_environment"]) == set(KEYS)
    for reason, first in report["first_rejected"].items():
        assert flow.produced[RecordAddress(first["partition"], first["offset"])] == ExpectDeadLetter(reason)
    assert flow.committed() == committed
    assert len(flow.segment.accepted) == before
    assert len(flow.dead_letters()) == dead_letters


def test_a_running_member_is_not_disturbed(flow: Flow) -> None:
    flow.produce(60)
    with flow.member() as member:
        flow.wait_until_settled()
        assert CommandRunner(flow).json("run", "--dry-run", "--json")["sent"] == 0
        flow.produce(60, seed=2)
        flow.wait_until_settled()
        assert (member.times("assigned"), member.times("revoked"), member.times("lost")) == (1, 0, 0)
        assert member.terminate() == 0


def test_a_dry_run_says_what_would_block(flow: Flow) -> None:
    """With wrong framing everything is rejected, and `run` blocks before it fills the dead-letter topic."""
    flow.produce(400, frame=lambda body: struct.pack(">bI", 0, 7) + body)
    runner = CommandRunner(flow, {"MAX_REJECTED_BEFORE_SUCCESS": "20"})
    report = runner.json("run", "--dry-run", "--json", code=1)
    assert (report["sent"], report["done"]) == (0, True)
    assert {block["reason"] for block in report["blocked"]} == {"rejected_before_success"}
    assert report["waiting"]
    text = runner.terminal_output("run", "--dry-run", code=1)
    assert "Nothing is sent, written or committed, and no group is joined" in " ".join(text.split())
    assert "would be blocked: rejected_before_success" in " ".join(text.split())
    assert not flow.dead_letters()


@pytest.mark.parametrize("command", [["run"], ["run", "--dry-run"]], ids=" ".join)
def test_a_dry_run_fails_where_run_fails(flow: Flow, command: list[str]) -> None:
    result = CommandRunner(flow, {"DEAD_LETTER_TOPIC": "no-such-topic"}).run(*command)
    assert result.returncode == 1
    assert "DEAD_LETTER_TOPIC: there is no topic no-such-topic" in result.stderr


def test_json_is_for_a_dry_run(flow: Flow) -> None:
    result = CommandRunner(flow).run("run", "--json")
    assert result.returncode == 2
    assert "--json is for --dry-run" in result.stderr


def test_a_group_without_an_offset_would_be_blocked_as_run_is(flow: Flow) -> None:
    flow.produce(40)
    report = CommandRunner(flow, {"KAFKA_AUTO_OFFSET_RESET": "error"}).json("run", "--dry-run", "--json", code=1)
    assert {block["reason"] for block in report["blocked"]} == {"no_committed_offset"}
    assert report["sent"] == 0
