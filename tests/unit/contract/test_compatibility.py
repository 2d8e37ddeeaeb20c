"""The findings of a writer's schema, which agree with what becomes of its records."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.avro.decoder import decode, load_schema
from consumer.contract.compatibility import check_compatibility
from consumer.contract.compiler import ContractMapper, compile_contract
from consumer.contract.findings import Finding
from consumer.contract.parser import parse_contract
from consumer.contract.rules import LIST_FORMS, ON_INVALID
from consumer.contract.validator import Validator
from consumer.errors import RecordError
from consumer.model import Record
from tests.avro_values import SCHEMAS, record, sized, values

RECORD = Record(0, 0, 0, None, b"", ())
FRAME: dict[str, Any] = {
    "type": {"const": "track"},
    "event": {"const": "e"},
    "userId": {"type": "string", "x-source": "user"},
    "messageId": {"x-source": "$kafka.messageId"},
}
TYPES = ["string", "integer", "number", "boolean", "null", "array", "object"]


def contract(rule: Any, required: bool = False, top: Any = ()) -> Any:
    properties = {"type": "object", "required": ["p"] if required else [], "properties": {"p": rule}}
    frame = {"x-record": "*", "required": list(FRAME), "properties": {**FRAME, "properties": properties}, **dict(top)}
    return parse_contract("test", frame)


def findings(rule: Any, avro: Any, required: bool = False, top: Any = ()) -> list[tuple[str, str]]:
    """Weight and text of each finding."""
    root = load_schema("test", record("R", user="string", **avro)).root
    return [(finding.severity, finding.detail) for finding in check_compatibility(contract(rule, required, top), root)]


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
LABELS = {"x-convert": "label", "x-labels": {"A": "a"}}


@pytest.mark.parametrize(
    ("rule", "avro", "required", "expected"),
    [
        ({"type": "string"}, {"p": "string"}, True, []),
        ({"type": "string"}, {"q": "string"}, True, [
            ("problem", "no field p: every record is rejected as missing_required"),
            ("note", "ignored: the contract does not use this field")]),
        ({"type": "string"}, {}, False, [("warning", "no field p: no event has this property")]),
        ({"type": "string", "default": "d"}, {}, True, [("note", "no field p: always the default")]),
        ({"x-skip": {"when": "blank", "reason": "gone"}}, {}, False, [
            ("problem", "no field p: every record is skipped as gone")]),
        ({"x-source": ["q", "r"]}, {"r": "int"}, True, []),
        ({"type": "string", "x-source": ["r", "p"]}, {"r": "string", "p": "int"}, True, []),
        ({"type": "string", "x-source": ["p", "$kafka.timestamp"]}, {"p": ["null", "string"]}, False, [
            ("warning", "long never fits: rejected as invalid")]),
        ({"allOf": [{"type": "string"}]}, {"p": "int"}, False, [("problem", "int never fits: rejected as invalid")]),
        ({"type": "string"}, {"p": ["null", "string"]}, True, [("warning", "null is rejected as missing_required")]),
        ({"type": "string"}, {"p": ["null", "string"]}, False, [("note", "null is left out")]),
        ({"type": ["string", "null"]}, {"p": ["null", "string"]}, False, [("note", "null stays null")]),
        ({"type": "string", "default": ""}, {"p": ["null", "string"]}, False, [("note", "null becomes the default")]),
        ({"type": "string"}, {"p": "int"}, False, [("problem", "int never fits: rejected as invalid")]),
        ({"type": "string", "x-convert": "string"}, {"p": "int"}, False, []),
        ({"type": "string", "x-convert": "string"}, {"p": "double"}, False, [
            ("problem", "x-convert string cannot convert double: it is for an int or a long"),
            ("problem", "double never fits: rejected as invalid")]),
        ({"type": "number"}, {"p": DECIMAL}, False, [
            ("problem", "decimal (as text) never fits: rejected as invalid")]),
        ({"type": "number"}, {"p": ["double", DECIMAL, "bytes"]}, False, [
            ("warning", "decimal (as text) or bytes (as text in base64) never fits: rejected as invalid")]),
        ({"type": "integer"}, {"p": {"type": "long", "logicalType": "local-timestamp-micros"}}, False, [
            ("problem", "timestamp (as text) never fits: rejected as invalid")]),
        ({"type": "integer", "x-convert": "string"}, {"p": "long"}, False, [
            ("problem", "long (as text) never fits: rejected as invalid")]),
        ({"type": "string", "x-convert": "iso-8601"}, {"p": ["long", "string"]}, False, []),
        ({"type": "string"}, {"p": {"type": "long", "logicalType": "timestamp-millis"}}, False, []),
        ({"type": "string"}, {"p": ["string", "int"]}, False, [("warning", "int never fits: rejected as invalid")]),
        ({"x-convert": "json"}, {"p": "string"}, False, []),
        ({"type": "array", "x-convert": "json"}, {"p": "string"}, False, [
            ("warning", "string does not always fit: rejected as invalid")]),
        ({"enum": ["A"]}, {"p": ENUM}, False, [("warning", "enum does not always fit: rejected as invalid")]),
        ({"enum": ["C"]}, {"p": ENUM}, False, [("problem", "enum never fits: rejected as invalid")]),
        (LABELS, {"p": ENUM}, False, [("warning", "no label for B: rejected as no_label")]),
        ({"additionalProperties": {"type": "string"}}, {"p": {"type": "map", "values": "int"}}, False, [
            ("warning", "map does not always fit: rejected as invalid")]),
        ({"x-source": "p", "properties": {"x": {"type": "string"}}}, {"p": record("I", x="int")}, False, [
            ("problem", "record never fits: rejected as invalid")]),
        ({"required": ["x"]}, {"p": record("I", x="int")}, False, []),
        ({"required": ["y"]}, {"p": record("I", x="int")}, False, [
            ("problem", "record never fits: rejected as invalid")]),
        ({"required": ["y"]}, {"p": {"type": "map", "values": "int"}}, False, [
            ("warning", "map does not always fit: rejected as invalid")]),
    ],
)  # fmt: skip
def test_each_finding_has_a_weight_and_a_text(
    rule: Any, avro: Any, required: bool, expected: list[tuple[str, str]]
) -> None:
    assert findings(rule, avro, required) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"in": ["a"]}, [("warning", "no such field: nothing is skipped as mine")]),
        ({"not-in": ["a"]}, [("problem", "no such field: every record is skipped as mine")]),
        ("blank", [("problem", "no such field: every record is skipped as mine")]),
    ],
)
def test_a_skip_rule_on_a_missing_field_is_found(when: Any, expected: Any) -> None:
    skip = {"source": "gone", "when": when, "reason": "mine"}
    assert findings(True, {"p": "int"}, top={"x-skip": [skip]}) == expected


def test_a_missing_environment_field_is_found() -> None:
    assert findings(True, {"p": "int"}, top={"x-environment": "env"})[0][1].endswith("rejected as no_write_key")


@pytest.mark.parametrize(("avro", "name"), [(["null", "double"], "double"), ("boolean", "boolean"), ("null", "null")])
def test_an_environment_that_is_never_text_is_found(avro: Any, name: str) -> None:
    expected = f"{name} names no environment: with SEGMENT_WRITE_KEYS every record is rejected as no_write_key"
    assert findings(True, {"p": "int", "env": avro}, top={"x-environment": "env"}) == [("warning", expected)]


def test_unused_fields_are_found_down_to_the_inner_field() -> None:
    inner = record("I", used="int", idle="int")
    root = load_schema("test", record("R", user="string", r=inner, whole=record("J", a="int"))).root
    rule = {"x-source": ["r.used", "whole"]}
    assert check_compatibility(contract(rule), root) == [
        Finding("note", "r.idle", "ignored: the contract does not use this field")
    ]


def outcome(parsed: Any, schema: Any, value: bytes) -> tuple[str, bool]:
    """The reason that a record of `user` and `p` is not sent for, "" if it is; and whether `p` was null."""
    loaded = load_schema("test", schema)
    mapper = ContractMapper(compile_contract(parsed, loaded.root, "1"), Validator(parsed.schema))
    try:
        decoded = decode(loaded, sized(b"u") + value, 0)
    except RecordError as error:
        return error.reason, False
    try:
        mapper.event(decoded, RECORD, "id")
    except RecordError as error:
        return error.reason, decoded["p"] is None
    return "", decoded["p"] is None


def test_references_that_lead_round_in_a_ring_require_nothing() -> None:
    ring = {"a": {"allOf": [{"$ref": "#/definitions/b"}]}, "b": {"anyOf": [{"$ref": "#/definitions/a"}]}}
    assert not findings({"$ref": "#/definitions/a"}, {"p": "int"}, top={"definitions": ring})


def test_a_chain_of_references_of_any_length_overflows_nothing() -> None:
    chain = {str(number): {"allOf": [{"$ref": f"#/definitions/{number + 1}"}]} for number in range(400)}
    assert not findings({"$ref": "#/definitions/0"}, {"p": "int"}, top={"definitions": {**chain, "400": True}})


DEFINITIONS = {"definitions": {name: {"type": name} for name in TYPES}}
REFERENCES = st.sampled_from(TYPES).map(lambda name: {"$ref": f"#/definitions/{name}"})
KINDS = st.sampled_from(TYPES).map(lambda name: {"type": name})
RULES = st.one_of(
    st.just(True),
    REFERENCES,
    st.dictionaries(
        st.sampled_from(["allOf", "anyOf", "oneOf"]),
        st.lists(st.one_of(REFERENCES, KINDS), min_size=1, max_size=3),
        min_size=1,
        max_size=1,
    ),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=4, unique=True).map(lambda names: {"type": names}),
    st.sampled_from(TYPES).map(lambda name: {"type": "array", "items": {"type": name}}),
    st.sampled_from(TYPES).map(lambda name: {"type": "object", "additionalProperties": {"type": name}}),
    st.sampled_from(["A", "x", True, None]).map(lambda value: {"enum": [value, "B"]}),
)
CONVERSIONS = st.sampled_from([{}, {}, *({"x-convert": name} for name in ("string", "iso-8601", "json"))])


@settings(deadline=None)  # a busy machine must not fail the test
@given(SCHEMAS, RULES, CONVERSIONS, st.sampled_from(ON_INVALID[1:]), st.data())
def test_a_value_in_place_of_an_unsendable_value_breaks_no_rule_without_a_finding(
    avro: Any, rule: Any, conversion: Any, on_invalid: str, data: st.DataObject
) -> None:
    rule = {**(rule if isinstance(rule, dict) else {}), **conversion, "x-on-invalid": on_invalid}
    parsed, schema = contract(rule, False, DEFINITIONS), record("R", user="string", p=avro)
    severities = {finding.severity for finding in check_compatibility(parsed, load_schema("test", schema).root)}
    reason, _ = outcome(parsed, schema, data.draw(values(schema["fields"][1]["type"])))
    assert severities - {"note"} or reason != "invalid"


VISIT = record("Visit", at=["null", {"type": "long", "logicalType": "timestamp-millis"}], page="string")
MEMBERS = {"x-source": "p", "properties": {"at": {"type": ["string", "null"]}, "page": {"type": "string"}}}
LIST_RULES: st.SearchStrategy[dict[str, str]] = st.just({}) | st.sampled_from(LIST_FORMS).map(
    lambda name: {"x-list": name}
)
NUMBERS = {"type": "map", "values": "long"}
TIMES = {"type": "array", "items": {"type": "long", "logicalType": "timestamp-millis"}}


@pytest.mark.parametrize(
    ("rule", "avro", "expected"),
    [
        ({"additionalProperties": {"type": "number"}, "x-on-invalid": "null"}, NUMBERS, "null"),
        ({"additionalProperties": {"type": "number"}, "x-on-invalid": "string"}, NUMBERS, "string"),
        ({"additionalProperties": {"type": "number"}, "x-on-invalid": "omit"}, NUMBERS, ""),
        ({"additionalProperties": {"type": ["number", "null"]}, "x-on-invalid": "null"}, NUMBERS, ""),
        ({"additionalProperties": {"type": "string"}, "x-on-invalid": "null", "x-convert": "string"}, NUMBERS, ""),
        ({"items": {"type": "string"}, "x-on-invalid": "null"}, TIMES, "null"),
        ({"items": {"type": "string"}, "x-on-invalid": "string"}, TIMES, ""),
        ({"type": "number", "x-on-invalid": "string"}, "double", "string"),
        ({"type": "number", "x-on-invalid": "null"}, "double", ""),
        ({**MEMBERS, "required": ["at"], "x-on-invalid": "omit"}, VISIT, "omit"),
        ({**MEMBERS, "required": ["page"], "x-on-invalid": "omit"}, VISIT, ""),
        ({**MEMBERS, "required": ["at"], "x-on-invalid": "string"}, VISIT, ""),
        ({"items": {"required": ["at"]}, "x-on-invalid": "omit"}, {"type": "array", "items": ["null", VISIT]}, "omit"),
    ],
)
def test_what_stands_in_place_of_an_unsendable_value_is_compared_with_the_rule(
    rule: Any, avro: Any, expected: str
) -> None:
    effect = "in place of a value that cannot be sent does not always fit: rejected as invalid"
    assert findings(rule, {"p": avro}) == ([("warning", f"{expected} {effect}")] if expected else [])


@settings(deadline=None)  # a busy machine must not fail the test
@given(SCHEMAS, RULES, CONVERSIONS, LIST_RULES, st.booleans(), st.data())
def test_findings_agree_with_what_becomes_of_records(
    avro: Any, rule: Any, conversion: Any, list_rule: Any, required: bool, data: st.DataObject
) -> None:
    parsed = contract({**rule, **conversion, **list_rule} if isinstance(rule, dict) else rule, required, DEFINITIONS)
    schema = record("R", user="string", p=avro)
    root = load_schema("test", schema).root
    of_property = [finding for finding in check_compatibility(parsed, root) if finding.place == "/properties/p"]
    severities = [finding.severity for finding in of_property if not finding.detail.startswith(("x-convert", "x-list"))]
    reason, null = outcome(parsed, schema, data.draw(values(schema["fields"][1]["type"])))
    if not {*severities, *(finding.severity for finding in of_property if finding.detail.startswith("x-list"))} - {
        "note"
    }:
        assert reason not in ("invalid", "missing_required")
    if "problem" in severities and not null and list_rule != {"x-list": "first"}:  # which makes null of an empty list
        assert reason
