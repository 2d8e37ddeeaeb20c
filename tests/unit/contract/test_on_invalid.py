"""x-on-invalid: a value that cannot be sent costs the record, or only itself, as the contract says."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.decoder import decode, load_schema
from consumer.contract.compiler import ContractMapper, compile_contract
from consumer.contract.field_plan import NotProven
from consumer.contract.parser import parse_contract
from consumer.contract.rules import ON_INVALID, REJECT, Contract
from consumer.contract.validator import Validator
from consumer.errors import ContractError, RecordRejected, RecordSkipped
from consumer.jsonio import dumps
from tests.avro_values import SCHEMAS, block, record, sized, values, zigzag
from tests.sendable_values import OMITTED, Unsendable, read_all_texts, sendable
from tests.unit.contract.compiled import FRAME, RECORD, sent_form

MILLIS, DATE = {"type": "long", "logicalType": "timestamp-millis"}, {"type": "int", "logicalType": "date"}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
ATTRIBUTES = {"type": "map", "values": ["null", "string", "long", "double"]}
BIG, INFINITY = 1234567890123456789, float("inf")
BIG_DECIMAL = b"\x7f" * 500


def outcome(rule: dict[str, Any], avro: Any, value: bytes, required: bool = False) -> Any:
    """The event's properties of a record with the field `a`, or the reason why there is no event."""
    schema = load_schema("test", record("R", user="string", a=avro))
    properties = {"properties": {"a": rule}, "required": ["a"] if required else []}
    contract = {"x-record": "*", "required": [*FRAME], "properties": {**FRAME, "properties": properties}}
    compiled = compile_contract(parse_contract("test", contract), schema.root, "1")
    try:
        return compiled.event(decode(schema, sized(b"u") + value, 0), RECORD, "id")["properties"]
    except RecordRejected as error:
        return f"{error.reason} {error.detail}"


def contract_of(rule: dict[str, Any]) -> Contract:
    """A contract with the property `a`."""
    properties = {**FRAME, "properties": {"properties": {"a": rule}}}
    return parse_contract("test", {"x-record": "*", "required": [*FRAME], "properties": properties})


def body_or_reason(rule: dict[str, Any], avro: Any, value: bytes) -> Any:
    """The properties of the body, which is validated, or the reason why there is none."""
    schema = load_schema("test", record("R", user="string", a=avro))
    contract = {
        "x-record": "*",
        "required": [*FRAME],
        "properties": {**FRAME, "properties": {"properties": {"a": rule}}},
    }
    parsed = parse_contract("test", contract)
    mapper = ContractMapper(compile_contract(parsed, schema.root, "1"), Validator(parsed.schema))
    try:
        return json.loads(mapper.body(decode(schema, sized(b"u") + value, 0), RECORD, "id"))["properties"]
    except RecordRejected as error:
        return f"{error.reason} {error.detail}"


def attributes(**entries: bytes) -> bytes:
    return block([sized(name.encode()) + value for name, value in entries.items()])


@pytest.mark.parametrize(
    ("on_invalid", "expected"),
    [
        ("reject", "integer_too_large /properties/a"),
        ("null", {"a": {"plan": "team", "ltv": None, "seats": 5}}),
        ("omit", {"a": {"plan": "team", "seats": 5}}),
        ("string", {"a": {"plan": "team", "ltv": "1234567890123456789", "seats": 5}}),
    ],
)
def test_a_big_integer_among_attributes_is_treated_by_the_rule(on_invalid: str, expected: Any) -> None:
    value = attributes(plan=zigzag(1) + sized(b"team"), ltv=zigzag(2) + zigzag(BIG), seats=zigzag(2) + zigzag(5))
    assert outcome({"x-on-invalid": on_invalid}, ATTRIBUTES, value) == expected


def test_the_record_is_rejected_without_a_rule() -> None:
    value = attributes(ltv=zigzag(2) + zigzag(BIG))
    assert outcome({}, ATTRIBUTES, value) == "integer_too_large /properties/a"


@pytest.mark.parametrize(
    ("convert", "avro", "value", "expected"),
    [
        ("string", ATTRIBUTES, attributes(a=zigzag(2) + zigzag(BIG), b=zigzag(0), c=zigzag(1) + sized(b"x")),
         {"a": "1234567890123456789", "b": None, "c": "x"}),
        ("iso-8601", {"type": "array", "items": "long"}, block([zigzag(0), zigzag(1)]),
         ["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.001Z"]),
        ("iso-8601-seconds", {"type": "map", "values": {"type": "array", "items": "int"}},
         attributes(a=block([zigzag(1)])), {"a": ["1970-01-01T00:00:01.000Z"]}),
        ("json", {"type": "array", "items": "string"}, block([sized(b"[1]"), sized(b'{"x": null}')]),
         [[1], {"x": None}]),
        ("string", record("I", n="long", t="string"), zigzag(7) + sized(b"x"), {"n": "7", "t": "x"}),
        ("string", {"type": "array", "items": DATE}, block([zigzag(0)]), ["1970-01-01"]),
    ],
)  # fmt: skip
def test_a_conversion_reaches_into_lists_maps_and_records(convert: str, avro: Any, value: bytes, expected: Any) -> None:
    assert outcome({"x-convert": convert}, avro, value) == {"a": expected}


def test_a_label_is_given_to_each_item_of_a_list() -> None:
    rule = {"x-convert": "label", "x-labels": {"A": "first", "true": "yes"}}
    items = {"type": "array", "items": ["string", "boolean", "null"]}
    value = block([zigzag(0) + sized(b"A"), zigzag(1) + b"\1", zigzag(2)])
    assert outcome(rule, items, value) == {"a": ["first", "yes", None]}
    unlabelled = block([zigzag(0) + sized(b"B"), zigzag(1) + b"\0"])
    assert outcome(rule, items, unlabelled) == "no_label /properties/a"
    assert outcome({**rule, "x-on-invalid": "omit"}, items, unlabelled) == {"a": []}
    assert outcome({**rule, "x-on-invalid": "string"}, items, unlabelled) == {"a": ["B", "false"]}


@pytest.mark.parametrize(
    ("rule", "avro", "value", "reason", "text"),
    [
        ({}, "long", zigzag(-BIG), "integer_too_large", "-1234567890123456789"),
        ({}, "double", b"\0\0\0\0\0\0\xf0\x7f", "non_finite_number", "Infinity"),
        ({}, "double", b"\0\0\0\0\0\0\xf0\xff", "non_finite_number", "-Infinity"),
        ({}, "float", b"\0\0\xc0\x7f", "non_finite_number", "NaN"),
        ({}, MILLIS, zigzag(2**63 - 1), "time_out_of_range", "9223372036854775807"),
        ({}, MILLIS, zigzag(253_402_300_800_000), "time_out_of_range", "253402300800000"),
        ({}, MILLIS, zigzag(1_772_442_000_000_000), "time_out_of_range", "1772442000000000"),
        ({}, DATE, zigzag(2**31 - 1), "time_out_of_range", "2147483647"),
        ({}, DECIMAL, sized(BIG_DECIMAL), "decimal_too_large", "f39/"),
        ({"x-convert": "iso-8601"}, "long", zigzag(10**15), "time_out_of_range", "1000000000000000"),
        ({"x-convert": "json"}, "string", sized(b"just text"), "not_json", "just text"),
        ({"x-convert": "json"}, "string", sized(b"[" * 65 + b"]" * 65), "nested_too_deep", "[" * 65 + "]" * 65),
    ],
)  # fmt: skip
def test_a_single_value_is_treated_by_the_rule(
    rule: dict[str, Any], avro: Any, value: bytes, reason: str, text: str
) -> None:
    assert outcome(rule, avro, value) == f"{reason} /properties/a"
    sent = outcome({**rule, "x-on-invalid": "string"}, avro, value)["a"]
    assert sent == text or (avro == DECIMAL and sent.startswith(text))
    for on_invalid in ("null", "omit"):
        typed = {**rule, "type": ["string", "number"], "x-on-invalid": on_invalid}
        assert outcome(typed, avro, value) == {}
        assert outcome(typed, avro, value, True) == "missing_required /properties/a"
    nullable = {**rule, "type": ["string", "number", "null"]}
    assert outcome({**nullable, "x-on-invalid": "null"}, ["null", avro], zigzag(1) + value) == {"a": None}
    assert outcome({**nullable, "x-on-invalid": "omit"}, ["null", avro], zigzag(1) + value) == {}
    assert outcome({**nullable, "x-on-invalid": "null", "default": "d"}, avro, value) == {"a": "d"}
    assert outcome({**nullable, "x-on-invalid": "omit", "default": "d"}, avro, value) == {}


def test_the_rule_holds_inside_json_text() -> None:
    text = sized(b'{"id": 12345678901234567890123, "n": 1e19, "list": [9007199254740993, 2]}')
    rule = {"x-convert": "json"}
    assert outcome(rule, "string", text) == "integer_too_large /properties/a"
    assert outcome({**rule, "x-on-invalid": "null"}, "string", text) == {
        "a": {"id": None, "n": 1e19, "list": [None, 2]}
    }
    assert outcome({**rule, "x-on-invalid": "omit"}, "string", text) == {"a": {"n": 1e19, "list": [2]}}
    assert outcome({**rule, "x-on-invalid": "string"}, "string", text) == {
        "a": {"id": "12345678901234567890123", "n": 1e19, "list": ["9007199254740993", 2]}
    }


def test_a_field_of_a_record_in_a_list_is_left_out_alone() -> None:
    avro = {"type": "array", "items": record("I", at=MILLIS, text="string")}
    value = block([zigzag(2**62) + sized(b"x"), zigzag(0) + sized(b"y")])
    assert outcome({"x-on-invalid": "omit"}, avro, value) == {
        "a": [{"text": "x"}, {"at": "1970-01-01T00:00:00.000Z", "text": "y"}]
    }


def test_a_field_that_is_left_out_and_required_rejects_the_record() -> None:
    avro, value = record("I", at=MILLIS, text="string"), zigzag(2**62) + sized(b"x")
    members = {"at": {"type": "string"}, "text": {"type": "string"}}
    rule = {"x-source": "a", "x-on-invalid": "omit", "properties": members}
    assert body_or_reason({**rule, "required": ["text"]}, avro, value) == {"a": {"text": "x"}}
    assert body_or_reason({**rule, "required": ["at"]}, avro, value) == "invalid /properties/a/at: required"
    items = {"x-on-invalid": "omit", "items": {"required": ["at"]}}
    assert (
        body_or_reason(items, {"type": "array", "items": avro}, block([value])) == "invalid /properties/a/at: required"
    )


def test_a_value_that_becomes_null_is_skipped_like_a_null() -> None:
    rule = {"x-on-invalid": "null", "x-skip": {"when": "blank", "reason": "no_a"}}
    with pytest.raises(RecordSkipped, match="no_a"):
        outcome(rule, "long", zigzag(BIG))


def test_an_unknown_rule_is_a_mistake() -> None:
    properties = {**FRAME, "properties": {"properties": {"a": {"x-on-invalid": "nul"}}}}
    with pytest.raises(ContractError) as caught:
        parse_contract("c.json", {"x-record": "*", "required": [*FRAME], "properties": properties})
    assert caught.value.lines == (
        "c.json: /properties/properties/properties/a/x-on-invalid: expected one of reject, null, omit, string; did you "
        "mean null?",
    )


def test_each_value_that_is_not_sent_as_it_is_is_counted_by_what_is_done() -> None:
    schema = load_schema("test", record("R", user="string", a={"type": "array", "items": "long"}, b="double"))
    rules = {"a": {"x-on-invalid": "null"}, "b": {"x-on-invalid": "string"}}
    contract = {"x-record": "*", "required": [*FRAME], "properties": {**FRAME, "properties": {"properties": rules}}}
    counts: Counter[str] = Counter()
    compiled = compile_contract(parse_contract("test", contract), schema.root, "1", lambda rule: counts.update([rule]))
    value = sized(b"u") + block([zigzag(BIG), zigzag(1), zigzag(BIG)]) + b"\0\0\0\0\0\0\xf0\x7f"
    compiled.event(decode(schema, value, 0), RECORD, "id")
    assert counts == {"null": 2, "string": 1}


def test_a_text_with_a_repeated_key_is_counted_by_the_exact_code_alone() -> None:
    schema = load_schema("test", record("R", user="string", a="string"))
    counts: Counter[str] = Counter()
    parsed = contract_of({"x-convert": "json"})
    compiled = compile_contract(parsed, schema.root, "1", lambda rule: counts.update([rule]))
    for text in ('{"x": 1, "x": 2}', '[{"x": 1, "x": 2}, {"y": 1, "y": 2}]'):
        decoded = {"user": "u", "a": text}
        with pytest.raises(NotProven):
            compiled.fast_event(decoded, RECORD, "id")
        compiled.event(decoded, RECORD, "id")
    assert compiled.fast_event({"user": "u", "a": '{"x": 1}'}, RECORD, "id")
    assert counts == {"key_repeated": 2}


@pytest.mark.parametrize("on_invalid", ON_INVALID)
@given(SCHEMAS, st.data())
def test_any_value_of_any_schema_is_sent_as_the_page_says(on_invalid: str, schema: Any, data: st.DataObject) -> None:
    loaded = load_schema("test", record("R", a=schema))
    value = data.draw(values(schema))
    try:
        expected = sendable(read_all_texts(loaded.parsed, value), on_invalid)
    except Unsendable as error:
        assert on_invalid == REJECT
        with pytest.raises(RecordRejected, match=f"{error.args[0]}: /x"):
            sent_form(loaded, value, on_invalid=on_invalid)
        return
    assert expected is not OMITTED
    assert dumps(sent_form(loaded, value, on_invalid=on_invalid)) == dumps(expected)
    assert json.loads(dumps(expected)) is not None
