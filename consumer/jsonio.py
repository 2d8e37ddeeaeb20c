"""JSON as the service reads and writes it."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

JsonError = json.JSONDecodeError
"""What `loads` raises: a ValueError with `msg`, `lineno` and `colno`. That of orjson is a subclass."""

InexactInteger = orjson.JSONEncodeError
"""What `dumps_exact` raises: a TypeError."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, so that its text has no offset and "Z" can follow
# Times are put together from pieces, because each record has several. It costs a quarter of formatting a datetime.
_MINUTES = [f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLIS = [f"{milli:03}Z" for milli in range(1000)]
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC

MAX_LINE_LENGTH = 110
"""Characters of a line in a file that people read."""

# The parts of a valid JSON text that say where a key is: a text (group 1), which is a key before a colon (group 2).
_TOKEN = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[][{},]')


class RepeatedKey(JsonError):
    """A key that an object has twice, at the place of the second one. A parser takes the last and says nothing."""


def dumps(value: Any) -> bytes:
    """
    UTF-8 JSON without white space.

    Beware: a NaN or an infinity becomes `null` without an error. `contract.conversions` rejects both before.
    """
    # A copy, because the library shrinks a buffer of 8 KB to the text. The rest of each buffer would stay as a small
    # piece of free memory between the texts, too small to be used again.
    return memoryview(orjson.dumps(value, option=_OPTIONS)).tobytes()


def dumps_exact(value: Any) -> bytes:
    """Like `dumps`. Raises InexactInteger for an integer beyond 2^53-1, which a JSON reader would round."""
    return memoryview(orjson.dumps(value, option=_OPTIONS | orjson.OPT_STRICT_INTEGER)).tobytes()


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text. The library limits the nesting to 1024. Raises JsonError."""
    return orjson.loads(raw)


def loads_exact(text: str) -> Any:
    """
    Like `loads`, for a text that `loads` accepts, but an integer of 64 bits or more has all its digits.

    The nesting must be far below the depth of Python's stack. `loads` accepts no integer that Python refuses to read.
    """
    return json.loads(text)


def loads_unique(raw: bytes | str) -> Any:
    """Like `loads`, for files that people write. Raises RepeatedKey for the first key that its object has twice."""
    value = orjson.loads(raw)
    text = raw if isinstance(raw, str) else raw.decode()
    _check_keys(text)
    return value


@dataclass(slots=True)
class _Level:
    """An object or a list around a place in a JSON text: the keys so far with their positions, and the present one."""

    keys: dict[str, int] = field(default_factory=dict)
    step: str | int = 0  # a key, or an index into a list

    def add_key(self, key: str, position: int) -> int:
        """The position at which the object has the key first."""
        self.step = key
        return self.keys.setdefault(key, position)


def _check_keys(text: str) -> None:
    """Raises RepeatedKey. `text` is valid JSON, so that its brackets match."""
    levels: list[_Level] = []
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case "{" | "[":
                levels.append(_Level())
            case "}" | "]":
                levels.pop()
            case "," if isinstance(levels[-1].step, int):
                levels[-1].step += 1
            case '"' if token[2]:
                first = levels[-1].add_key(orjson.loads(token[1]), token.start())
                if first != token.start():
                    raise _repeated_key([level.step for level in levels], text, first, token.start())


def _repeated_key(steps: Sequence[str | int], text: str, first: int, second: int) -> RepeatedKey:
    *parents, key = steps
    line = text.count("\n", 0, first) + 1
    return RepeatedKey(
        f"key {dumps(key).decode()} twice in {json_pointer(*parents)}, first in line {line}", text, second
    )


def json_pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps) or "/"


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


def written(value: Any, indent: int = 0, used: int = 0) -> str:
    """
    JSON as people write it in files: an object or a list is on one line if it fits there.

    `indent`: of the line on which the value begins; `used`: how many other characters this line has.
    """
    line = _on_one_line(value)
    if indent + used + len(line) <= MAX_LINE_LENGTH or not isinstance(value, dict | list) or not value:
        return line
    if isinstance(value, list):
        entries = [written(inner, indent + 2, 1) for inner in value]
    else:
        names = [(f"{dumps(key).decode()}: ", inner) for key, inner in value.items()]
        entries = [f"{name}{written(inner, indent + 2, len(name) + 1)}" for name, inner in names]
    inside = ",\n".join(" " * (indent + 2) + entry for entry in entries)
    return f"{line[0]}\n{inside}\n{' ' * indent}{line[-1]}"


def _on_one_line(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dumps(key).decode()}: {_on_one_line(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_on_one_line, value)) + "]"
    return dumps(value).decode()


def pretty(value: Any) -> str:
    """JSON for people: indented by two."""
    return orjson.dumps(value, option=_OPTIONS | orjson.OPT_INDENT_2).decode()
