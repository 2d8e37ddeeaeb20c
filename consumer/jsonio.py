"""JSON as the service reads and writes it."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

JsonError = orjson.JSONDecodeError
"""What `loads` raises: a ValueError with `msg`, `lineno` and `colno`."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, so that its text has no offset and "Z" can follow
# Times are put together of pieces, as each record has some: a quarter of the cost of writing a datetime.
_MINUTES = [f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLIS = [f"{milli:03}Z" for milli in range(1000)]
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def dumps(value: Any) -> bytes:
    """
    UTF-8 JSON without white space.

    Beware: a NaN or an infinity becomes `null` in silence; what can hold one is checked before (see `contract.forms`).
    """
    # A copy, as the library grows a buffer of 8 KB and cuts it: what is cut off stays in small pieces between the texts
    # that are kept, and is good for nothing.
    return memoryview(orjson.dumps(value, option=_OPTIONS)).tobytes()


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text; nesting is limited (1024) by the library. Raises JsonError."""
    return orjson.loads(raw)


def iso_millis(millis: int, *_: Any) -> str:
    """How JSON says a time in ms since 1970: ISO-8601 with ms and Z. OverflowError outside of the years 1 to 9999."""
    minutes, rest = divmod(millis, 60_000)
    day, minute = divmod(minutes, 1440)
    return f"{_day(day)}{_MINUTES[minute]}{_SECONDS[rest // 1000]}{_MILLIS[rest % 1000]}"


@lru_cache(maxsize=1000)
def _day(days: int) -> str:
    return (_EPOCH + timedelta(days)).isoformat()[:-8]


def pretty(value: Any) -> str:
    """JSON for people: indented by two."""
    return orjson.dumps(value, option=_OPTIONS | orjson.OPT_INDENT_2).decode()
