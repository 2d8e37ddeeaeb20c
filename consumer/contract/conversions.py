"""The conversions that a contract can name, by the names it uses."""

from collections.abc import Callable, Mapping
from typing import Any

from consumer.contract.forms import json_form
from consumer.errors import UnprocessableRecord
from consumer.jsonio import JsonError, iso_millis, loads

MAX_DEPTH = 64
"""Lists and objects inside each other in JSON text, as for the types of Avro."""

Convert = Callable[[Any, str], Any]
"""From a value that is there and the pointer of its property to a JSON value. Raises UnprocessableRecord."""


def iso_8601(value: Any, pointer: str) -> Any:
    """An integer is milliseconds since 1970; text stays as it is. Raises `time_out_of_range`."""
    if type(value) is not int:
        return json_form(value, pointer)
    try:
        return iso_millis(value)
    except OverflowError:
        raise UnprocessableRecord("time_out_of_range", pointer) from None


def iso_8601_seconds(value: Any, pointer: str) -> Any:
    """As `iso_8601`, for an integer of seconds."""
    return iso_8601(value * 1000 if type(value) is int else value, pointer)


def iso_8601_micros(value: Any, pointer: str) -> Any:
    """As `iso_8601`, for an integer of microseconds; what is less than a millisecond is cut off."""
    return iso_8601(value // 1000 if type(value) is int else value, pointer)


def string(value: Any, pointer: str) -> Any:
    """An integer of any size as text; everything else as without it."""
    return str(value) if type(value) is int else json_form(value, pointer)


def parsed_json(value: Any, pointer: str) -> Any:
    """
    Text is JSON, whose value obeys the rules of all values; everything else as without it.

    Raises `not_json`, and `nested_too_deep` beyond MAX_DEPTH.
    """
    if type(value) is not str:
        return json_form(value, pointer)
    try:
        parsed = loads(value)
    except JsonError:
        raise UnprocessableRecord("not_json", pointer) from None
    _bounded(parsed, pointer, MAX_DEPTH)
    return json_form(parsed, pointer)


def label(labels: Mapping[str, Any]) -> Convert:
    """What the contract's table says for an enum's symbol, a text, a number or a truth value. Raises `no_label`."""

    def labelled(value: Any, pointer: str) -> Any:
        symbol = {True: "true", False: "false"}[value] if type(value) is bool else str(value)
        if symbol not in labels:
            raise UnprocessableRecord("no_label", pointer)
        return labels[symbol]

    return labelled


CONVERSIONS: Mapping[str, Convert] = {
    "iso-8601": iso_8601,
    "iso-8601-seconds": iso_8601_seconds,
    "iso-8601-micros": iso_8601_micros,
    "string": string,
    "json": parsed_json,
}
"""By their names in `x-convert`; `label` besides, which is made of the labels at its place."""

KEEP_TEXT = ("iso-8601", "iso-8601-seconds", "iso-8601-micros", "string")
"""Those that change no text."""


def _bounded(value: Any, pointer: str, levels: int) -> None:
    if type(value) is float and abs(value) >= 2**63:  # where the library makes floats of integers, and rounds them
        raise UnprocessableRecord("integer_too_large", pointer)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return
    if not levels:
        raise UnprocessableRecord("nested_too_deep", pointer)
    for one in inner:
        _bounded(one, pointer, levels - 1)
