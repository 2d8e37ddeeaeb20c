"""A member passes over fields that the contract does not use, and finds each field that any part of it uses."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import consumer.settings
from bench.shapes import SHAPES, schemas_folder
from consumer import factories
from consumer.avro.decoder import decode, encode, load_schema
from consumer.avro.schema import WriterSchema
from consumer.avro.unused_fields import MIN_PASSED_OVER
from consumer.contract.compiler import Contracts
from consumer.model import MappedRecord, Record, Skipped, TrackEvent
from consumer.pipeline.record_mapper import RecordMapper
from tests.avro_values import record

CONTRACT = {
    "x-record": "*",
    "required": ["type", "event", "userId", "messageId"],
    "x-environment": ["place.stage", "stage"],
    "x-skip": [{"source": "kind", "when": {"in": ["test"]}, "reason": "a_test"}],
    "properties": {
        "type": {"const": "track"},
        "event": {"const": "Answered"},
        "userId": {"x-source": "user"},
        "messageId": {"x-source": "$kafka.messageId"},
        "properties": {"type": "object", "properties": {"answer": {"x-source": ["`short.answer`", "reply.text"]}}},
    },
}
"""It uses fields in all ways that a contract can."""

PLACE, REPLY = record("Place", stage="string"), record("Reply", text="string")
VALUES = {"kind": "real", "user": "u", "place": {"stage": "live"}, "reply": {"text": "yes"}}


def fillers(name: str) -> dict[str, str]:
    return {f"{name}{number}": "string" for number in range(MIN_PASSED_OVER)}


SCHEMA: Any = record(
    "R", **fillers("a"), kind="string", **fillers("b"), user="string", place=PLACE,
    **fillers("c"), reply=REPLY, **fillers("d"),
)  # fmt: skip


def mapped(folder: Path, value: bytes, keys: Mapping[str, str]) -> tuple[MappedRecord, Any]:
    """What a member makes of a value, and what it decoded."""
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "unused:9092", "SCHEMAS_DIR": str(folder), **keys}
    settings = consumer.settings.load(environ=environ)
    seen: list[Any] = []

    def noted(schema: WriterSchema, value: bytes, start: int) -> Any:
        seen.append(decode(schema, value, start))
        return seen[-1]

    with ExitStack() as closing:
        stages = replace(factories.blocking_decode_stages(settings, closing), decode=noted)
        mapper: RecordMapper = factories.record_mapper(settings, stages)
        result = mapper.map(Record(3, 42, 1_772_442_000_000, None, value, ()))
    return result, seen[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file, value in {"segment/contract.json": CONTRACT, "sprig/r.avsc": SCHEMA}.items():
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(json.dumps(value))
    return tmp_path


def encoded(**changes: Any) -> bytes:
    texts = {field["name"]: "filler" for field in SCHEMA["fields"]}
    return encode(load_schema("test", SCHEMA), {**texts, **VALUES, **changes})


KEYS = {"SEGMENT_WRITE_KEYS": '{"live": "key-of-live", "other": "key-of-other"}'}


def test_every_field_that_the_contract_uses_is_decoded(folder: Path) -> None:
    result, decoded = mapped(folder, encoded(), KEYS)
    assert isinstance(result, TrackEvent)
    assert result.key.environment == "live"
    event = json.loads(result.body)
    assert (event["userId"], event["properties"]) == ("u", {"answer": "yes"})
    # of the last run one field is always decoded, and the others are too few to be passed over
    assert {*decoded} == {"kind", "user", "place", "reply", *fillers("d")}


def test_a_skip_rule_finds_its_field(folder: Path) -> None:
    result, _ = mapped(folder, encoded(kind="test"), KEYS)
    assert result == Skipped("a_test")


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_is_that_of_the_whole_record(shape: str) -> None:
    schema = load_schema(shape, SHAPES[shape].schema_json())
    (value,) = SHAPES[shape].values(1)
    with schemas_folder(shape) as folder:
        result, decoded = mapped(folder, value, {"SEGMENT_WRITE_KEY": "key"})
        whole = decode(schema, value, 0)
        assert isinstance(result, TrackEvent)
        message_id = json.loads(result.body)["messageId"]
        record = Record(3, 42, 1_772_442_000_000, None, value, ())
        version = json.loads(result.body)["context"]["library"]["version"]
        assert result.body == Contracts(folder, version).mapper(schema).body(whole, record, message_id)
    assert len(decoded) == (16 if shape == "wide" else len(whole))
