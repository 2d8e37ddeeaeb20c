"""The memory of decoded values: the bound holds for the densest values, and no schema is refused for its size."""

import tracemalloc
from typing import Any

import pytest

from consumer import paths
from consumer.avro import schema_files
from consumer.avro.decode_limits import MAX_DECODED_BYTES
from consumer.avro.decoder import decode, encode, load_schema
from consumer.errors import RecordRejected
from tests.avro_values import block, record

SIZE = 50_000
NULLABLE = ["null", "int"]
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 40}


def array_of(item: bytes) -> bytes:
    """The encoding of an array that has SIZE bytes of this item."""
    return block([item] * (SIZE // len(item)))


LINKED = record("Node", next=["null", "Node"])
TREE = record("Tree", children={"type": "array", "items": "Tree"})
TREE_OF_MAPS = record("Maps", children={"type": "map", "values": "Maps"})
JSON_VALUE = record(
    "Json", value=["null", "int", {"type": "array", "items": "Json"}, {"type": "map", "values": "Json"}]
)

DENSEST: list[tuple[str, Any, bytes]] = [
    ("nulls", NULLABLE, b"\0"),
    ("numbers", "int", b"\xff\x7f"),
    ("strings", "string", b"\x04ab"),
    ("wide strings", "string", b"\x06\xe2\x82\xac"),
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
    ("short and long branches", ["null", record("A", x="double", y=record("B", z="double")), "int"], b"\2" + bytes(16)),
    ("linked records", LINKED, b"\2" * 19 + b"\0"),
    ("trees", TREE, b"\2" * 19 + b"\0" * 20),
    ("wide trees", TREE, block([b"\0"] * 60)),
    ("trees of maps", TREE_OF_MAPS, b"\2\2a" * 19 + b"\0" * 20),
    ("JSON values", JSON_VALUE, b"\4\2" * 5 + b"\0" * 6),
    ("objects of JSON values", JSON_VALUE, b"\6\2\2a" * 5 + b"\0" * 6),
]


@pytest.mark.parametrize(("schema", "item"), [row[1:] for row in DENSEST], ids=[row[0] for row in DENSEST])
def test_no_decoded_value_takes_more_memory_than_its_bound(schema: Any, item: bytes) -> None:
    writer = load_schema("test", record("R", list={"type": "array", "items": schema}))
    value = array_of(item)
    tracemalloc.start()
    try:
        decoded = decode(writer, value, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(decoded["list"]) == SIZE // len(item)
    assert peak <= MAX_DECODED_BYTES * len(value) / writer.max_value_bytes


def test_a_map_with_many_keys_takes_no_more_memory_than_its_bound() -> None:
    writer = load_schema("test", {"type": "map", "values": ["null", "int"]})
    value = encode(writer, {chr(33 + number // 90) + chr(33 + number % 90): None for number in range(8100)})
    tracemalloc.start()
    try:
        assert len(decode(writer, value, 0)) == 8100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= MAX_DECODED_BYTES * len(value) / writer.max_value_bytes


def test_a_value_that_could_take_too_much_memory_is_rejected_before_it_is_decoded() -> None:
    writer = load_schema("test", record("R", list={"type": "array", "items": record("A", x=NULLABLE)}))
    with pytest.raises(RecordRejected) as caught:
        decode(writer, bytes(writer.max_value_bytes + 1), 0)
    assert caught.value.reason == "value_too_large"
    assert (
        caught.value.detail == f"{writer.max_value_bytes + 1} bytes, {writer.max_value_bytes} at most with this schema"
    )


def test_the_bound_is_larger_than_any_record_that_could_become_an_event() -> None:
    assert schema_files.raw_schema(paths.schemas()).max_value_bytes > 350_000  # as docs/avro.md says
    assert not schema_files.raw_schema(paths.schemas()).is_large(10_000)  # as docs/contract.md says
    assert load_schema("test", "string").max_value_bytes > 2_000_000
    for recursive in (LINKED, TREE, TREE_OF_MAPS, JSON_VALUE):
        assert load_schema("test", recursive).max_value_bytes > 180_000
