"""Avro's logical types: which of them count, and their JSON forms, given while decoding."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import log10
from typing import Any
from uuid import UUID

from consumer.jsonio import iso_millis

MAX_DIGITS = 1000
"""Of a decimal. More could not be meant, and the time to write them grows with their square."""

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
    return _clock(timedelta(milliseconds=value), "milliseconds")


def _time_micros(value: int, *_: Any) -> str:
    return _clock(timedelta(microseconds=value), "microseconds")


def _clock(since_midnight: timedelta, precision: str) -> str:
    if not timedelta() <= since_midnight < timedelta(days=1):
        raise OverflowError
    return (_EPOCH + since_midnight).time().isoformat(precision)


def _decimal(value: bytes, schema: Any, *_: Any) -> str:
    unscaled = int.from_bytes(value, "big", signed=True)
    if abs(unscaled) >= _TOO_LARGE:
        raise OverflowError
    return format(Decimal(f"{unscaled}E-{schema.get('scale', 0)}"), "f")


def _as_it_is(value: str, *_: Any) -> str:
    return value


def _uuid(value: bytes, *_: Any) -> str:
    return str(UUID(bytes=value))


READERS: Mapping[str, Callable[..., str]] = {
    "long-timestamp-millis": iso_millis,
    "long-timestamp-micros": _iso_micros,
    "long-timestamp-nanos": _iso_nanos,
    # A local timestamp names no zone, and Segment wants one: it is taken for UTC.
    "long-local-timestamp-millis": iso_millis,
    "long-local-timestamp-micros": _iso_micros,
    "long-local-timestamp-nanos": _iso_nanos,
    "int-date": _iso_date,
    "int-time-millis": _time_millis,
    "long-time-micros": _time_micros,
    # A JSON number is a double for whoever reads it; text keeps every digit.
    "bytes-decimal": _decimal,
    "fixed-decimal": _decimal,
    "string-uuid": _as_it_is,
    "fixed-uuid": _uuid,
}
"""By Avro type and logicalType (Avro 1.12 specification, "Logical Types"); any other logicalType changes nothing."""


def honoured(schema: Any) -> Any:
    """
    A schema, as its JSON value, without the logical types that are unknown, invalid, or not for their type.

    Source: Avro specification, "Logical Types": such a one is ignored, and the type itself is used.
    """
    if isinstance(schema, list):
        return [honoured(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: honoured(part) for key, part in schema.items() if key != "logicalType" or _counts(schema)}


def _counts(schema: Mapping[str, Any]) -> bool:
    match f"{schema.get('type')}-{schema['logicalType']}":
        case "fixed-uuid":
            return bool(schema.get("size") == 16)
        case "bytes-decimal":
            return _has_digits(schema)
        case "fixed-decimal":
            return _has_digits(schema) and schema["precision"] <= _room(schema.get("size"))
        case other:
            return other in READERS


def _has_digits(schema: Mapping[str, Any]) -> bool:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    return type(precision) is type(scale) is int and precision > 0 and 0 <= scale <= precision


def _room(size: object) -> float:
    """The digits that a fixed has room for in the two's complement."""
    return (8 * size - 1) * log10(2) if type(size) is int else 0.0
