"""The audit log of a member: no committed offset is without its line, also after a crash and with a full disk."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from consumer.model import RecordAddress
from tests.support import KEYS, Flow, Member, metric, wait_until

UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def segment() -> Iterator[SegmentStandIn]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield segment


@pytest.fixture
def flow(broker: MockBroker, topic: str, segment: SegmentStandIn) -> Flow:
    return Flow(broker.address, topic, segment)


def delivered(flow: Flow) -> set[str]:
    """The messageIds that Segment accepted, by the stand-in's own account."""
    return {str(accepted.event["messageId"]) for accepted in flow.segment.accepted}


def audited(path: Path) -> dict[str, RecordAddress]:
    """The messageIds with their addresses, without the half line that a crash or a full disk leaves."""
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return {line["messageId"]: RecordAddress(line["partition"], line["offset"]) for line in lines}


def test_each_delivered_message_id_has_a_line_with_the_address_of_its_record(flow: Flow, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    flow.produce(200)
    with flow.member(AUDIT_LOG=str(path)) as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    lines = audited(path)
    assert lines.keys() == delivered(flow)
    assert len(lines) > 100
    for message_id, (partition, offset) in lines.items():
        assert f"-{partition}-{offset}-" in message_id


def test_on_standard_output_the_lines_are_apart_from_the_log(flow: Flow) -> None:
    flow.produce(50)
    with flow.member(AUDIT_LOG="-") as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    # The member of a test writes both streams into one pipe: each line is JSON of one of the two kinds.
    lines = [json.loads(line) for line in member.lines]
    assert {line["messageId"] for line in lines if "messageId" in line} == delivered(flow)
    assert all("event" in line for line in lines if "messageId" not in line)


def limit_files(member: Member, size: int) -> None:
    """Let the member write no file beyond this size, as on a full disk."""
    resource.prlimit(member.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


def test_with_a_full_disk_nothing_is_committed_and_all_is_delivered_when_there_is_space(
    flow: Flow, tmp_path: Path
) -> None:
    path = tmp_path / "audit.jsonl"
    with flow.member(AUDIT_LOG=str(path)) as member:
        wait_until(lambda: member.has_partitions, "partitions")
        limit_files(member, 100)
        flow.produce(100)
        wait_until(lambda: metric(member.url, "blocked", reason="audit_log_not_written"), "the block")
        assert not audited(path)
        assert flow.segment.accepted
        assert metric(member.url, "records_delivered_total") == 0
        assert httpx.get(f"{member.url}/livez", trust_env=False).status_code == 200
        limit_files(member, UNLIMITED)
        flow.wait_until_settled()
        wait_until(lambda: not metric(member.url, "blocked"), "the end of the block")
        assert member.terminate() == 0
    assert audited(path).keys() == delivered(flow)
    assert "audit log not written, delivery blocked" in member.output


def test_after_a_crash_no_committed_record_is_without_its_line(flow: Flow, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    flow.produce(400)
    with flow.member(AUDIT_LOG=str(path), BATCH_MAX_EVENTS="7") as member:
        wait_until(lambda: len(flow.segment.accepted) > 60, "a part of the records to be delivered")
        member.kill()
    committed = flow.committed()
    addresses = set(audited(path).values())
    # A messageId ends with the partition, the offset and the timestamp of its record.
    accepted = [message_id.split("-")[1:3] for message_id in delivered(flow)]
    delivered_addresses = {RecordAddress(int(partition), int(offset)) for partition, offset in accepted}
    settled = {address for address in delivered_addresses if address.offset < committed[address.partition]}
    assert settled
    assert settled <= addresses <= delivered_addresses
