"""Fields that nobody uses are passed over; the others have the values that decoding the whole record gives."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import wide_shape
from consumer.avro.connect_types import VARIABLE_SCALE_DECIMAL
from consumer.avro.decoder import decode, load_schema
from consumer.avro.schema import WriterSchema
from consumer.avro.unused_fields import MAX_ITEMS, MIN_PASSED_OVER, decode_only
from consumer.errors import DecodingError
from tests.avro_values import SCHEMAS, block, record, sized, values, zigzag

NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
SYMBOLS = {"type": "enum", "name": "E", "symbols": ["A", "B"]}


def loaded(*types: Any, first: Any = "string", last: Any = "long") -> WriterSchema:
    """A record of the fields `first`, `f0`, `f1` ... and `last`."""
    fields = {f"f{number}": avro for number, avro in enumerate(types)}
    return load_schema("test", record("R", first=first, **fields, last=last))


def unused(avro: Any) -> WriterSchema:
    """A record whose fields `f0` ... are passed over if a field of this type can be."""
    return decode_only(loaded(*["long"] * (MIN_PASSED_OVER - 1), avro), ["first", "last"])


def outcome(schema: WriterSchema, value: bytes) -> Any:
    try:
        return decode(schema, value, 0)
    except DecodingError as error:
        return error.reason, error.detail


def only(decoded: Any, names: Collection[str]) -> Any:
    return {name: value for name, value in decoded.items() if name in names}


RUNS = st.lists(SCHEMAS, min_size=MIN_PASSED_OVER, max_size=MIN_PASSED_OVER + 2)


@given(RUNS, st.sets(st.integers(0, 1)), st.data())
def test_used_fields_have_the_same_values(types: list[Any], used: set[int], data: st.DataObject) -> None:
    schema = loaded(*types)
    names = {"first", *(f"f{number}" for number in used)}
    encoded = [data.draw(values(avro)) for avro in types]
    value = sized(b"a") + b"".join(encoded) + zigzag(7)
    assert repr(only(decode(decode_only(schema, names), value, 0), names)) == repr(
        only(decode(schema, value, 0), names)
    )


@given(RUNS, st.data())
def test_a_cut_record_is_rejected_for_the_same_reason(types: list[Any], data: st.DataObject) -> None:
    schema = loaded(*types)
    value = sized(b"a") + b"".join(data.draw(values(avro)) for avro in types) + zigzag(7)
    cut = value[: data.draw(st.integers(0, len(value) - 1))]
    assert outcome(decode_only(schema, ["first"]), cut) == outcome(schema, cut)
    assert outcome(decode_only(schema, ["first"]), value + b"x") == outcome(schema, value + b"x")


def compare(schema: WriterSchema, value: bytes) -> None:
    """The used fields before and behind the run are the same. An error can be in a field that nobody uses."""
    names = ("first", "last")
    whole, partly = outcome(schema, value), outcome(decode_only(schema, names), value)
    if isinstance(whole, dict) and isinstance(partly, dict):
        assert repr(only(partly, names)) == repr(only(whole, names))
    else:
        assert partly == whole


@given(RUNS, st.binary(max_size=60))
def test_any_bytes_give_the_used_fields_or_the_same_error(types: list[Any], damaged: bytes) -> None:
    compare(loaded(*types), damaged)


@given(RUNS, st.data())
def test_one_wrong_byte_gives_the_used_fields_or_the_same_error(types: list[Any], data: st.DataObject) -> None:
    schema = loaded(*types, last="string")
    value = sized(b"a") + b"".join(data.draw(values(avro)) for avro in types) + sized(b"last")
    place = data.draw(st.integers(0, len(value) - 1))
    compare(schema, value[:place] + data.draw(st.binary(min_size=1, max_size=1)) + value[place + 1 :])


BEFORE = sized(b"a") + zigzag(5) * (MIN_PASSED_OVER - 1)


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        (zigzag(-1) + zigzag(3) + sized(b"x") + b"\0\0" + sized(b"EVIL"), ("trailing_bytes", "")),
        (zigzag(-1) + zigzag(1) + sized(b"\0" + zigzag(11) + b"EVIL:") + b"\0" + sized(b"good"), "good"),
    ],
)
@pytest.mark.parametrize(
    "avro", [{"type": "array", "items": "string"}, ["string", {"type": "array", "items": "string"}], "I"]
)
def test_the_size_of_a_block_moves_no_field_behind_it(avro: Any, damaged: bytes, expected: Any) -> None:
    """The size is not that of the items: decoding the whole record does not use the size."""
    first = record("I", s={"type": "array", "items": "string"}) if avro == "I" else "long"
    schema = loaded(first, *["long"] * (MIN_PASSED_OVER - 1), avro, last="string")
    before = b"\0" if avro == "I" else zigzag(5)
    value = sized(b"a") + before + zigzag(5) * (MIN_PASSED_OVER - 1) + zigzag(1) * isinstance(avro, list) + damaged
    assert decode_only(schema, ["first", "last"]).parts or avro == "I"
    partly = outcome(decode_only(schema, ["first", "last"]), value)
    assert (partly["last"] if isinstance(partly, dict) else partly) == expected
    compare(schema, value)


@pytest.mark.parametrize("count", [MAX_ITEMS, MAX_ITEMS + 1])
def test_a_long_array_is_decoded_with_the_whole_record(count: int) -> None:
    value = BEFORE + block([sized(b"x")] * count) + zigzag(7)
    decoded = decode(unused({"type": "array", "items": "string"}), value, 0)
    assert (only(decoded, ["first", "last"]), len(decoded)) == (
        {"first": "a", "last": 7},
        2 if count == MAX_ITEMS else 2 + MIN_PASSED_OVER,
    )


@pytest.mark.parametrize("blocks", [200_000, 1, 0])
def test_any_number_of_blocks_can_be_decoded(blocks: int) -> None:
    value = BEFORE + (zigzag(1) + sized(b"")) * blocks + b"\0" + zigzag(7)
    decoded = decode(unused({"type": "array", "items": "string"}), value, 0)
    assert (decoded["last"], len(decoded)) == (7, 2 if blocks < 2 else 2 + MIN_PASSED_OVER)


def test_fields_are_passed_over_only_in_runs_that_are_worth_it() -> None:
    types = ["long"] * MIN_PASSED_OVER
    value = sized(b"a") + zigzag(5) * MIN_PASSED_OVER + zigzag(7)
    assert decode(decode_only(loaded(*types), ["first"]), value, 0) == {"first": "a", "last": 7}
    assert not decode_only(loaded(*types), ["first", "f3"]).parts
    assert not loaded(*types).parts


def test_the_fields_of_the_wide_shape_that_the_contract_does_not_send_are_passed_over() -> None:
    schema = load_schema("test", wide_shape.schema_json())
    names = [name for name in schema.root.fields if not name.startswith("context")]
    decoded = decode(decode_only(schema, names), next(wide_shape.values(1)), 0)
    assert len(decoded) == 15 + 1


@pytest.mark.parametrize(
    ("avro", "is_passed_over"),
    [
        ("string", True),
        (SYMBOLS, False),
        (["null", "double"], True),
        ({"type": "map", "values": "double"}, True),
        ({"type": "array", "items": "string"}, True),
        ({"type": "array", "items": {"type": "map", "values": "int"}}, True),
        ({"type": "array", "items": record("I", d="double", s="string")}, True),
        ({"type": "array", "items": "double"}, False),
        ({"type": "array", "items": record("I", d="double", b="boolean")}, False),
        (record("I", a={"type": "array", "items": "string"}), False),
        (["null", record("I", a=["null", {"type": "map", "values": "string"}])], False),
        ({"type": "array", "items": record("I", s="string", a={"type": "array", "items": "string"})}, False),
        (["null", {"type": "array", "items": ["null", {"type": "map", "values": "string"}]}], True),
        (["null", NODE], False),
    ],
)
def test_a_field_is_passed_over_where_the_library_can_do_so_safely(avro: Any, is_passed_over: bool) -> None:
    assert bool(unused(avro).parts) == is_passed_over


@pytest.mark.parametrize("number", [2**60, -(2**60)])
@pytest.mark.parametrize("items", ["string", ["null", "int"], {"type": "map", "values": "null"}])
def test_a_claimed_number_of_items_costs_no_time(items: Any, number: int) -> None:
    value = sized(b"a") + zigzag(5) * (MIN_PASSED_OVER - 1) + zigzag(number)
    assert outcome(unused({"type": "array", "items": items}), value)[0] == "undecodable"


@pytest.mark.parametrize("length", [-1, -9, 1000])
def test_a_length_that_leads_out_of_the_value_rejects_the_record(length: int) -> None:
    value = sized(b"a") + zigzag(5) * (MIN_PASSED_OVER - 1) + zigzag(length) + zigzag(7)
    assert outcome(unused("string"), value)[0] == "undecodable"


def test_blocks_of_a_known_size_are_decoded_with_the_whole_record() -> None:
    blocks = zigzag(-2) + zigzag(4) + sized(b"x") + sized(b"y") + block([sized(b"z")])
    decoded = decode(unused({"type": "array", "items": "string"}), BEFORE + blocks + zigzag(7), 0)
    assert (decoded[f"f{MIN_PASSED_OVER - 1}"], decoded["last"]) == (["x", "y", "z"], 7)


def test_a_type_that_an_unused_field_defines_can_be_used_by_others() -> None:
    inner = record("I", s="string")
    schema = decode_only(loaded(inner, *["I"] * MIN_PASSED_OVER, last=["null", "I"]), ["first", "last"])
    value = sized(b"a") + sized(b"x") * (MIN_PASSED_OVER + 1) + zigzag(1) + sized(b"y")
    assert decode(schema, value, 0) == {"first": "a", "last": {"s": "y"}}


def test_a_decimal_with_a_scale_of_its_own_is_passed_over() -> None:
    name = "io.debezium.data.VariableScaleDecimal"
    decimal = {**record(name, scale="int", value="bytes"), "connect.name": name}
    schema = unused(decimal)
    assert schema.root.fields[f"f{MIN_PASSED_OVER - 1}"].logical == VARIABLE_SCALE_DECIMAL
    value = sized(b"a") + zigzag(5) * (MIN_PASSED_OVER - 1) + zigzag(2) + sized(b"\x04\xd2") + zigzag(7)
    assert decode(schema, value, 0) == {"first": "a", "last": 7}


def test_nothing_is_passed_over_if_the_last_field_takes_no_bytes() -> None:
    assert not decode_only(loaded(*["long"] * MIN_PASSED_OVER, last="null"), ["first"]).parts


def test_a_record_without_fields_has_no_parts() -> None:
    assert not decode_only(load_schema("test", record("R")), []).parts
