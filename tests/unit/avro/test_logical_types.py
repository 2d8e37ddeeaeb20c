"""Logical types: each is sent in its JSON form."""

from base64 import b64encode
from typing import Any

import pytest

from consumer.avro.decoder import encode, load_schema
from consumer.avro.logical_types import MAX_DIGITS
from consumer.errors import RecordRejected
from tests.unit.contract.compiled import sent_form

UUID = "F47AC10B-58CC-4372-A567-0E02B2C3D479"


def as_dict(avro: Any) -> dict[str, Any]:
    if isinstance(avro, dict):
        return avro
    return {"type": avro}


def sent_as(avro: Any, logical: str, plain: object, **attributes: object) -> Any:
    """The value `plain`, encoded with the type `avro`, as it is sent with this logical type of `avro`."""
    value = encode(load_schema("plain", as_dict(avro)), plain)
    return sent_form(load_schema("logical", {**as_dict(avro), "logicalType": logical, **attributes}), value)


@pytest.mark.parametrize(
    ("avro", "logical", "plain", "text"),
    [
        ("long", "timestamp-millis", 1_714_979_289_123, "2024-05-06T07:08:09.123Z"),
        ("long", "timestamp-millis", -1, "1969-12-31T23:59:59.999Z"),
        ("long", "timestamp-micros", 1_714_979_289_123_456, "2024-05-06T07:08:09.123456Z"),
        ("long", "timestamp-nanos", 1_714_979_289_123_456_789, "2024-05-06T07:08:09.123456789Z"),
        ("long", "timestamp-nanos", -1, "1969-12-31T23:59:59.999999999Z"),
        ("long", "local-timestamp-millis", 0, "1970-01-01T00:00:00.000Z"),
        ("long", "local-timestamp-micros", 1, "1970-01-01T00:00:00.000001Z"),
        ("int", "date", 19_849, "2024-05-06"),
        ("int", "date", -1, "1969-12-31"),
        ("int", "time-millis", 86_399_999, "23:59:59.999"),
        ("long", "time-micros", 1, "00:00:00.000001"),
        ("string", "uuid", UUID, UUID),
        ("string", "uuid", "not a uuid", "not a uuid"),
        ({"type": "fixed", "name": "F", "size": 16}, "uuid", bytes(15) + b"\x01", f"{'0' * 8}-0000-0000-0000-{1:012}"),
    ],
)
def test_a_logical_type_is_sent_as_text(avro: Any, logical: str, plain: object, text: object) -> None:
    assert sent_as(avro, logical, plain) == text


@pytest.mark.parametrize(
    ("avro", "logical", "plain", "attributes"),
    [
        ("long", "unknown", 5, {}),
        ("long", "uuid", 5, {}),
        ("string", "timestamp-millis", "misplaced", {}),
        ("int", "timestamp-millis", 5, {}),
        ("int", "decimal", 5, {"precision": 2, "scale": 4}),
        ({"type": "fixed", "name": "F", "size": 8}, "uuid", b"8 bytes.", {}),
        ("bytes", "decimal", b"\5", {}),
        ("bytes", "decimal", b"\5", {"precision": 0}),
        ("bytes", "decimal", b"\5", {"precision": 4, "scale": 5}),
        ("bytes", "decimal", b"\5", {"precision": 4, "scale": -1}),
        ("bytes", "decimal", b"\5", {"precision": "4"}),
        ("bytes", "decimal", b"\5", {"precision": 4, "scale": True}),
        ({"type": "fixed", "name": "F", "size": 1}, "decimal", b"\5", {"precision": 3}),
    ],
)
def test_an_ignored_logical_type_changes_nothing(avro: Any, logical: str, plain: object, attributes: Any) -> None:
    expected = b64encode(plain).decode() if isinstance(plain, bytes) else plain
    assert sent_as(avro, logical, plain, **attributes) == expected
    schema = {**as_dict(avro), "logicalType": logical, **attributes}
    assert load_schema("logical", schema).root.logical == ""


@pytest.mark.parametrize("logical", [None, 5, ["date"], {"date": 1}])
def test_a_logical_type_that_is_not_text_changes_nothing(logical: Any) -> None:
    assert load_schema("test", {"type": "int", "logicalType": logical}).root == load_schema("test", "int").root


def test_a_fixed_decimal_may_fill_its_size() -> None:
    fixed = {"type": "fixed", "name": "F", "size": 2}
    assert sent_as(fixed, "decimal", b"\x27\x0f", precision=4, scale=4) == "0.9999"
    assert sent_as(fixed, "decimal", b"\x27\x0f", precision=5, scale=4) == "Jw8="


@pytest.mark.parametrize(
    ("unscaled", "scale", "text"),
    [(1230, 2, "12.30"), (-5, 3, "-0.005"), (7, 0, "7"), (0, 2, "0.00"), (10**40 + 1, 1, "1" + "0" * 39 + ".1")],
)
def test_a_decimal_keeps_every_digit(unscaled: int, scale: int, text: str) -> None:
    plain = unscaled.to_bytes(20, "big", signed=True)
    assert sent_as("bytes", "decimal", plain, precision=45, scale=scale) == text
    assert sent_as({"type": "fixed", "name": "F", "size": 20}, "decimal", plain, precision=45, scale=scale) == text


@pytest.mark.parametrize(
    ("avro", "logical", "plain"),
    [("long", "timestamp-millis", 10**17), ("int", "date", 2**31 - 1), ("int", "time-millis", 86_400_000)],
)
def test_a_time_that_does_not_exist_is_rejected(avro: str, logical: str, plain: int) -> None:
    with pytest.raises(RecordRejected, match="time_out_of_range: /x"):
        sent_as(avro, logical, plain)


def test_a_decimal_with_more_than_1000_digits_is_rejected() -> None:
    longest = sent_as("bytes", "decimal", (10**MAX_DIGITS - 1).to_bytes(500, "big"), precision=9)
    assert longest == "9" * MAX_DIGITS
    with pytest.raises(RecordRejected, match="decimal_too_large: /x"):
        sent_as("bytes", "decimal", (10**MAX_DIGITS).to_bytes(500, "big"), precision=9)
    with pytest.raises(RecordRejected, match="decimal_too_large: /x"):
        sent_as("bytes", "decimal", b"\x80" * 500_000, precision=9)
