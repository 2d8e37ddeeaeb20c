"""
How a decoded value is written in JSON: by its type, or by the conversion that the contract names.

| Avro                                 | JSON without a conversion                                              |
| ------------------------------------ | ---------------------------------------------------------------------- |
| null, boolean, string, enum          | unchanged                                                              |
| int, long                            | number; rejected beyond 2^53-1, because a JSON reader would round it   |
| float, double                        | number; NaN and infinities are rejected, because JSON has none         |
| bytes, fixed                         | base64                                                                 |
| array, map, record                   | list, object, object                                                   |
| timestamp, date, time, decimal, uuid | text (ISO-8601 with Z; every digit of a decimal)                       |

`consumer.contract.value_forms` applies this to the values of a type, in lists, maps and records.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from math import inf, isfinite
from types import NoneType
from typing import Any

from consumer.contract.json_text import parse_json
from consumer.errors import MappingError
from consumer.jsonio import iso_millis
from consumer.reasons import Reason

_NAMES_OF_NUMBERS = {inf: "Infinity", -inf: "-Infinity"}
MAX_INTEGER = 2**53 - 1

Convert = Callable[[Any, str], Any]
"""From a value that is not null and the pointer of its property to a JSON value. Raises MappingError."""

JSON_TEXTS = frozenset({str, bytes})
"""The types of values that `"x-convert": "json"` parses."""

_UNCHANGED = frozenset({NoneType, bool, str})  # most values: a look-up is cheaper than a call


def json_form(value: Any, pointer: str) -> Any:
    """The value in JSON, by the table above. Raises MappingError with the pointer of the property."""
    return value if type(value) in _UNCHANGED else _JSON_FORMS[type(value)](value, pointer)


def iso_8601(value: Any, pointer: str) -> Any:
    """An integer is milliseconds since 1970; text is unchanged. Raises `time_out_of_range`."""
    if type(value) is not int:
        return json_form(value, pointer)
    try:
        return iso_millis(value)
    except OverflowError:
        raise MappingError(Reason.TIME_OUT_OF_RANGE, pointer) from None


def iso_8601_seconds(value: Any, pointer: str) -> Any:
    """Like `iso_8601`, for an integer of seconds."""
    if type(value) is int:
        value *= 1000
    return iso_8601(value, pointer)


def iso_8601_micros(value: Any, pointer: str) -> Any:
    """Like `iso_8601`, for an integer of microseconds; fractions of a millisecond are cut off."""
    if type(value) is int:
        value //= 1000
    return iso_8601(value, pointer)


def string(value: Any, pointer: str) -> Any:
    """An integer of any size as text; all other values are written as without a conversion."""
    if type(value) is int:
        return str(value)
    return json_form(value, pointer)


def parsed_json(value: Any, pointer: str) -> Any:
    """The JSON value in a text or in bytes by the rules of all values; other values as without a conversion."""
    return json_form(parse_json(value, pointer) if type(value) in JSON_TEXTS else value, pointer)


def scalar_text(value: Any) -> str:
    """A boolean, a number or a text as text: a NaN and infinities by their names, bytes in base64."""
    match value:
        case bool():
            return str(value).lower()
        case float() if not isfinite(value):
            return _NAMES_OF_NUMBERS.get(value, "NaN")
        case bytes():
            return b64encode(value).decode()
    return str(value)


def label(labels: Mapping[str, Any]) -> Convert:
    """The conversion by a contract's table for an enum's symbol, a text, a number or a boolean. Raises `no_label`."""

    def labelled(value: Any, pointer: str) -> Any:
        symbol = scalar_text(value)
        if symbol not in labels:
            raise MappingError(Reason.NO_LABEL, pointer)
        return labels[symbol]

    return labelled


CONVERSIONS: Mapping[str, Convert] = {
    "iso-8601": iso_8601,
    "iso-8601-seconds": iso_8601_seconds,
    "iso-8601-micros": iso_8601_micros,
    "string": string,
    "json": parsed_json,
}
"""By their names in `x-convert`. `label` is not among them, because it is created from the labels of a property."""

KEEP_TEXT = ("iso-8601", "iso-8601-seconds", "iso-8601-micros", "string")
"""The conversions that change no text."""


def _integer(value: int, pointer: str) -> int:
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    raise MappingError(Reason.INTEGER_TOO_LARGE, pointer)


def _number(value: float, pointer: str) -> float:
    if isfinite(value):
        return value
    raise MappingError(Reason.NON_FINITE_NUMBER, pointer)


def _base64(value: bytes, _: str) -> str:
    return b64encode(value).decode()


def _list(value: list[Any], pointer: str) -> list[Any]:
    return [item if type(item) in _UNCHANGED else _JSON_FORMS[type(item)](item, pointer) for item in value]


def _object(value: dict[str, Any], pointer: str) -> dict[str, Any]:
    return {
        name: item if type(item) in _UNCHANGED else _JSON_FORMS[type(item)](item, pointer)
        for name, item in value.items()
    }


_JSON_FORMS: Mapping[type, Convert] = {int: _integer, float: _number, bytes: _base64, list: _list, dict: _object}
"""By the type of the value and not by the schema, because a union does not say which of its branches was written."""
