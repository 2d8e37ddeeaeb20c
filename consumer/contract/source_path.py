"""How a contract writes a path into a record: names with dots between them, in backticks where a name needs them."""

import re
from collections.abc import Iterable
from functools import lru_cache

_STEP = re.compile(r"`((?:[^`]|``)+)`|([^`.]+)")
_NEEDS_BACKTICKS = re.compile(r"[.`]|^\$|\[\d*\*?\]$")
"""A dot would divide the name, `$` begins a special source, and `[0]` looks like an index, which no path can have."""


@lru_cache(maxsize=10_000)
def path_steps(path: str) -> tuple[str, ...]:
    """The names in a path, none if the text is not a path."""
    steps: list[str] = []
    position = 0
    while True:
        match = _STEP.match(path, position)
        if match is None:
            return ()
        steps.append(match[2] or match[1].replace("``", "`"))
        position = match.end()
        if position == len(path):
            return tuple(steps)
        if path[position] != ".":
            return ()
        position += 1


def source_path(steps: Iterable[str]) -> str:
    """The path through these names, as a contract writes it."""
    return ".".join(map(_escaped, steps))


def parent_and_name(path: str) -> tuple[str, str]:
    """The path without its last step, and the last name; "" where there is none."""
    steps = path_steps(path)
    return source_path(steps[:-1]), "".join(steps[-1:])


def is_prefixed(path: str) -> bool:
    """Whether the path has several steps."""
    return len(path_steps(path)) > 1


def _escaped(name: str) -> str:
    if _NEEDS_BACKTICKS.search(name):
        return f"`{name.replace('`', '``')}`"
    return name
