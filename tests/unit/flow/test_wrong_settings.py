"""A setting that is wrong for the whole topic: `run` rejects a few records, keeps all others, and names the setting."""

import json
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumer import paths
from consumer.demo import fault_scripts
from consumer.demo.expected import UNDECODABLE, ExpectDeadLetter, ExpectSkipped
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from consumer.model import RecordAddress
from tests.avro_values import record
from tests.cli_runner import CommandRunner
from tests.support import KEYS, Flow, Member, is_refused, metric, registry, wait_until

LIMIT, COUNT = 50, 400
BLOCKED = "partition blocked: operator action required"
RESPONSE = (paths.schemas() / "sprig" / "response.avsc").read_text()
OTHER_SCHEMA = json.dumps(record("com.example.Order", amount="double", lines={"type": "array", "items": "string"}))
NOT_FOUND_AT_ONCE = "from consumer.avro import negative_cache\nnegative_cache.CONFIRM_SECONDS = 0.0\n"
"""A module that Python imports at its start: an id that the registry does not know is not asked for again."""

Frame = Callable[[bytes], bytes]


def confluent(body: bytes) -> bytes:
    return struct.pack(">bI", 0, 7) + body


def glue(body: bytes) -> bytes:
    """The header of AWS Glue: version 3, no compression, a UUID."""
    return b"\x03\x00" + bytes(range(16)) + body


@dataclass(frozen=True)
class Mistake:
    """Records in the framing `frame` and settings that do not fit: what is logged."""

    settings: Mapping[str, str]
    frame: Frame
    reason: str
    setting: str


def contract_with(folder: Path, change: Callable[[Any], None]) -> Path:
    """A copy of the packaged schemas whose contract is changed."""
    shutil.copytree(paths.schemas(), folder)
    path = folder / "segment" / "survey-response.json"
    contract = json.loads(path.read_text())
    change(contract)
    path.write_text(json.dumps(contract))
    return folder


def require_unknown_field(contract: Any) -> None:
    properties = contract["properties"]["properties"]
    properties["properties"]["visitor"] = {"type": "string", "x-source": "visitor_id"}
    properties["required"] = [*properties.get("required", []), "visitor"]


def map_another_record(contract: Any) -> None:
    contract["x-record"] = "*.SurveyReply"


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Mistake]]:
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "sitecustomize.py").write_text(NOT_FOUND_AT_ONCE)
    mistyped, unmapped = (
        {"SCHEMAS_DIR": str(contract_with(folder / name, change))}
        for name, change in (("mistyped", require_unknown_field), ("unmapped", map_another_record))
    )
    prod = {"SEGMENT_WRITE_KEYS": json.dumps({"prod": KEYS["production"], "dev": KEYS["development"]})}
    with registry({7: RESPONSE}) as right, registry({7: OTHER_SCHEMA}) as other, registry({}) as empty:
        at_empty = {"SCHEMA_REGISTRY_URL": empty, "PYTHONPATH": str(folder)}
        yield {
            "forgotten registry": Mistake({}, confluent, "undecodable", "SCHEMA_REGISTRY_URL"),
            "foreign framing": Mistake({"SCHEMA_REGISTRY_URL": right}, glue, "not_framed", "AVRO_FRAMING"),
            "ids of another registry": Mistake(at_empty, confluent, "unknown_schema", "SCHEMA_REGISTRY_URL"),
            "schemas of another registry": Mistake(
                {"SCHEMA_REGISTRY_URL": other}, confluent, "undecodable", "SCHEMA_REGISTRY_URL"
            ),
            "environments": Mistake(prod, bytes, "no_write_key", "SEGMENT_WRITE_KEYS"),
            "contract": Mistake(mistyped, bytes, "missing_required", "SCHEMAS_DIR"),
            "contract of another record": Mistake(unmapped, bytes, "unknown_record", "SCHEMAS_DIR"),
            "right settings": Mistake({"SCHEMA_REGISTRY_URL": right}, confluent, "", ""),
        }


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(broker.address, topic, segment)


def wait_until_all_are_blocked(flow: Flow, member: Member) -> None:
    """And until all dead letters are confirmed."""
    wait_until(lambda: metric(member.url, "blocked") == flow.partitions, "all partitions to be blocked")
    wait_until(lambda: not metric(member.url, "records_in_flight"), "the dead letters to be confirmed")


def assert_nothing_is_passed(flow: Flow, skipped: set[str]) -> None:
    """Whatever is below a committed offset is a dead letter, or one of the records with nothing to send."""
    committed, dead_letters = flow.committed(), {letter.address for letter in flow.dead_letters()}
    passed = [address for address in flow.produced if address.offset < committed[address.partition]]
    for address in passed:
        expected = flow.produced[address]
        is_skipped = isinstance(expected, ExpectSkipped) and expected.reason in skipped
        assert is_skipped or address in dead_letters, address
    assert sum(committed.values()) < COUNT


def wrongly_rejected(flow: Flow) -> set[RecordAddress]:
    """The records that are no dead letters with the right settings."""
    dead_letters = flow.dead_letters()
    return {
        letter.address for letter in dead_letters if flow.produced[letter.address] != ExpectDeadLetter(letter.reason)
    }


def block_lines(member: Member) -> list[dict[str, Any]]:
    return [json.loads(line) for line in member.lines if BLOCKED in line]


NAMES = [
    "forgotten registry",
    "foreign framing",
    "ids of another registry",
    "schemas of another registry",
    "environments",
    "contract",
    "contract of another record",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_that_is_wrong_for_all_records_costs_no_more_than_a_few_dead_letters(
    name: str, flow: Flow, mistakes: Mapping[str, Mistake]
) -> None:
    mistake = mistakes[name]
    flow.produce(COUNT, frame=mistake.frame)
    with flow.member(**mistake.settings) as member:
        wait_until_all_are_blocked(flow, member)
        status = httpx.get(f"{member.url}/status.json", trust_env=False).json()
        assert member.terminate() == 0
    assert 0 < len(wrongly_rejected(flow)) <= LIMIT
    assert_nothing_is_passed(flow, {"tombstone", "no_user_id"} if mistake.frame is bytes else {"tombstone"})
    assert not flow.segment.accepted
    (line, *_) = block_lines(member)
    assert (line["level"], line["reason"]) == ("error", "rejected_before_success")
    assert line["reject_reason"] == mistake.reason
    assert line["settings"].split(", ")[0] == mistake.setting
    block = status["blocks"][0]
    assert (block["reject_reason"], block["settings"]) == (line["reject_reason"], line["settings"])


def test_with_the_right_setting_the_next_member_goes_on_where_the_first_was_blocked(
    flow: Flow, mistakes: Mapping[str, Mistake]
) -> None:
    flow.produce(COUNT, frame=confluent)
    with flow.member() as blocked:
        wait_until_all_are_blocked(flow, blocked)
        assert blocked.terminate() == 0
    lost = wrongly_rejected(flow)
    with flow.member(**mistakes["right settings"].settings) as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert set(ledger.lost) <= lost
    assert not ledger.duplicates
    assert ledger.delivered > COUNT // 2
    assert not block_lines(member)


def test_a_stream_is_not_dropped_either(flow: Flow) -> None:
    """With ON_REJECTED=skip, which leaves no trace of a rejected record."""
    flow.produce(COUNT, frame=confluent)
    with flow.member(ON_REJECTED="skip") as member:
        wait_until(lambda: metric(member.url, "blocked") == flow.partitions, "all partitions to be blocked")
        assert metric(member.url, "records_skipped_total", reason="undecodable") == LIMIT
        assert member.terminate() == 0
    assert not flow.dead_letters()
    tombstones = sum(isinstance(expected, ExpectSkipped) for expected in flow.produced.values())
    empty_values = sum(expected == ExpectDeadLetter("empty_value") for expected in flow.produced.values())
    assert sum(flow.committed().values()) <= LIMIT + tombstones + empty_values


def test_many_bad_records_at_the_start_of_one_partition_stop_nobody(flow: Flow) -> None:
    producer = flow.producer()
    for _ in range(LIMIT + 10):
        flow.note_produced(0, UNDECODABLE)
        producer.produce(flow.topic, b"\xff" * 12, partition=0)
    assert producer.flush(30) == 0
    with flow.member() as member:
        wait_until(lambda: BLOCKED in member.output, "the partition to be blocked")
        flow.produce(COUNT)
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert flow.ledger().even, flow.ledger()
    assert '"event": "delivery resumed"' in member.output
    assert len(block_lines(member)) == 1


def test_a_topic_that_changes_to_another_framing_blocks_all_partitions_together(
    flow: Flow, mistakes: Mapping[str, Mistake]
) -> None:
    in_a_row = 80
    settings = {**mistakes["right settings"].settings, "MAX_CONSECUTIVE_DEAD_LETTERS": str(in_a_row)}
    flow.produce(COUNT, frame=confluent)
    with flow.member(**settings) as member:
        flow.wait_until_settled()
        before = len(flow.dead_letters())
        flow.produce(COUNT, seed=2, frame=glue)
        wait_until_all_are_blocked(flow, member)
        assert member.terminate() == 0
    assert len(flow.dead_letters()) - before <= in_a_row
    (line, *_) = [line for line in block_lines(member) if line["reason"] == "everything_rejected"]
    assert line["reject_reason"] == "not_framed"
    assert line["settings"].startswith("AVRO_FRAMING")


def test_a_replay_of_records_that_are_still_bad_is_not_blocked(flow: Flow) -> None:
    flow.produce(COUNT, frame=confluent)
    with flow.member(MAX_REJECTED_BEFORE_SUCCESS="1000") as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    dead_letters = len(flow.dead_letters())
    assert dead_letters > 5 * LIMIT
    settings = {"MAX_CONSECUTIVE_DEAD_LETTERS": "1000"}
    result = CommandRunner(flow, settings).json("dead-letters", "replay", "--yes", "--json")
    assert (result["done"], sum(result["set_aside"].values())) == (True, dead_letters)
