"""Decoding: any bytes give a record or a reason, and the reason never has a part of the payload."""

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.decoder import decode, encode, load_schema
from consumer.errors import RecordRejected
from tests.avro_values import zigzag
from tests.unit.contract.compiled import sent_form

SCHEMA = load_schema(
    "test",
    {
        "type": "record",
        "name": "Answer",
        "fields": [
            {"name": "text", "type": "string"},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["OPEN", "NPS"]}},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {
                "name": "more",
                "type": ["null", {"type": "array", "items": "double"}, {"type": "map", "values": "bytes"}],
            },
        ],
    },
)
RECORD: dict[str, Any] = {"text": "secret-text", "kind": "NPS", "at": 0, "more": [1.5]}
VALUE = encode(SCHEMA, RECORD)
PYTHON_NAME = re.compile(r"[A-Z]\w+(Error|Exception)\b|\bPython\b|_io\.")


def reason(value: bytes, start: int = 0) -> tuple[str, str]:
    with pytest.raises(RecordRejected) as caught:
        decode(SCHEMA, value, start)
    return caught.value.reason, caught.value.detail


def test_a_body_is_decoded_from_the_given_index() -> None:
    assert decode(SCHEMA, b"12345" + VALUE, 5) == RECORD


@pytest.mark.parametrize("end", range(len(VALUE)))
def test_a_truncated_value_is_undecodable(end: int) -> None:
    assert reason(VALUE[:end])[0] == "undecodable"


def test_bytes_after_the_record_are_rejected() -> None:
    assert reason(VALUE + b"\x00") == ("trailing_bytes", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "the value ends inside the record"),  # a text of 2^63-1 bytes
        (b"\x80", "the value ends inside the record"),  # in the middle of a number
        (b"\x01", "a length is below zero"),
        (b"\x00\x08", "a number stands for no branch of its union, or for no symbol of its enum"),
        (b"\x00\x00\x00\x06", "a number stands for no branch of its union, or for no symbol of its enum"),
    ],
)
def test_an_error_is_described_in_words_without_a_part_of_the_value(value: bytes, text: str) -> None:
    assert reason(value) == ("undecodable", text)


@pytest.mark.parametrize("day", [-(2**31), -719_163, 2_932_897, 2**31 - 1])
def test_a_date_out_of_range_is_decoded_and_not_sent(day: int) -> None:
    schema = load_schema("test", {"type": "int", "logicalType": "date"})
    assert decode(schema, zigzag(day), 0) == day
    with pytest.raises(RecordRejected, match="time_out_of_range: /x"):
        sent_form(schema, zigzag(day))


@given(st.binary(max_size=60))
def test_any_bytes_give_a_record_or_a_reason(value: bytes) -> None:
    detail = ""
    try:
        outcome = type(decode(SCHEMA, value, 0)).__name__
    except RecordRejected as error:
        outcome, detail = error.reason, error.detail
    assert not PYTHON_NAME.search(detail)
    assert outcome in ("dict", "undecodable", "trailing_bytes")


def test_a_value_whose_root_is_not_a_record_is_decoded() -> None:
    schema = load_schema("test", ["null", "long", {"type": "array", "items": "string"}])
    assert decode(schema, encode(schema, ["a", "b"]), 0) == ["a", "b"]
    assert decode(schema, encode(schema, None), 0) is None


def test_types_of_referenced_schemas_are_known() -> None:
    inner = {"type": "record", "name": "a.Inner", "fields": [{"name": "x", "type": "int"}]}
    outer = {"type": "record", "name": "a.Outer", "fields": [{"name": "in", "type": "Inner"}]}
    schema = load_schema("test", outer, [inner])
    assert schema.root.fields["in"].name == "a.Inner"
    assert decode(schema, encode(schema, {"in": {"x": 7}}), 0) == {"in": {"x": 7}}


def test_a_schema_can_be_only_a_name() -> None:
    inner = {"type": "record", "name": "a.Inner", "fields": [{"name": "x", "type": "int"}]}
    assert decode(load_schema("test", "a.Inner", [inner]), b"\x0e", 0) == {"x": 7}


def test_the_readers_of_the_library_stay_as_they_are() -> None:
    script = (
        "import fastavro.read; before = dict(fastavro.read.LOGICAL_READERS)\n"
        "from consumer.avro.decoder import decode, load_schema\n"
        "assert fastavro.read.LOGICAL_READERS == before\n"
        "schema = load_schema('test', {'type': 'int', 'logicalType': 'date'})\n"
        "assert before.items() <= fastavro.read.LOGICAL_READERS.items()\n"
        "print(decode(schema, bytes(1), 0))\n"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout == "0\n"
