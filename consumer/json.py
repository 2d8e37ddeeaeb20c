"""JSON as the service reads and writes it."""

from datetime import datetime, timedelta
from typing import Any

import orjson

JsonError = orjson.JSONDecodeError
"""What `loads` raises: a ValueError with `msg`, `lineno` and `colno`."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, so that its text has no offset and "Z" can follow
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def dumps(value: Any) -> bytes:
    """
    UTF-8 JSON without white space.

    Beware: a NaN or an infinity becomes `null` in silence; what can hold one is checked before (see `contract.forms`).
    """
    return orjson.dumps(value, option=_OPTIONS)


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text; nesting is limited (1024) by the library. Raises JsonError."""
    return orjson.loads(raw)


def iso_millis(millis: int) -> str:
    """How JSON says a time in ms since 1970: ISO-8601 with ms and Z. OverflowError outside of the years 1 to 9999."""
    return (_EPOCH + timedelta(0, 0, millis * 1000)).isoformat("T", "milliseconds") + "Z"


def pretty(value: Any) -> str:
    """JSON for people: indented by two."""
    return orjson.dumps(value, option=_OPTIONS | orjson.OPT_INDENT_2).decode()
