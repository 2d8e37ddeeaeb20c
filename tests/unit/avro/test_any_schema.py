"""Schemas of Avro's specification and generated schemas: each record becomes strict JSON or has a known reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.decoder import decode, load_schema, union_branch
from consumer.contract.compiler import compile_contract
from consumer.contract.parser import parse_contract
from consumer.errors import RecordRejected
from consumer.jsonio import dumps
from consumer.model import Record
from tests.avro_values import SCHEMAS, block, record, sized, values, zigzag
from tests.unit.contract.compiled import FRAME, sent_form

REASONS = {"integer_too_large", "non_finite_number", "time_out_of_range", "decimal_too_large"}
PERMISSIVE = parse_contract(
    "test",
    {
        "x-record": "*",
        "required": [*FRAME],
        "properties": {**FRAME, "properties": {"properties": {"any": {}}}},
    },
)


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
    loaded = load_schema("test", schema)
    start = 0
    if loaded.branches:
        number, start = union_branch(value, 0)
        loaded = loaded.branches[number]
    try:
        text = dumps(sent_form(loaded, value, start))
    except RecordRejected as error:
        return error.reason
    json.loads(text, parse_constant=pytest.fail)
    return "json"


@pytest.mark.parametrize("name", SPECIFICATION)
@given(st.data())
def test_records_of_the_specification_become_json_or_have_a_reason(name: str, data: st.DataObject) -> None:
    schema = SPECIFICATION[name]
    assert outcome(schema, data.draw(values(schema))) in {"json", *REASONS}


@pytest.mark.parametrize("name", RECURSIVE)
@given(st.data())
def test_recursive_examples_become_json_or_have_a_reason(name: str, data: st.DataObject) -> None:
    value = data.draw(st.binary(max_size=60))
    assert outcome(RECURSIVE[name], value) in {"json", "undecodable", "trailing_bytes", "nested_too_deep", *REASONS}


@given(SCHEMAS, st.data())
def test_records_of_any_schema_become_events_or_have_a_reason(schema: Any, data: st.DataObject) -> None:
    loaded = load_schema("test", record("R", user="string", any=schema))
    create_event = compile_contract(PERMISSIVE, loaded.root, "1").event
    value = sized(b"u") + data.draw(values(schema))
    try:
        body = dumps(create_event(decode(loaded, value, 0), Record(0, 0, 0, None, value, ()), "id"))
        result = json.loads(body, parse_constant=pytest.fail)["userId"]
    except RecordRejected as error:
        result = error.reason
    assert result in {"u", *REASONS}


def test_an_int_with_more_than_32_bits_is_not_decoded_as_another_number() -> None:
    loaded = load_schema("test", record("R", user="string", any="int"))
    decoded = decode(loaded, sized(b"u") + zigzag(2**60), 0)
    with pytest.raises(RecordRejected, match="integer_too_large"):
        compile_contract(PERMISSIVE, loaded.root, "1").event(decoded, Record(0, 0, 0, None, b"", ()), "id")


@given(SCHEMAS, st.data())
def test_a_truncated_value_of_any_schema_is_undecodable(schema: Any, data: st.DataObject) -> None:
    loaded, value = load_schema("test", record("R", any=schema, end="boolean")), data.draw(values(schema)) + b"\1"
    for end in range(len(value)):
        with pytest.raises(RecordRejected, match="undecodable"):
            decode(loaded, value[:end], 0)


@given(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 3))
def test_a_branch_is_read_from_the_bytes(number: int, rest: bytes, start: int) -> None:
    encoded = zigzag(number)
    assert union_branch(b"x" * start + encoded + rest, start) == (number, start + len(encoded))


@pytest.mark.parametrize("value", [b"", b"\xff" * 9])
def test_bytes_that_name_no_branch_are_undecodable(value: bytes) -> None:
    with pytest.raises(RecordRejected, match="undecodable"):
        union_branch(value, 0)


@pytest.mark.parametrize("number", [-1, -2, -65])
def test_a_negative_branch_is_returned_as_it_is(number: int) -> None:
    """The union has no such branch. A list index below zero would name a branch, counted from the end."""
    assert union_branch(zigzag(number), 0) == (number, len(zigzag(number)))


def test_branches_that_are_only_named_have_the_types_of_the_references() -> None:
    inner, first, second = record("a.C", y="int"), record("a.A", x="a.C"), record("a.B", z="string")
    schema = load_schema("test", ["a.A", "null", "a.B"], [inner, first, second])
    assert [branch.root.name for branch in schema.branches] == ["a.A", "", "a.B"]
    assert decode(schema.branches[0], zigzag(5), 0) == {"x": {"y": 5}}
    assert decode(schema.branches[2], sized(b"hi"), 0) == {"z": "hi"}


@pytest.mark.parametrize("default", [0, None, "true", {}])
def test_a_default_that_does_not_fit_its_type_is_ignored(default: Any) -> None:
    # Of these, "true" for a boolean is in Avro's own share/test/data/schema-tests.txt.
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": {"type": "boolean"}, "default": default}]}
    assert decode(load_schema("test", schema), b"\1", 0) == {"x": True}


def test_each_branch_may_use_the_types_of_another_branch() -> None:
    suit = {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}
    schema = load_schema("test", [record("A", x=suit), record("B", y={"type": "array", "items": "A"}, z="Suit")])
    assert decode(schema.branches[1], block([zigzag(1)]) + zigzag(0), 0) == {"y": [{"x": "HEARTS"}], "z": "SPADES"}
