"""Avro's logical types: which of them are honoured, and the text that stands for a value of each in JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from math import log10
from typing import Any
from uuid import UUID

from consumer.avro.connect_types import MAX_SCALE, NEGATIVE_SCALE_DECIMAL, VARIABLE_SCALE_DECIMAL
from consumer.jsonio import iso_millis
from consumer.reasons import Reason

MAX_DIGITS = 1000
"""The most digits of a decimal. No number needs more, and the time to write digits grows with their square."""

TEXT_TYPE, LOGICAL = "sprig-to-segment-text", "logical"
"""The logicalType of a schema whose values become text while they are decoded, and where it keeps Avro's own one."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, so that its text has no offset and "Z" can follow
_EPOCH_DAY = _EPOCH.toordinal()
_TOO_LARGE = 10**MAX_DIGITS


def _iso_micros(value: int) -> str:
    return f"{(_EPOCH + timedelta(microseconds=value)).isoformat(timespec='microseconds')}Z"


def _iso_nanos(value: int) -> str:
    seconds, nanos = divmod(value, 1_000_000_000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat(timespec='seconds')}.{nanos:09}Z"


def _iso_date(value: int) -> str:
    return date.fromordinal(value + _EPOCH_DAY).isoformat()


def _time_millis(value: int) -> str:
    return _iso_time(timedelta(milliseconds=value), "milliseconds")


def _time_micros(value: int) -> str:
    return _iso_time(timedelta(microseconds=value), "microseconds")


def _time_nanos(value: int) -> str:
    micros, nanos = divmod(value, 1000)
    return f"{_iso_time(timedelta(microseconds=micros), 'microseconds')}{nanos:03}"


def _iso_time(since_midnight: timedelta, precision: str) -> str:
    if not timedelta() <= since_midnight < timedelta(days=1):
        raise OverflowError
    return (_EPOCH + since_midnight).time().isoformat(precision)


def _decimal(scale: int, value: bytes) -> str:
    unscaled = int.from_bytes(value, "big", signed=True)
    if abs(unscaled) >= _TOO_LARGE:
        raise OverflowError
    return format(Decimal(f"{unscaled}E{-scale}"), "f")


def _variable_scale_decimal(value: Mapping[str, Any]) -> str:
    if abs(value["scale"]) > MAX_SCALE:
        raise OverflowError
    return _decimal(value["scale"], value["value"])


def _uuid(value: bytes) -> str:
    return str(UUID(bytes=value))


PYTHON_TYPES: Mapping[str, type] = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "enum": str,
    "bytes": bytes,
    "fixed": bytes,
    "array": list,
    "map": dict,
    "record": dict,
}
"""By the kind of a type: the type of its decoded values. No two of them are equal."""

TextForm = Callable[[Any], str]
"""From a stored value to its text. Raises OverflowError or ValueError for a value that is out of range."""

_TEXT_FORMS: Mapping[str, TextForm] = {
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
    "long-time-nanos": _time_nanos,
    "record-variable-scale-decimal": _variable_scale_decimal,
    "fixed-uuid": _uuid,
}
"""
By Avro type and logicalType (Avro 1.12 specification, "Logical Types"; and what `consumer.avro.connect_types` adds),
besides decimals, which have a scale.
"""

_DECIMALS = ("decimal", NEGATIVE_SCALE_DECIMAL, VARIABLE_SCALE_DECIMAL)
_NOT_OF_AVRO = ("time-nanos", NEGATIVE_SCALE_DECIMAL, VARIABLE_SCALE_DECIMAL)
_HONOURED = frozenset({*_TEXT_FORMS, "bytes-decimal", "fixed-decimal", "string-uuid"})


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A value that has no text, in place of the text. `stored` is the value as Avro's primitive type has it."""

    reason: Reason
    stored: Any


def text_form(kind: str, logical: str, scale: int) -> TextForm | None:
    """
    How the values of a logical type are written; None for a type whose values need no other form.

    JSON readers parse a number as a double; text keeps every digit of a decimal.
    """
    if logical in ("decimal", NEGATIVE_SCALE_DECIMAL):
        return partial(_decimal, scale)
    return _TEXT_FORMS.get(f"{kind}-{logical}")


def range_reason(logical: str) -> Reason:
    """Why a value of this logical type cannot be written."""
    return Reason.DECIMAL_TOO_LARGE if logical in _DECIMALS else Reason.TIME_OUT_OF_RANGE


def read_text(stored: Any, schema: Mapping[str, Any], *_: Any) -> str | OutOfRange:
    """The reader of TEXT_TYPE: the value's text already while it is decoded."""
    logical: str = schema[LOGICAL]
    form = text_form(schema["type"], logical, schema.get("scale", 0))
    assert form
    try:
        return form(stored)
    except (OverflowError, ValueError):
        return OutOfRange(range_reason(logical), stored["value"] if logical == VARIABLE_SCALE_DECIMAL else stored)


def honoured_logical_type(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The attributes of a type's logical type; none if it is unknown, invalid, or not for the type.

    Source: Avro specification, "Logical Types": a reader ignores such a logical type and uses the type itself.
    """
    if "logicalType" not in schema or not _is_honoured(schema):
        return {}
    return {name: schema[name] for name in ("logicalType", "precision", "scale") if name in schema}


def _is_honoured(schema: Mapping[str, Any]) -> bool:
    """Whether the schema's logical type is honoured and valid for the schema's type."""
    match f"{schema.get('type')}-{schema['logicalType']}":
        case "fixed-uuid":
            return bool(schema.get("size") == 16)
        case "bytes-decimal":
            return _has_valid_precision(schema)
        case "fixed-decimal":
            return _has_valid_precision(schema) and schema["precision"] <= _max_fixed_digits(schema.get("size"))
        case reader:
            return reader in _HONOURED and schema["logicalType"] not in _NOT_OF_AVRO


def _has_valid_precision(schema: Mapping[str, Any]) -> bool:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    return type(precision) is type(scale) is int and precision > 0 and 0 <= scale <= precision


def _max_fixed_digits(size_bytes: object) -> float:
    """The decimal digits that the two's complement in a fixed of this size has room for."""
    if type(size_bytes) is not int:
        return 0.0
    return (8 * size_bytes - 1) * log10(2)
