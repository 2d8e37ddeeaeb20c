"""JSON as the service reads and writes it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

JsonError = orjson.JSONDecodeError
"""What `loads` raises: a ValueError with `msg`, `lineno` and `colno`."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, so that its text has no offset and "Z" can follow
# Times are put together from pieces, because each record has several. It costs a quarter of formatting a datetime.
_MINUTES = [f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLIS = [f"{milli:03}Z" for milli in range(1000)]
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def dumps(value: Any) -> bytes:
    """
    UTF-8 JSON without white space.

    Beware: a NaN or an infinity becomes `null` without an error. `contract.conversions` rejects both before.
    """
    # A copy, because the library shrinks a buffer of 8 KB to the text. The rest of each buffer would stay as a small
    # piece of free memory between the texts, too small to be used again.
    return memoryview(orjson.dumps(value, option=_OPTIONS)).tobytes()


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text. The library limits the nesting to 1024. Raises JsonError."""
    return orjson.loads(raw)


def is_nested_deeper(value: Any, levels: int) -> bool:
    """Whether a value is inside more than `levels` lists and objects. A function that calls itself could overflow."""
    inner = [value]
    for _ in range(levels + 1):
        inner = [child for parent in inner for child in _children(parent)]
    return bool(inner)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list):
        return value
    return ()


def iso_millis(millis: int, *_: Any) -> str:
    """A time in ms since 1970 as ISO-8601 with ms and Z. Raises OverflowError outside of the years 1 to 9999."""
    minutes, ms_of_minute = divmod(millis, 60_000)
    day, minute = divmod(minutes, 1440)
    return f"{_day(day)}{_MINUTES[minute]}{_SECONDS[ms_of_minute // 1000]}{_MILLIS[ms_of_minute % 1000]}"


@lru_cache(maxsize=1000)
def _day(days: int) -> str:
    """The date so many days after 1970-01-01, with the T behind it."""
    return (_EPOCH + timedelta(days)).isoformat()[:-8]


def pretty(value: Any) -> str:
    """JSON for people: indented by two."""
    return orjson.dumps(value, option=_OPTIONS | orjson.OPT_INDENT_2).decode()
