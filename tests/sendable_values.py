"""What of a record can be sent, and in which form: written from docs/avro.md, without the service's own code."""

import base64
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from io import BytesIO
from typing import Any
from unittest import mock
from uuid import UUID

import fastavro
import fastavro.read

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_INTEGER = 2**53 - 1
OMITTED = object()


class Unsendable(Exception):
    """A value that has no form; the argument is the reason."""


class NoForm:
    """In place of the text of a logical type, for a value that has none. `stored`: the value without the type."""

    def __init__(self, reason: str, stored: Any) -> None:
        self.reason, self.stored = reason, stored


def _time(unit: str, factor: int, digits: int) -> Callable[[int], str]:
    def text(value: int) -> str:
        micros = timedelta(microseconds=value // factor if unit == "nanos" else value * factor)
        nanos = value % 1000 if unit == "nanos" else 0
        fraction = f"{(EPOCH + micros).microsecond:06}{nanos:03}"[:digits]
        return f"{(EPOCH + micros):%Y-%m-%dT%H:%M:%S}.{fraction}Z".rjust(20 + digits + 1, "0")

    return text


def _time_of_day(per_second: int, digits: int) -> Callable[[int], str]:
    def text(value: int) -> str:
        seconds, fraction = divmod(value, per_second)
        if not 0 <= seconds < 86_400:
            raise ValueError
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:0{digits}}"

    return text


def _decimal(value: bytes, scale: int) -> str:
    number = Decimal(int.from_bytes(value, "big", signed=True))
    if len(number.as_tuple().digits) > 1000:
        raise ValueError
    return f"{number.scaleb(-scale, Context(prec=2000)):f}"


_UNITS = {"millis": ("millis", 1000, 3), "micros": ("micros", 1, 6), "nanos": ("nanos", 1000, 9)}
_TEXTS: dict[str, Callable[..., str]] = {
    **{f"long-timestamp-{unit}": _time(*form) for unit, form in _UNITS.items()},
    **{f"long-local-timestamp-{unit}": _time(*form) for unit, form in _UNITS.items()},
    "int-date": lambda value: str(date(1970, 1, 1) + timedelta(days=value)),
    "int-time-millis": _time_of_day(1000, 3),
    "long-time-micros": _time_of_day(1_000_000, 6),
    "fixed-uuid": lambda value: str(UUID(bytes=value)),
    "string-uuid": str,
    "bytes-decimal": _decimal,
    "fixed-decimal": _decimal,
}


def _reader(name: str) -> Callable[..., Any]:
    is_decimal = name.endswith("decimal")

    def read(value: Any, schema: Any, *_: Any) -> Any:
        try:
            return _TEXTS[name](value, schema.get("scale", 0)) if is_decimal else _TEXTS[name](value)
        except (ValueError, OverflowError):
            return NoForm("decimal_too_large" if is_decimal else "time_out_of_range", value)

    return read


_READERS = {name: _reader(name) for name in _TEXTS}


def read_all_texts(parsed: Any, value: bytes) -> Any:
    """The record in which each logical type of `parsed`, all of which are valid, is text or NoForm."""
    with mock.patch.dict(fastavro.read.LOGICAL_READERS, _READERS):
        return fastavro.schemaless_reader(BytesIO(value), parsed, None)


def sendable(value: Any, on_invalid: str = "reject") -> Any:
    """The JSON form of what `read_all_texts` gives, or OMITTED. Raises Unsendable."""
    match value:
        case dict():
            items = {name: sendable(item, on_invalid) for name, item in value.items()}
            return {name: item for name, item in items.items() if item is not OMITTED}
        case list():
            return [item for item in (sendable(item, on_invalid) for item in value) if item is not OMITTED]
        case bytes():
            return base64.b64encode(value).decode()
        case bool() | str() | None:
            return value
        case int() if abs(value) <= MAX_INTEGER:
            return value
        case float() if math.isfinite(value):
            return value
    return _instead(value, on_invalid)


def _instead(value: Any, on_invalid: str) -> Any:
    match on_invalid:
        case "null":
            return None
        case "omit":
            return OMITTED
        case "string":
            return _text(value.stored if isinstance(value, NoForm) else value)
    raise Unsendable(_reason(value))


def _reason(value: Any) -> str:
    if isinstance(value, NoForm):
        return value.reason
    return "integer_too_large" if isinstance(value, int) else "non_finite_number"


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return str(value)
