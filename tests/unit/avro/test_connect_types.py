"""The types of Kafka Connect and Debezium, in the Avro that their converters write."""

from collections.abc import Mapping
from typing import Any

import pytest

from consumer.avro.decoder import decode, load_schema
from consumer.avro.json_to_avro import encode_json
from consumer.contract.json_types import json_type
from consumer.errors import MappingError
from tests.avro_values import record, sized, zigzag
from tests.unit.contract.compiled import sent_form

DECIMAL = "org.apache.kafka.connect.data.Decimal"
VARIABLE = "io.debezium.data.VariableScaleDecimal"


def connect(kind: str, name: str, **attributes: Any) -> dict[str, Any]:
    return {"type": kind, "connect.version": 1, "connect.name": name, **attributes}


def decimal(places: int, **attributes: Any) -> dict[str, Any]:
    return connect("bytes", DECIMAL, **{"connect.parameters": {"scale": str(places)}, **attributes})


def variable(**attributes: Any) -> dict[str, Any]:
    return {**record("VariableScaleDecimal", scale="int", value="bytes"), "namespace": "io.debezium.data", **attributes}


CONVERTED: Mapping[str, tuple[Any, bytes, str]] = {
    "Debezium date": (connect("int", "io.debezium.time.Date"), zigzag(20514), "2026-03-02"),
    "Debezium time": (connect("int", "io.debezium.time.Time"), zigzag(32400500), "09:00:00.500"),
    "micro time": (connect("long", "io.debezium.time.MicroTime"), zigzag(32400500000), "09:00:00.500000"),
    "nano time": (connect("long", "io.debezium.time.NanoTime"), zigzag(32400500000001), "09:00:00.500000001"),
    "Debezium timestamp": (
        connect("long", "io.debezium.time.Timestamp"), zigzag(1772442000000), "2026-03-02T09:00:00.000Z",
    ),
    "micro timestamp": (
        connect("long", "io.debezium.time.MicroTimestamp"), zigzag(1772442000000001), "2026-03-02T09:00:00.000001Z",
    ),
    "nano timestamp": (
        connect("long", "io.debezium.time.NanoTimestamp"), zigzag(1772442000000000001),
        "2026-03-02T09:00:00.000000001Z",
    ),
    "zoned timestamp": (
        connect("string", "io.debezium.time.ZonedTimestamp"), sized(b"2026-03-02T10:00:00+01:00"),
        "2026-03-02T10:00:00+01:00",
    ),
    "Connect date": (connect("int", "org.apache.kafka.connect.data.Date"), zigzag(20514), "2026-03-02"),
    "Connect time": (connect("int", "org.apache.kafka.connect.data.Time"), zigzag(32400500), "09:00:00.500"),
    "Connect timestamp": (
        connect("long", "org.apache.kafka.connect.data.Timestamp", logicalType="timestamp-millis"),
        zigzag(1772442000000), "2026-03-02T09:00:00.000Z",
    ),
    "decimal": (decimal(2), sized(b"\x04\xd2"), "12.34"),
    "decimal without places": (decimal(0), sized(b"\x04\xd2"), "1234"),
    "decimal of AvroData": (
        decimal(2, scale=2, precision=64, logicalType="decimal"), sized(b"\x04\xd2"), "12.34",
    ),
    "decimal with a precision below its scale": (
        decimal(4, scale=4, precision=2, logicalType="decimal"), sized(b"\x04\xd2"), "0.1234",
    ),
    "decimal without parameters": (connect("bytes", DECIMAL, scale=2), sized(b"\x04\xd2"), "12.34"),
    "decimal with a scale below zero": (decimal(-2), sized(b"\x04\xd2"), "123400"),
    "variable scale": (variable(), zigzag(3) + sized(b"\xfb\x2e"), "-1.234"),
    "variable scale below zero": (variable(), zigzag(-2) + sized(b"\x7b"), "12300"),
    "variable scale by its Connect name": (
        {**record("Amount", scale="int", value={"type": "bytes"}), "connect.name": VARIABLE},
        zigzag(0) + sized(b"\x07"), "7",
    ),
    "uuid": (
        connect("string", "io.debezium.data.Uuid"), sized(b"5b1f3f5c-6a53-4f6e-9c55-0d6f0f0b7a11"),
        "5b1f3f5c-6a53-4f6e-9c55-0d6f0f0b7a11",
    ),
}  # fmt: skip

UNCHANGED: Mapping[str, tuple[Any, bytes, Any]] = {
    "JSON": (connect("string", "io.debezium.data.Json"), sized(b'{"a": 1}'), '{"a": 1}'),
    "enum": (
        connect("string", "io.debezium.data.Enum", **{"connect.parameters": {"allowed": "a,b"}}),
        sized(b"a"),
        "a",
    ),
    "year": (connect("int", "io.debezium.time.Year"), zigzag(2026), 2026),
    "duration": (connect("long", "io.debezium.time.MicroDuration"), zigzag(5), 5),
    "a name of the producer": (connect("long", "com.acme.Cents"), zigzag(5), 5),
    "a name of another type": (connect("string", "io.debezium.time.Date"), sized(b"x"), "x"),
    "a name that is no text": ({"type": "long", "connect.name": 5}, zigzag(5), 5),
    "a decimal without a scale": (connect("bytes", DECIMAL), sized(b"\x04\xd2"), b"\x04\xd2"),
    "a decimal with a scale beyond all limits": (decimal(10**9), sized(b"\x04\xd2"), b"\x04\xd2"),
    "a record with other fields": ({**record("X", a="int"), "connect.name": VARIABLE}, zigzag(1), {"a": 1}),
    "a record with a name": ({**record("X", a="int"), "connect.name": "db.Value"}, zigzag(1), {"a": 1}),
}


@pytest.mark.parametrize(("avro", "encoded", "text"), CONVERTED.values(), ids=CONVERTED)
def test_a_type_of_connect_or_debezium_is_text(avro: Any, encoded: bytes, text: str) -> None:
    schema = load_schema("test", record("R", x=["null", avro]))
    assert sent_form(schema, b"\x02" + encoded) == {"x": text}
    assert json_type(schema.root.fields["x"].branches[1]) == "string"


@pytest.mark.parametrize(("avro", "encoded", "value"), UNCHANGED.values(), ids=UNCHANGED)
def test_any_other_name_changes_nothing(avro: Any, encoded: bytes, value: Any) -> None:
    assert decode(load_schema("test", record("R", x=avro)), encoded, 0) == {"x": value}


@pytest.mark.parametrize("scale", [1001, -1001, 2**31 - 1, -(2**31)])
def test_a_scale_that_would_make_endless_text_is_out_of_range(scale: int) -> None:
    schema = load_schema("test", record("R", x=variable()))
    value = zigzag(scale) + sized(b"\x01")
    with pytest.raises(MappingError, match="decimal_too_large: /x"):
        sent_form(schema, value)
    assert sent_form(schema, value, on_invalid="null") == {"x": None}
    assert sent_form(schema, value, on_invalid="string") == {"x": "AQ=="}


def test_a_decimal_of_any_scale_can_be_beside_a_text() -> None:
    schema = load_schema("test", record("R", x=["string", variable(), "long"]))
    for value, sent in ((b"\x00" + sized(b"a"), "a"), (b"\x02" + zigzag(1) + sized(b"\x0c"), "1.2"), (b"\x04\x0a", 5)):
        assert sent_form(schema, value) == {"x": sent}


@pytest.mark.parametrize("text", ["-1.234", "0", "12300", "99999999999999999999.5"])
def test_a_case_writes_a_decimal_of_any_scale_as_text(text: str) -> None:
    schema = load_schema("test", record("R", x=["null", variable()], y="long"))
    assert encode_json(schema, {"x": text, "y": 1})[1] == {"x": text, "y": 1}


def test_a_case_writes_a_time_of_nanoseconds_as_text() -> None:
    schema = load_schema("test", record("R", x=connect("long", "io.debezium.time.NanoTime")))
    assert encode_json(schema, {"x": "09:00:00.5"})[1] == {"x": 32_400_500_000_000}
