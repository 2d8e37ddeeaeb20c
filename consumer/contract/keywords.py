"""The annotations that a contract adds to JSON Schema, and where each belongs."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from consumer.contract.walk import Place, schemas

AT_THE_TOP = ("x-record", "x-environment", "x-skip")
ON_A_FIELD = ("x-source", "x-convert", "x-labels", "x-skip")

_HOMES = {
    **dict.fromkeys(AT_THE_TOP, "at the top of the file"),
    **dict.fromkeys(ON_A_FIELD, "on a property that is made from the record"),
    "x-skip": "at the top of the file, or on a property that is made from the record",
}


def mistakes(schema: Any, homes: Mapping[Place, tuple[str, ...]]) -> Iterator[tuple[Place, str]]:
    """Annotations that do not exist or mean nothing where they are. `homes`: which ones belong to a place."""
    for place, part in schemas(schema):
        for keyword in part:
            if keyword.startswith("x-") and keyword not in homes.get(place, ()):
                yield (*place, keyword), _home(keyword)


def unknown(schema: Any) -> Iterator[tuple[Place, str]]:
    """Annotations that do not exist, wherever they are."""
    return mistakes(schema, {place: tuple(_HOMES) for place, _ in schemas(schema)})


def nearest(value: Any, known: tuple[str, ...]) -> str:
    """A question whether the known word that looks most like `value` was meant, or ""."""
    near = get_close_matches(str(value), known, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _home(keyword: str) -> str:
    if keyword in _HOMES:
        return f"no {keyword} here; it belongs {_HOMES[keyword]}"
    return f"one of {', '.join(_HOMES)}{nearest(keyword, tuple(_HOMES))}"
