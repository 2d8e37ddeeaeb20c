"""What a value can become in memory: the bound holds for the densest values there are, and no schema is refused."""

import tracemalloc
from typing import Any

import pytest

from consumer import paths
from consumer.avro import schema_files
from consumer.avro.decode_limits import MAX_DECODED
from consumer.avro.decoder import decode, encode, load
from consumer.errors import UnprocessableRecord
from tests.avro_values import record

SIZE = 50_000
NULLABLE = ["null", "int"]
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 40}


def long(number: int) -> bytes:
    number, out = number << 1, bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def items(one: bytes) -> bytes:
    """An array of so many of these that it takes SIZE bytes."""
    count = SIZE // len(one)
    return long(count) + one * count + b"\0"


DENSEST: list[tuple[str, Any, bytes]] = [
    ("nulls", NULLABLE, b"\0"),
    ("numbers", "int", b"\xff\x7f"),
    ("texts", "string", b"\x04ab"),
    ("wide texts", "string", b"\x06\xe2\x82\xac"),
    ("bytes", "bytes", b"\x04\0\1"),
    ("booleans", "boolean", b"\1"),
    ("doubles", "double", b"\0\0\0\0\0\0\xf0\x3f"),
    ("lists", {"type": "array", "items": "int"}, b"\0"),
    ("maps", {"type": "map", "values": "int"}, b"\0"),
    ("maps of one", {"type": "map", "values": "boolean"}, b"\2\2a\1\0"),
    ("times", {"type": "long", "logicalType": "timestamp-millis"}, b"\2"),
    ("nanos", {"type": "long", "logicalType": "timestamp-nanos"}, b"\2"),
    ("dates", {"type": "int", "logicalType": "date"}, b"\2"),
    ("decimals", DECIMAL, b"\0"),
    ("uuids", {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, bytes(16)),
    ("records", record("A", x=NULLABLE), b"\0"),
    ("records in records", record("A", x=record("B", y=record("C", z=NULLABLE))), b"\0"),
    ("records in unions", ["null", record("A", x=["null", record("B", y=NULLABLE)])], b"\2\2\0"),
    ("wide records", record("A", **{f"f{number}": NULLABLE for number in range(40)}), bytes(40)),
    ("empty records", ["null", record("A")], b"\2"),
    ("lists of records", {"type": "array", "items": record("A", x=NULLABLE)}, b"\2\0\0"),
]


@pytest.mark.parametrize(("schema", "one"), [it[1:] for it in DENSEST], ids=[it[0] for it in DENSEST])
def test_no_value_becomes_more_than_its_bound(schema: Any, one: bytes) -> None:
    writer = load("test", record("R", list={"type": "array", "items": schema}))
    value = items(one)
    tracemalloc.start()
    try:
        decoded = decode(writer, value, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(decoded["list"]) == SIZE // len(one)
    assert peak <= MAX_DECODED * len(value) / writer.longest


def test_a_map_with_many_keys_stays_within_its_bound() -> None:
    writer = load("test", {"type": "map", "values": ["null", "int"]})
    value = encode(writer, {chr(33 + number // 90) + chr(33 + number % 90): None for number in range(8100)})
    tracemalloc.start()
    try:
        assert len(decode(writer, value, 0)) == 8100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= MAX_DECODED * len(value) / writer.longest


def test_a_value_that_could_become_too_much_is_set_aside_before_it_is_decoded() -> None:
    writer = load("test", record("R", list={"type": "array", "items": record("A", x=NULLABLE)}))
    with pytest.raises(UnprocessableRecord) as caught:
        decode(writer, bytes(writer.longest + 1), 0)
    assert caught.value.reason == "value_too_large"
    assert caught.value.detail == f"{writer.longest + 1} bytes, {writer.longest} at most of this schema"


def test_records_of_which_an_event_could_be_made_are_decoded() -> None:
    assert schema_files.raw_schema(paths.schemas()).longest > 350_000  # as docs/avro.md says
    assert load("test", "string").longest > 2_000_000
