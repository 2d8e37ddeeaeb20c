"""A number below zero stands for no branch of a union and for no symbol of an enum, wherever in a schema it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.decoder import decode, decode_partially, encode, load_schema
from consumer.avro.strict_types import StrictTypes
from consumer.errors import RecordRejected
from consumer.jsonio import dumps
from tests.avro_values import SCHEMAS, block, record, sized, values, zigzag
from tests.sendable_values import Unsendable, read_all_texts, sendable
from tests.unit.contract.compiled import sent_form

SUIT = {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}
UNION = ["null", "string"]
TEXT = "a number stands for no branch of its union, or for no symbol of its enum"

# A schema with a type in it, and the bytes of a value around the bytes of that type.
PLACES: dict[str, tuple[Any, Any]] = {
    "field": (lambda avro: record("R", x=avro), lambda number: number),
    "array": (lambda avro: record("R", x={"type": "array", "items": avro}), lambda number: block([number])),
    "map": (lambda avro: record("R", x={"type": "map", "values": avro}), lambda number: block([sized(b"k") + number])),
    "record": (lambda avro: record("R", x=record("S", y="int", z=avro)), lambda number: zigzag(1) + number),
    "union": (lambda avro: record("R", x=["null", record("S", y=avro)]), lambda number: zigzag(1) + number),
    "root": (lambda avro: avro, lambda number: number),
}


@pytest.mark.parametrize("number", [-1, -2, -3, -(2**31), -(2**63), 2, 2**63 - 1])
@pytest.mark.parametrize("avro", [UNION, SUIT], ids=["union", "enum"])
@pytest.mark.parametrize("place", PLACES)
def test_a_number_that_stands_for_nothing_is_undecodable(place: str, avro: Any, number: int) -> None:
    schema_with, value_with = PLACES[place]
    schema = load_schema("test", schema_with(avro))
    decode(schema, value_with(zigzag(0)), 0)
    with pytest.raises(RecordRejected, match="undecodable") as refused:
        decode(schema, value_with(zigzag(number)) + b"\0" * 4, 0)
    assert refused.value.detail == TEXT


def test_a_named_type_that_is_used_again_is_as_strict() -> None:
    schema = load_schema("test", record("R", x=SUIT, y="Suit", z={"type": "array", "items": "Suit"}))
    assert decode(schema, b"\0\2" + block([zigzag(1)]), 0) == {"x": "SPADES", "y": "HEARTS", "z": ["HEARTS"]}
    for value in (b"\0\1" + block([]), b"\0\0" + block([zigzag(-1)])):
        with pytest.raises(RecordRejected, match="undecodable"):
            decode(schema, value, 0)


def test_a_branch_of_a_root_union_and_a_referenced_type_are_as_strict() -> None:
    schema = load_schema("test", ["a.R", "null"], [record("a.R", x=UNION, y=SUIT)])
    assert decode(schema.branches[0], b"\0\0", 0) == {"x": None, "y": "SPADES"}
    for value in (b"\1\0", b"\0\1"):
        with pytest.raises(RecordRejected, match="undecodable"):
            decode(schema.branches[0], value, 0)


def test_a_damaged_record_is_shown_up_to_the_number_below_zero() -> None:
    schema = load_schema("test", record("R", x="int", y=UNION, z=SUIT))
    assert decode_partially(schema, b"\2\0\1", 0) == ({"x": 1, "y": None}, "z")
    assert decode_partially(schema, b"\2\1\0", 0) == ({"x": 1}, "y")


@given(SCHEMAS, st.data())
def test_good_values_of_any_schema_are_sent_as_the_library_alone_reads_them(schema: Any, data: st.DataObject) -> None:
    loaded = load_schema("test", record("R", any=schema))
    value = data.draw(values(schema))
    try:
        expected = sendable(read_all_texts(loaded.parsed, value))
    except Unsendable as error:
        with pytest.raises(RecordRejected, match=f"{error.args[0]}: /x"):
            sent_form(loaded, value)
        return
    assert dumps(sent_form(loaded, value)) == dumps(expected)


@pytest.mark.parametrize("filler", [b"\x80", b"\xff"])
def test_a_number_of_too_many_bytes_is_a_known_limit(filler: bytes) -> None:
    """docs/avro.md gives the cost of refusing it. If this fails, the library refuses it now: change the page."""
    schema = load_schema("test", record("R", x="long"))
    assert isinstance(decode(schema, filler * 12 + b"\0", 0)["x"], int)


def test_the_strict_form_leaves_the_schema_that_is_encoded_with_as_it_is() -> None:
    loaded = load_schema("test", record("R", x=UNION, y=SUIT))
    assert encode(loaded, {"x": "a", "y": "HEARTS"}) == zigzag(1) + sized(b"a") + zigzag(1)


def test_what_has_no_number_stays_as_it_is() -> None:
    assert StrictTypes({}).strict("string") == "string"
    assert StrictTypes({}).strict({"type": "fixed", "name": "F", "size": 2}) == {
        "type": "fixed",
        "name": "F",
        "size": 2,
    }


def test_a_branch_of_a_union_schema_is_decoded_as_the_same_schema_alone() -> None:
    """Two records share a Python type, but which of them a value is stands before it."""
    when = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
    first, second = ({"type": "record", "name": name, "fields": [when]} for name in ("First", "Second"))
    alone, union = load_schema("test", first), load_schema("test", ["null", first, second])
    value = encode(alone, {"at": 1_700_000_000_000})
    assert decode(union.branches[1], value, 0) == decode(alone, value, 0) == {"at": 1_700_000_000_000}
