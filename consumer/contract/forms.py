"""
How a decoded value is written in JSON, unless its contract converts it.

| Avro                                 | JSON                                                                   |
| ------------------------------------ | ---------------------------------------------------------------------- |
| null, boolean, string, enum          | as it is                                                               |
| int, long                            | number; beyond 2^53-1 a reader would get another one: refused          |
| float, double                        | number; NaN and infinities have none: refused                          |
| bytes, fixed                         | base64                                                                 |
| array, map, record                   | list, object, object                                                   |
| timestamp, date, time, decimal, uuid | text already, by decoding (ISO-8601 with Z; every digit of a decimal)  |
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from math import isfinite
from types import NoneType
from typing import Any

from consumer.avro.schema import AvroType
from consumer.errors import UnprocessableRecord

MAX_INTEGER = 2**53 - 1

Form = Callable[[Any, str], Any]
"""From a value and the pointer of its property to its JSON form. Raises UnprocessableRecord with the pointer."""

_AS_THEY_ARE = frozenset({"null", "boolean", "string", "enum"})  # bytes of an int can say more than 32 bits


def is_json(avro: AvroType) -> bool:
    """Whether every value of this type is its own JSON form, so that nobody has to look."""
    inner = (*avro.fields.values(), *avro.branches, *((avro.items,) if avro.items else ()))
    return (bool(inner) or avro.kind in (*_AS_THEY_ARE, "record", "union")) and all(is_json(one) for one in inner)


def is_text(avro: AvroType) -> bool:
    """Whether every value of this type is text or null."""
    return all(one.kind in ("string", "enum") for one in avro.alternatives)


def json_form(value: Any, pointer: str) -> Any:
    """By the table above."""
    return value if type(value) in _SAME else _FORMS[type(value)](value, pointer)


def blank(value: Any) -> bool:
    """Null, empty, or nothing but white space."""
    return value is None or (type(value) is str and not value.strip())


def among(value: Any, values: Sequence[Any]) -> bool:
    """Whether the value is one of these, as JSON compares: true is not 1, and 1.0 is."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in values)


def _integer(value: int, pointer: str) -> int:
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    raise UnprocessableRecord("integer_too_large", pointer)


def _number(value: float, pointer: str) -> float:
    if isfinite(value):
        return value
    raise UnprocessableRecord("non_finite_number", pointer)


def _base64(value: bytes, _: str) -> str:
    return b64encode(value).decode()


def _list(value: list[Any], pointer: str) -> list[Any]:
    return [item if type(item) in _SAME else _FORMS[type(item)](item, pointer) for item in value]


def _object(value: dict[str, Any], pointer: str) -> dict[str, Any]:
    return {name: item if type(item) in _SAME else _FORMS[type(item)](item, pointer) for name, item in value.items()}


_SAME = frozenset({NoneType, bool, str})  # most values: to ask is cheaper than to call

# Not by the schema but by the value: a union does not say which of its branches was written.
_FORMS: dict[type, Form] = {
    int: _integer,
    float: _number,
    bytes: _base64,
    list: _list,
    dict: _object,
}
