"""Every conversion with every type of Avro: it converts the values, or `check` says that it does not."""

import json
from typing import Any

import pytest

from consumer.avro.decoder import decode, load_schema
from consumer.contract.compatibility import check_compatibility
from consumer.contract.compiler import compile_contract
from consumer.contract.conversion_check import Effect, conversion_effect
from consumer.contract.conversions import CONVERSIONS
from consumer.contract.findings import Finding
from consumer.contract.parser import parse_contract
from consumer.contract.rules import LABEL
from consumer.errors import RecordRejected
from tests.avro_values import LOGICAL, PLAIN, block, record, sized, zigzag
from tests.unit.contract.compiled import FRAME, RECORD

POINTER = "/properties/p"
NOON = 1_772_442_000  # seconds since 1970: 2026-03-02
UNITS = {"nanos": 10**9, "micros": 10**6, "millis": 10**3}

PLAIN_VALUES: dict[str, list[bytes]] = {
    "boolean": [b"\1"],
    "int": [zigzag(NOON)],
    "long": [zigzag(NOON * 1000)],
    "float": [b"\0\0\x80\x3f"],
    "double": [b"\0" * 6 + b"\xf0\x3f"],
    "bytes": [sized(b"\xd7\x6d\xf8"), sized(b"[1]")],  # the first is 1234 in base64
    "string": [sized(b'{"a": 1}'), sized(b"true"), sized(b"2026-03-02T09:00:00Z")],
}
COMPLEX: list[tuple[Any, list[bytes]]] = [
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, [zigzag(0), zigzag(1)]),
    ({"type": "enum", "name": "E", "symbols": ["yes", "true"]}, [zigzag(0), zigzag(1)]),
    ({"type": "fixed", "name": "F", "size": 3}, [b"\xd7\x6d\xf8"]),
    ({"type": "fixed", "name": "D", "size": 2, "logicalType": "decimal", "precision": 4}, [b"\x04\xd2"]),
    ({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, [b"\x12" * 16]),
    ({"type": "fixed", "name": "P", "size": 12, "logicalType": "duration"}, [b"\x12" * 12]),
    ({"type": "array", "items": "long"}, [block([zigzag(NOON)]), block([])]),
    ({"type": "map", "values": "string"}, [block([sized(b"a") + sized(b"[1]")])]),
    (record("I", at="long", text="string"), [zigzag(NOON) + sized(b"{}")]),
]


def logical_value(avro: Any) -> bytes:
    match avro["type"]:
        case "string":
            return sized(b"5b1f3f5c-6a53-4f6e-9c55-0d6f0f0b7a11")
        case "bytes":
            return sized(b"\x04\xd2")
        case "int":
            return zigzag(20_514)
    unit = UNITS.get(avro["logicalType"].rpartition("-")[2], 1000)
    return zigzag(9 * 3600 * unit if avro["logicalType"].startswith("time-") else NOON * unit)


TYPES: list[tuple[Any, list[bytes]]] = [*PLAIN_VALUES.items(), *((avro, [logical_value(avro)]) for avro in LOGICAL)]
TYPES += COMPLEX
LABELS = {"A": "a", "true": "yes", "12.34": "price", "5": "five"}


def contract(rule: dict[str, Any]) -> Any:
    properties = {**FRAME, "properties": {"properties": {"p": rule}}}
    return parse_contract("test", {"x-record": "*", "required": [*FRAME], "properties": properties})


def outcome(rule: dict[str, Any], schema: Any, value: bytes) -> Any:
    """What the event has, or the reason why there is none."""
    decoded = decode(schema, sized(b"u") + value, 0)
    try:
        return compile_contract(contract(rule), schema.root, "1").event(decoded, RECORD, "id")["properties"]["p"]
    except RecordRejected as error:
        return error.reason


def conversion_rule(convert: str) -> dict[str, Any]:
    return {"x-convert": convert, **({"x-labels": LABELS} if convert == LABEL else {})}


def test_the_table_has_every_type() -> None:
    assert {*PLAIN_VALUES, "null"} == {*PLAIN}
    kinds = {avro if isinstance(avro, str) else avro["type"] for avro, _ in TYPES}
    assert kinds == {*PLAIN_VALUES, "enum", "fixed", "array", "map", "record"}


def is_partial(avro: Any) -> bool:
    """Whether values of the type hold values of several types, of which a conversion may convert some."""
    return bool(isinstance(avro, dict) and len(avro.get("fields", ())) > 1)


@pytest.mark.parametrize("convert", [*CONVERSIONS, LABEL])
@pytest.mark.parametrize(("avro", "values"), TYPES, ids=[json.dumps(avro) for avro, _ in TYPES])
def test_a_conversion_has_an_effect_or_is_reported(convert: str, avro: Any, values: list[bytes]) -> None:
    schema = load_schema("test", record("R", user="string", p=avro))
    rule = conversion_rule(convert)
    pairs = [(outcome(rule, schema, value), outcome({}, schema, value)) for value in values]
    changed = any(converted != plain for converted, plain in pairs)
    always_rejected = all(converted in ("not_json", "no_label") for converted, _ in pairs)
    findings = [finding for finding in check_compatibility(contract(rule), schema.root) if finding.place == POINTER]
    match conversion_effect(convert, schema.root.fields["p"]):
        case Effect.CONVERTS:
            assert changed
            assert not [finding for finding in findings if "no label" not in finding.detail and not is_partial(avro)]
        case Effect.JANUARY_1970:
            assert all(converted.startswith("1970-01-") for converted, _ in pairs)
            assert [finding.severity for finding in findings] == ["problem"]
        case Effect.KEEPS:
            assert not changed
            assert [finding.severity for finding in findings] == ["note"]
        case Effect.NONE:
            assert always_rejected or not changed
            assert [finding.severity for finding in findings] == ["problem"]


def test_each_effect_is_in_the_table() -> None:
    roots = [load_schema("test", avro).root for avro, _ in TYPES]
    assert {conversion_effect(convert, root) for convert in (*CONVERSIONS, LABEL) for root in roots} == {*Effect}


def findings_of(rule: dict[str, Any], avro: Any) -> list[Finding]:
    root = load_schema("test", record("R", user="string", p=avro)).root
    return [finding for finding in check_compatibility(contract(rule), root) if finding.place == POINTER]


MAP = {"type": "map", "values": "string"}
TIMESTAMP = {"type": "long", "logicalType": "timestamp-millis"}


@pytest.mark.parametrize(
    ("convert", "avro", "expected"),
    [
        ("string", MAP, ("note", "x-convert string changes nothing: string is text already")),
        ("iso-8601", {"type": "array", "items": "boolean"}, ("problem", "x-convert iso-8601 cannot convert boolean: it "
         "is for milliseconds in a long")),
        ("string", record("I", a="double", b=MAP), ("warning", "x-convert string cannot convert double: it is for an "
         "int or a long")),
        ("string", "bytes", ("problem", "x-convert string cannot convert bytes: it is for an int or a long")),
        ("json", TIMESTAMP, ("problem", "x-convert json cannot convert timestamp: it is for JSON in a text or in "
         "bytes")),
        ("iso-8601", "int", ("problem", "x-convert iso-8601 makes times of January 1970 of an int: it is for "
         "milliseconds in a long; did you mean iso-8601-seconds?")),
        ("iso-8601-seconds", TIMESTAMP, ("note", "x-convert iso-8601-seconds changes nothing: timestamp is text "
         "already")),
        ("string", ["long", "double", MAP], ("warning", "x-convert string cannot convert double: it is for an int or a "
         "long")),
        ("json", ["string", {"type": "map", "values": "long"}], ("warning", "x-convert json cannot convert long: it is "
         "for JSON in a text or in bytes")),
        ("iso-8601", ["int", "long"], ("warning", "x-convert iso-8601 makes times of January 1970 of an int: it is for "
         "milliseconds in a long; did you mean iso-8601-seconds?")),
    ],
)  # fmt: skip
def test_a_conversion_without_effect_is_named_with_its_type(convert: str, avro: Any, expected: tuple[str, str]) -> None:
    (finding,) = [finding for finding in findings_of({"x-convert": convert}, ["null", avro] if avro == MAP else avro)
                  if "null" not in finding.detail]  # fmt: skip
    assert (finding.severity, finding.detail) == expected


@pytest.mark.parametrize("avro", [["long", "string"], ["null", "long"], ["int", "string"]])
def test_text_beside_integers_is_no_finding(avro: Any) -> None:
    assert not [finding for finding in findings_of({"x-convert": "string"}, avro) if "null" not in finding.detail]


def test_text_beside_a_field_that_becomes_text_is_no_finding() -> None:
    rule = {"type": "string", "x-source": ["p", "$kafka.messageId"], "x-convert": "string"}
    assert not [finding for finding in findings_of(rule, ["null", "int"]) if "null" not in finding.detail]


def test_the_time_of_the_kafka_record_counts_as_a_long() -> None:
    rule = {"x-source": ["p", "$kafka.timestamp"], "x-convert": "iso-8601"}
    assert not findings_of(rule, ["null", "string"])
    assert not findings_of(rule, ["null", TIMESTAMP])
