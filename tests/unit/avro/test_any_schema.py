"""Schemas of Avro's specification and generated ones: each record becomes strict JSON or has a known reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.decoder import branch, decode, load
from consumer.contract.compiler import compile_contract
from consumer.contract.forms import json_form
from consumer.contract.parser import read
from consumer.errors import UnprocessableRecord, UnsafeSchema
from consumer.jsonio import dumps
from consumer.model import Message
from tests.avro_values import SCHEMAS, block, record, sized, values, zigzag

REASONS = {"undecodable", "integer_too_large", "non_finite_number"}
PERMISSIVE = read(
    "test",
    {
        "x-record": "*",
        "required": ["type", "event", "userId", "messageId"],
        "properties": {
            "type": {"const": "track"},
            "event": {"const": "e"},
            "userId": {"x-source": "user"},
            "messageId": {"x-source": "$kafka.messageId"},
            "properties": {"properties": {"any": {}}},
        },
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
def test_records_of_any_schema_become_calls_or_have_a_reason(schema: Any, data: st.DataObject) -> None:
    loaded = load("test", record("R", user="string", any=schema))
    call = compile_contract(PERMISSIVE, loaded.root, "1").call
    value = sized(b"u") + data.draw(values(schema))
    try:
        body = dumps(call(decode(loaded, value, 0), Message(0, 0, 0, None, value, ()), "id"))
        made = json.loads(body, parse_constant=pytest.fail)["userId"]
    except UnprocessableRecord as error:
        made = error.reason
    assert made in {"u", *REASONS}


def test_an_int_of_more_bits_than_an_int_has_is_no_other_number() -> None:
    loaded = load("test", record("R", user="string", any="int"))
    decoded = decode(loaded, sized(b"u") + zigzag(2**60), 0)
    with pytest.raises(UnprocessableRecord, match="integer_too_large"):
        compile_contract(PERMISSIVE, loaded.root, "1").call(decoded, Message(0, 0, 0, None, b"", ()), "id")


@given(SCHEMAS, st.data())
def test_values_of_any_schema_are_no_others_cut_off(schema: Any, data: st.DataObject) -> None:
    loaded, value = load("test", record("R", any=schema, end="boolean")), data.draw(values(schema)) + b"\1"
    for end in range(len(value)):
        with pytest.raises(UnprocessableRecord, match="undecodable"):
            decode(loaded, value[:end], 0)


@given(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 3))
def test_a_branch_is_told_from_the_bytes(number: int, rest: bytes, start: int) -> None:
    written = zigzag(number)
    assert branch(b"x" * start + written + rest, start) == (number, start + len(written))


@pytest.mark.parametrize("value", [b"", b"\xff" * 9])
def test_bytes_that_name_no_branch_are_undecodable(value: bytes) -> None:
    with pytest.raises(UnprocessableRecord, match="undecodable"):
        branch(value, 0)


@pytest.mark.parametrize("number", [-1, -2, -65])
def test_a_branch_below_zero_is_told_as_what_it_is(number: int) -> None:
    """So that it is none, and not one of those counted from the other end."""
    assert branch(zigzag(number), 0) == (number, len(zigzag(number)))


def test_branches_that_are_named_only_know_their_types() -> None:
    inner, one, other = record("a.C", y="int"), record("a.A", x="a.C"), record("a.B", z="string")
    schema = load("test", ["a.A", "null", "a.B"], [inner, one, other])
    assert [it.root.name for it in schema.branches] == ["a.A", "", "a.B"]
    assert decode(schema.branches[0], zigzag(5), 0) == {"x": {"y": 5}}
    assert decode(schema.branches[2], sized(b"hi"), 0) == {"z": "hi"}


@pytest.mark.parametrize("default", [0, None, "true", {}])
def test_a_default_that_does_not_fit_its_type_harms_nobody(default: Any) -> None:
    # Of these, "true" for a boolean is in Avro's own share/test/data/schema-tests.txt.
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": {"type": "boolean"}, "default": default}]}
    assert decode(load("test", schema), b"\1", 0) == {"x": True}


def test_types_of_one_branch_are_known_to_the_others() -> None:
    suit = {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}
    schema = load("test", [record("A", x=suit), record("B", y={"type": "array", "items": "A"}, z="Suit")])
    assert decode(schema.branches[1], block([zigzag(1)]) + zigzag(0), 0) == {"y": [{"x": "HEARTS"}], "z": "SPADES"}
