r"""
JSON in a text or in bytes, as JavaScript, Python and Java really write it.

| in the text                                             | read as                                              |
| ------------------------------------------------------- | ---------------------------------------------------- |
| a byte order mark before the value                      | nothing                                              |
| half a surrogate pair, such as `\ud83d` (JavaScript)    | U+FFFD                                               |
| `NaN`, `Infinity`, `-Infinity` (Python)                 | null, which JavaScript writes for these numbers      |
| an integer of any size                                  | this integer, for which the rule of all integers holds |
| a number beyond the largest double, such as `1e400`     | an infinity, for which the rule of all numbers holds |
| a key twice in an object                                | the last one, as JavaScript, Python and Java read it |
| bytes that are not UTF-8                                | U+FFFD                                               |
"""

import json
import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from consumer.errors import MappingError
from consumer.jsonio import JsonError, loads
from consumer.reasons import Reason

log = logging.getLogger(__name__)

KEY_REPEATED = "key_repeated"
"""Counts JSON texts with a key twice in an object."""

MAX_DEPTH = 64
"""Lists and objects inside each other in JSON text, as for the types of Avro."""

_ROUNDED = 2**63
"""From here on, the fast library makes a float of an integer."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def count_nothing(_: str, /) -> None:
    """For those who only look at a value."""


def parse_json(text: str | bytes, pointer: str, count: Callable[[str], None] = count_nothing) -> Any:
    """
    The value, by the table above. Raises MappingError `not_json`, and `nested_too_deep` beyond MAX_DEPTH.

    `count` is called with KEY_REPEATED for a text with such a key.
    """
    try:
        parsed = loads(text)
        is_exact = not _has_rounded(parsed, pointer, MAX_DEPTH)
    except JsonError:
        is_exact = False
    if not is_exact:
        parsed = _parse_slowly(text, pointer)
    if has_repeated_key(text, parsed):
        count(KEY_REPEATED)
        _warn_of_repeated_key(pointer)
    return parsed


@lru_cache
def _warn_of_repeated_key(pointer: str) -> None:
    """Once for each property, because all texts of one producer have the same keys."""
    log.warning("JSON text has a key twice in an object, using the last value", extra={"property": pointer})


def has_repeated_key(text: str | bytes, parsed: Any) -> bool:
    """Whether an object in JSON text has a key twice. `parsed` is the value of the text."""
    if text.count(b":" if isinstance(text, bytes) else ":") == _count_keys(parsed):  # type: ignore[arg-type]
        return False
    keys = 0

    def count(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal keys
        keys += len(pairs)
        return dict(pairs)

    try:
        json.loads(_as_text(text), object_pairs_hook=count)
    except RecursionError:  # the value is not so deep, so that an object has lost what is
        return True
    return keys != _count_keys(parsed)


def _parse_slowly(text: str | bytes, pointer: str) -> Any:
    try:
        parsed = json.loads(_as_text(text), parse_constant=lambda _: None)
    except RecursionError:
        raise MappingError(Reason.NESTED_TOO_DEEP, pointer) from None
    except ValueError:  # JsonError, or an integer of more digits than Python converts
        raise MappingError(Reason.NOT_JSON, pointer) from None
    _has_rounded(parsed, pointer, MAX_DEPTH)  # before anything else goes through a value that is too deep
    return _without_half_pairs(parsed)


def _as_text(text: str | bytes) -> str:
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return text.removeprefix("\ufeff")


def _without_half_pairs(value: Any) -> Any:
    match value:
        case str():
            return _HALF_PAIR.sub("\ufffd", value)
        case list():
            return [_without_half_pairs(item) for item in value]
        case dict():
            return {_without_half_pairs(name): _without_half_pairs(item) for name, item in value.items()}
    return value


def _has_rounded(value: Any, pointer: str, levels: int) -> bool:
    """Whether a number may be an integer that was rounded. Raises `nested_too_deep` beyond `levels`."""
    if type(value) is float:
        return abs(value) >= _ROUNDED
    inner: Iterable[Any]
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    if not levels:
        raise MappingError(Reason.NESTED_TOO_DEEP, pointer)
    has_rounded = False
    for item in inner:
        has_rounded |= _has_rounded(item, pointer, levels - 1)
    return has_rounded


def _count_keys(value: Any) -> int:
    match value:
        case dict():
            return len(value) + sum(map(_count_keys, value.values()))
        case list():
            return sum(map(_count_keys, value))
    return 0
