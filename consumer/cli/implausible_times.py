"""Times in an event that can hardly be right, such as those that were read with a wrong unit."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_AHEAD = timedelta(days=1)
_CONTRACT_DEPTH = 2  # of /properties/NAME
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")


class ImplausibleTime(NamedTuple):
    """A time of the event: the JSON pointer, with `*` in place of each name inside a property, and the year."""

    pointer: str
    year: int
    problem: str

    def __str__(self) -> str:
        return f"{self.pointer} is of the year {self.year}, {self.problem}: is its unit right in the contract?"


def implausible_times(event: Any, now: datetime) -> Iterator[ImplausibleTime]:
    """The times of an event, as JSON values, that are before 2000 or a day after `now`. A date alone is no time."""
    for pointer, text in _texts(event, ""):
        time = _parse_time(text)
        if time is None:
            continue
        if time < _EARLIEST:
            yield ImplausibleTime(pointer, time.year, "before 2000")
        elif time > now + _MAX_AHEAD:
            yield ImplausibleTime(pointer, time.year, "more than a day ahead")


def _parse_time(text: str) -> datetime | None:
    """A time in ISO-8601, in UTC if it names no offset; None for any other text."""
    if not _TIME.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:  # for example the month 13
        return None
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    return time


def _texts(value: Any, pointer: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """
    Each text in a JSON value with its pointer. No event is nested so deep that this could overflow the stack.

    Below a property names can come from a map of the record, so they are data of the record and appear as `*`.
    """
    match value:
        case str():
            yield pointer, value
        case dict():
            for name, inner in value.items():
                shown = name if depth < _CONTRACT_DEPTH else "*"
                yield from _texts(inner, f"{pointer}/{shown}", depth + 1)
        case list():
            for inner in value:
                yield from _texts(inner, f"{pointer}/*", depth + 1)
