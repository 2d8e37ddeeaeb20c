"""Avro's logical types: which of them are honoured, and the JSON form that each gets while a record is decoded."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import log10
from typing import Any
from uuid import UUID

from consumer.jsonio import iso_millis

MAX_DIGITS = 1000
"""The most digits of a decimal. No number needs more, and the time to write digits grows with their square."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, so that its text has no offset and "Z" can follow
_EPOCH_DAY = _EPOCH.toordinal()
_TOO_LARGE = 10**MAX_DIGITS


def _iso_micros(value: int, *_: Any) -> str:
    return f"{(_EPOCH + timedelta(microseconds=value)).isoformat(timespec='microseconds')}Z"


def _iso_nanos(value: int, *_: Any) -> str:
    seconds, nanos = divmod(value, 1_000_000_000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat(timespec='seconds')}.{nanos:09}Z"


def _iso_date(value: int, *_: Any) -> str:
    return date.fromordinal(value + _EPOCH_DAY).isoformat()


def _time_millis(value: int, *_: Any) -> str:
    return _iso_time(timedelta(milliseconds=value), "milliseconds")


def _time_micros(value: int, *_: Any) -> str:
    return _iso_time(timedelta(microseconds=value), "microseconds")


def _iso_time(since_midnight: timedelta, precision: str) -> str:
    if not timedelta() <= since_midnight < timedelta(days=1):
        raise OverflowError
    return (_EPOCH + since_midnight).time().isoformat(precision)


def _decimal(value: bytes, schema: Any, *_: Any) -> str:
    unscaled = int.from_bytes(value, "big", signed=True)
    if abs(unscaled) >= _TOO_LARGE:
        raise OverflowError
    return format(Decimal(f"{unscaled}E-{schema.get('scale', 0)}"), "f")


def _unchanged(value: str, *_: Any) -> str:
    return value


def _uuid(value: bytes, *_: Any) -> str:
    return str(UUID(bytes=value))


READERS: Mapping[str, Callable[..., str]] = {
    "long-timestamp-millis": iso_millis,
    "long-timestamp-micros": _iso_micros,
    "long-timestamp-nanos": _iso_nanos,
    # A local timestamp names no zone, but Segment requires one. It is read as UTC.
    "long-local-timestamp-millis": iso_millis,
    "long-local-timestamp-micros": _iso_micros,
    "long-local-timestamp-nanos": _iso_nanos,
    "int-date": _iso_date,
    "int-time-millis": _time_millis,
    "long-time-micros": _time_micros,
    # JSON readers parse a number as a double; text keeps every digit.
    "bytes-decimal": _decimal,
    "fixed-decimal": _decimal,
    "string-uuid": _unchanged,
    "fixed-uuid": _uuid,
}
"""By Avro type and logicalType (Avro 1.12 specification, "Logical Types"); any other logicalType changes nothing."""


def without_ignored_logical_types(schema: Any) -> Any:
    """
    A schema, as its JSON value, without the logical types that are unknown, invalid, or not for their type.

    Source: Avro specification, "Logical Types": a reader ignores such a logical type and uses the type itself.
    """
    if isinstance(schema, list):
        return [without_ignored_logical_types(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_ignored_logical_types(value)
        for key, value in schema.items()
        if key != "logicalType" or _is_honoured(schema)
    }


def _is_honoured(schema: Mapping[str, Any]) -> bool:
    """Whether the schema's logical type is one of READERS and valid for the schema's type."""
    match f"{schema.get('type')}-{schema['logicalType']}":
        case "fixed-uuid":
            return bool(schema.get("size") == 16)
        case "bytes-decimal":
            return _has_valid_precision(schema)
        case "fixed-decimal":
            return _has_valid_precision(schema) and schema["precision"] <= _max_fixed_digits(schema.get("size"))
        case reader:
            return reader in READERS


def _has_valid_precision(schema: Mapping[str, Any]) -> bool:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    return type(precision) is type(scale) is int and precision > 0 and 0 <= scale <= precision


def _max_fixed_digits(size_bytes: object) -> float:
    """The decimal digits that the two's complement in a fixed of this size has room for."""
    if type(size_bytes) is not int:
        return 0.0
    return (8 * size_bytes - 1) * log10(2)
