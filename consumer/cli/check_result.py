"""What `check` says of each thing that it looked at."""

from typing import NamedTuple


class Look(NamedTuple):
    """`state`: ok, note, warning or problem; `what` was looked at, and `found` there."""

    state: str
    what: str
    found: str


def ok(what: str, found: str) -> Look:
    return Look("ok", what, found)


def note(what: str, found: str) -> Look:
    return Look("note", what, found)


def warning(what: str, found: str) -> Look:
    return Look("warning", what, found)


def problem(what: str, found: str) -> Look:
    return Look("problem", what, found)
