"""A value that the contract does not use never costs the record, and logical types are told apart wherever they are."""

from typing import Any

import pytest

from consumer.avro.decoder import decode, decode_partially, load_schema
from consumer.avro.repaired_texts import RepairedRecord
from consumer.contract.compiler import compile_contract
from consumer.contract.parser import parse_contract
from consumer.errors import RecordRejected, RecordSkipped
from tests.avro_values import block, record, sized, zigzag
from tests.unit.contract.compiled import FRAME, RECORD, sent_form

MILLIS, DATE = {"type": "long", "logicalType": "timestamp-millis"}, {"type": "int", "logicalType": "date"}
OUT_OF_RANGE = [9223372036854775807, 253402300800000, 1772442000000000]
CUT = b"great \xf0\x9f\x98"


def properties_of(schema: Any, value: bytes, rules: dict[str, Any], top: dict[str, Any] | None = None) -> Any:
    loaded = load_schema("test", schema)
    contract = {"x-record": "*", "required": [*FRAME], **(top or {})}
    contract |= {"properties": {**FRAME, "userId": {"x-source": "userId"}, "properties": {"properties": rules}}}
    compiled = compile_contract(parse_contract("test", contract), loaded.root, "1")
    return compiled.event(decode(loaded, value, 0), RECORD, "id")["properties"]


@pytest.mark.parametrize("time", OUT_OF_RANGE)
def test_a_time_out_of_range_counts_only_where_it_is_sent(time: int) -> None:
    schema = record("Resp", userId="string", response="string", licenceExpiresAt=MILLIS)
    value = sized(b"u") + sized(b"yes") + zigzag(time)
    assert properties_of(schema, value, {"response": {}}) == {"response": "yes"}
    with pytest.raises(RecordRejected, match="time_out_of_range: /properties/licenceExpiresAt"):
        properties_of(schema, value, {"response": {}, "licenceExpiresAt": {}})


@pytest.mark.parametrize(("rules", "expected"), [({"response": {}}, {"response": "yes"}), ({}, {})])
def test_a_text_cut_inside_a_character_does_not_count_where_it_is_not_sent(rules: Any, expected: Any) -> None:
    schema = record("Resp", userId="string", response="string", userAgent="string")
    assert properties_of(schema, sized(b"u") + sized(b"yes") + sized(CUT), rules) == expected


def test_a_text_cut_inside_a_character_is_repaired_where_it_is_sent() -> None:
    schema = record("Resp", userId="string", response="string", userAgent="string")
    value = sized(b"u") + sized(CUT) + sized(b"x")
    assert properties_of(schema, value, {"response": {}}) == {"response": "great \ufffd"}
    assert isinstance(decode(load_schema("test", schema), value, 0), RepairedRecord)


# Java 17: new String(bytes, UTF_8), which replaces like the CharsetDecoder that Avro's Utf8 uses.
@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        (b"\xf0\x9f\x98", "\ufffd"),
        (b"\xf0\x9f\x98x", "\ufffdx"),
        (b"\xed\xa0\x80", "\ufffd"),
        (b"\xed\xa0\x80\xed\xb0\x80", "\ufffd\ufffd"),
        (b"\xed\xa0", "\ufffd"),
        (b"\xed\xbfA", "\ufffdA"),
        (b"\xed\x80A", "\ufffdA"),
        (b"\xff\xed\xa0\x80", "\ufffd\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xf5\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xe2\x82", "\ufffd"),
        (b"\xe2\x82x\xf0\x90", "\ufffdx\ufffd"),
        (b"\xe0\x80\x80", "\ufffd\ufffd\ufffd"),
        (b"ok \xc3\xa9\x80", "ok é\ufffd"),
    ],
)
@pytest.mark.parametrize("place", ["text", "item", "value", "key"])
def test_damaged_text_is_repaired_as_java_does_wherever_it_is(place: str, raw: bytes, repaired: str) -> None:
    schema, value, expected = {
        "text": ("string", sized(raw), repaired),
        "item": ({"type": "array", "items": ["null", "string"]}, block([zigzag(1) + sized(raw)]), [repaired]),
        "value": ({"type": "map", "values": "string"}, block([sized(b"k") + sized(raw)]), {"k": repaired}),
        "key": ({"type": "map", "values": "int"}, block([sized(raw) + zigzag(7)]), {repaired: 7}),
    }[place]  # fmt: skip
    loaded = load_schema("test", record("R", a=schema, b="string"))
    assert decode(loaded, value + sized(b"end"), 0) == {"a": expected, "b": "end"}


def test_a_damaged_key_is_repaired_in_a_map_of_several_blocks_and_in_named_types() -> None:
    inner = record("I", m={"type": "map", "values": "string"})
    loaded = load_schema("test", record("R", a=["null", inner], b="I", c={"type": "array", "items": "I"}))
    blocks = zigzag(-1) + zigzag(4) + sized(b"\xff") + sized(b"1") + zigzag(1) + sized(b"k") + sized(b"2") + b"\0"
    value = zigzag(1) + blocks + blocks + block([blocks])
    assert decode(loaded, value, 0) == {
        "a": {"m": {"\ufffd": "1", "k": "2"}},
        "b": {"m": {"\ufffd": "1", "k": "2"}},
        "c": [{"m": {"\ufffd": "1", "k": "2"}}],
    }


def test_a_repaired_value_is_still_checked_for_what_else_is_wrong() -> None:
    loaded = load_schema("test", record("R", a="string", m={"type": "map", "values": "int"}, e=["null", "int"]))
    good = sized(CUT) + block([sized(b"\xff") + zigzag(1)])
    assert decode(loaded, good + zigzag(0), 0)["e"] is None
    for tail, reason in [(zigzag(0) + b"x", "trailing_bytes"), (zigzag(-1), "undecodable"), (b"", "undecodable")]:
        with pytest.raises(RecordRejected, match=reason):
            decode(loaded, good + tail, 0)


def test_a_damaged_text_does_not_hide_the_fields_of_a_dead_letter() -> None:
    loaded = load_schema("test", record("R", a="string", b=["null", "int"], c="int"))
    assert decode_partially(loaded, sized(CUT) + zigzag(5), 0) == ({"a": "great \ufffd"}, "b")


AMBIGUOUS: list[tuple[Any, bytes, Any]] = [
    ([DATE, "long"], zigzag(0) + zigzag(5), "1970-01-06"),
    ([DATE, "long"], zigzag(1) + zigzag(5), 5),
    (["null", "int", MILLIS], zigzag(2) + zigzag(5), "1970-01-01T00:00:00.005Z"),
    ([record("A", x=DATE), record("B", x="int")], zigzag(0) + zigzag(5), {"x": "1970-01-06"}),
    ([record("A", x=DATE), record("B", x="int")], zigzag(1) + zigzag(5), {"x": 5}),
    ([record("A", x=DATE), {"type": "map", "values": "int"}], zigzag(1) + block([sized(b"x") + zigzag(5)]), {"x": 5}),
    ([{"type": "fixed", "name": "F", "size": 1}, {"type": "bytes", "logicalType": "decimal", "precision": 3}],
     zigzag(1) + sized(b"\5"), "5"),
    ([{"type": "fixed", "name": "F", "size": 1}, {"type": "bytes", "logicalType": "decimal", "precision": 3}],
     zigzag(0) + b"\5", "BQ=="),
    ([["null", DATE], "long"], zigzag(0) + zigzag(1) + zigzag(5), "1970-01-06"),
]  # fmt: skip


@pytest.mark.parametrize(("avro", "value", "expected"), AMBIGUOUS)
def test_a_union_tells_its_branches_apart_although_python_has_one_type_for_them(
    avro: Any, value: bytes, expected: Any
) -> None:
    loaded = load_schema("test", record("R", a=avro))
    assert sent_form(loaded, value) == {"a": expected}


def test_a_path_into_records_of_a_union_tells_them_apart() -> None:
    union = ["null", record("A", x=DATE), record("B", x="int")]
    schema = record("R", userId="string", u=union, again="A")
    rules = {"x": {"x-source": "u.x"}, "again": {"x-source": "again.x"}}
    for branch, expected in ((1, "1970-01-06"), (2, 5)):
        value = sized(b"u") + zigzag(branch) + zigzag(5) + zigzag(5)
        assert properties_of(schema, value, rules) == {"x": expected, "again": "1970-01-06"}
    unsendable = sized(b"u") + zigzag(1) + zigzag(2**31 - 1) + zigzag(2**31 - 1)
    assert properties_of(schema, unsendable, {}) == {}
    with pytest.raises(RecordRejected, match="time_out_of_range: /properties/again"):
        properties_of(schema, unsendable, {"again": rules["again"]})
    text = {name: {**rule, "x-on-invalid": "string"} for name, rule in rules.items()}
    assert properties_of(schema, unsendable, text) == {"x": "2147483647", "again": "2147483647"}


def test_the_sources_of_a_property_may_be_of_types_that_are_written_in_different_ways() -> None:
    schema = record("R", userId="string", day=["null", DATE], number=["null", "long"])
    rules = {"p": {"x-source": ["day", "number"]}}
    assert properties_of(schema, sized(b"u") + zigzag(1) + zigzag(5) + zigzag(0), rules) == {"p": "1970-01-06"}
    assert properties_of(schema, sized(b"u") + zigzag(0) + zigzag(1) + zigzag(5), rules) == {"p": 5}


@pytest.mark.parametrize(
    ("when", "day", "is_skipped"),
    [
        ({"in": ["1970-01-06"]}, 5, True),
        ({"in": ["1970-01-06"]}, 6, False),
        ({"in": [5]}, 5, False),
        ({"not-in": ["1970-01-06"]}, 2**31 - 1, True),
        ({"in": ["1970-01-06"]}, 2**31 - 1, False),
        ("blank", 0, False),
    ],
)
def test_a_skip_rule_compares_a_date_as_text(when: Any, day: int, is_skipped: bool) -> None:
    schema = record("R", userId="string", day=DATE)
    skip = {"x-skip": [{"source": "day", "when": when, "reason": "mine"}]}
    value = sized(b"u") + zigzag(day)
    if is_skipped:
        with pytest.raises(RecordSkipped, match="mine"):
            properties_of(schema, value, {}, skip)
    else:
        assert properties_of(schema, value, {}, skip) == {}


def test_a_label_stands_for_the_text_of_a_decimal() -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    rules = {"p": {"x-convert": "label", "x-labels": {"12.34": "price"}}}
    schema = record("R", userId="string", p=decimal)
    assert properties_of(schema, sized(b"u") + sized(b"\x04\xd2"), rules) == {"p": "price"}
