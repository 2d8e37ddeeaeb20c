"""Schemas of Avro's specification and generated ones: each record becomes strict JSON or has a known reason."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.contract.forms import json_form
from consumer.errors import UnprocessableRecord, UnsafeSchema
from consumer.json import dumps
from consumer.reading.avro import branch, decode, fingerprint, load
from tests.avro_values import SCHEMAS, record, sized, values, zigzag

REASONS = {"undecodable", "integer_too_large", "non_finite_number"}


# Apache Avro 1.12.0: the examples of the specification in the order of the page, and of share/test/schemas weather.avsc
# and interop.avsc, whose Node contains itself.
SPECIFICATION: dict[str, Any] = {
    "Suit": {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS", "DIAMONDS", "CLUBS"]},
    "array": {"type": "array", "items": "string", "default": []},
    "map": {"type": "map", "values": "long", "default": {}},
    "union": ["null", "string"],
    "fixed": {"type": "fixed", "size": 16, "name": "md5"},
    "Example": {
        "type": "record",
        "name": "Example",
        "doc": "A simple name (attribute) and no namespace attribute: use the null namespace.",
        "fields": [
            {"name": "inheritNull", "type": {"type": "enum", "name": "Simple", "symbols": ["a", "b"]}},
            {
                "name": "explicitNamespace",
                "type": {"type": "fixed", "name": "Simple", "namespace": "explicit", "size": 12},
            },
            {
                "name": "fullName",
                "type": {
                    "type": "record",
                    "name": "a.full.Name",
                    "namespace": "ignored",
                    "fields": [
                        {
                            "name": "inheritNamespace",
                            "type": {"type": "enum", "name": "Understanding", "symbols": ["d", "e"]},
                        },
                        {
                            "name": "md5",
                            "type": {"type": "fixed", "name": "md5_data", "size": 16, "namespace": "ns", "aliases": []},
                        },
                    ],
                },
            },
        ],
    },
    "test": record("test", a="long", b="string"),
    "HandshakeRequest": {
        "type": "record",
        "name": "HandshakeRequest",
        "namespace": "org.apache.avro.ipc",
        "fields": [
            {"name": "clientHash", "type": {"type": "fixed", "name": "MD5", "size": 16}},
            {"name": "clientProtocol", "type": ["null", "string"]},
            {"name": "serverHash", "type": "MD5"},
            {"name": "meta", "type": ["null", {"type": "map", "values": "bytes"}]},
        ],
    },
    "error": {"type": "error", "name": "Curse", "fields": [{"name": "message", "type": "string"}]},
    "decimal": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
    "duration": {"type": "fixed", "size": 12, "name": "span", "logicalType": "duration"},
    "date on a string": {"type": "string", "logicalType": "date"},
    "Weather": {
        "type": "record",
        "name": "test.Weather",
        "doc": "A weather reading.",
        "fields": [
            {"name": "station", "type": "string", "order": "ignore"},
            {"name": "time", "type": "long"},
            {"name": "temp", "type": "int"},
        ],
    },
    "interop without Node": record(
        "org.apache.avro.Interop",
        intField="int",
        longField="long",
        stringField="string",
        boolField="boolean",
        floatField="float",
        doubleField="double",
        bytesField="bytes",
        nullField="null",
        arrayField={"type": "array", "items": "double"},
        mapField={"type": "map", "values": record("Foo", label="string")},
        unionField=["boolean", "double", {"type": "array", "items": "bytes"}],
        enumField={"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]},
        fixedField={"type": "fixed", "name": "MD5", "size": 16},
    ),
}
RECURSIVE: dict[str, Any] = {
    "LongList": {
        "type": "record",
        "name": "LongList",
        "aliases": ["LinkedLongs"],
        "fields": [{"name": "value", "type": "long"}, {"name": "next", "type": ["null", "LongList"]}],
    },
    "Node": record("Node", label="string", children={"type": "array", "items": "Node"}),
}


def outcome(schema: Any, value: bytes) -> str:
    loaded = load("test", schema)
    start = 0
    if loaded.branches:
        number, start = branch(value, 0)
        loaded = loaded.branches[number]
    try:
        text = dumps(json_form(decode(loaded, value, start), "/x"))
    except UnprocessableRecord as error:
        return error.reason
    json.loads(text, parse_constant=pytest.fail)
    return "json"


@pytest.mark.parametrize("name", SPECIFICATION)
@given(st.data())
def test_records_of_the_specification_go_through(name: str, data: st.DataObject) -> None:
    schema = SPECIFICATION[name]
    assert outcome(schema, data.draw(values(schema))) in {"json", *REASONS}


@pytest.mark.parametrize("name", RECURSIVE)
def test_recursive_examples_are_refused(name: str) -> None:
    with pytest.raises(UnsafeSchema, match="contains itself"):
        load("test", RECURSIVE[name])


@given(SCHEMAS, st.data())
def test_records_of_any_schema_go_through(schema: Any, data: st.DataObject) -> None:
    assert outcome(schema, data.draw(values(schema))) in {"json", *REASONS}


@given(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 3))
def test_a_branch_is_told_from_the_bytes(number: int, rest: bytes, start: int) -> None:
    written = zigzag(number)
    assert branch(b"x" * start + written + rest, start) == (number, start + len(written))


@pytest.mark.parametrize("value", [b"", b"\xff" * 9])
def test_bytes_that_name_no_branch_are_undecodable(value: bytes) -> None:
    with pytest.raises(UnprocessableRecord, match="undecodable"):
        branch(value, 0)


def test_branches_that_are_named_only_know_their_types() -> None:
    inner, one, other = record("a.C", y="int"), record("a.A", x="a.C"), record("a.B", z="string")
    schema = load("test", ["a.A", "null", "a.B"], [inner, one, other])
    assert [it.root.name for it in schema.branches] == ["a.A", "", "a.B"]
    assert decode(schema.branches[0], zigzag(5), 0) == {"x": {"y": 5}}
    assert decode(schema.branches[2], sized(b"hi"), 0) == {"z": "hi"}


@pytest.mark.parametrize(
    ("schema", "little_endian"),
    # Avro's own share/test/data/schema-tests.txt; in a single object the number is written little endian.
    [("null", 7195948357588979594), ("boolean", -6970731678124411036), ("int", 8247732601305521295)],
)
def test_fingerprints_are_those_of_avro(schema: str, little_endian: int) -> None:
    assert fingerprint(load("test", schema)) == struct.pack("<q", little_endian).hex()
