"""What an annotation's own value must be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from consumer.contract.convert import CONVERSIONS
from consumer.contract.keywords import nearest
from consumer.contract.rules import LABEL, SPECIAL_SOURCES, Skip
from consumer.contract.walk import Place
from consumer.reasons import reserved

Expected = Callable[[Place, str], None]
"""Notes a mistake: its place, and what was expected there."""

BLANK, IN, NOT_IN = "blank", "in", "not-in"


def record(schema: Mapping[str, Any], expected: Expected) -> str:
    """`x-record`."""
    found = schema.get("x-record")
    if isinstance(found, str) and re.fullmatch(r"[\w.*]+", found):
        return found
    expected(("x-record",), "the full name of an Avro record, in which * is any text")
    return ""


def environment(schema: Mapping[str, Any], expected: Expected) -> tuple[str, ...]:
    """`x-environment`; none without it."""
    return _paths(schema["x-environment"], ("x-environment",), (), expected) if "x-environment" in schema else ()


def sources(schema: Mapping[str, Any], place: Place, expected: Expected) -> tuple[str, ...]:
    """`x-source` of a property that has one."""
    return _paths(schema["x-source"], (*place, "x-source"), SPECIAL_SOURCES, expected)


def convert(schema: Mapping[str, Any], place: Place, expected: Expected) -> str:
    """`x-convert`, "" without it."""
    known = (*CONVERSIONS, LABEL)
    return _one_of(known, schema.get("x-convert", ""), (*place, "x-convert"), expected)


def labels(schema: Mapping[str, Any], place: Place, expected: Expected) -> Mapping[str, Any]:
    """`x-labels`, which the conversion to labels needs and no other has."""
    found, wanted = schema.get("x-labels"), schema.get("x-convert") == LABEL
    if not wanted:
        if found is not None:
            expected((*place, "x-labels"), f'"x-convert": "{LABEL}" beside x-labels, else nothing goes by them')
        return {}
    if not isinstance(found, dict) or not found:
        expected((*place, "x-labels"), 'a label for each value, such as {"OPEN": "open question"}')
        return {}
    return found


def skip(schema: Mapping[str, Any], place: Place, names: tuple[str, ...], expected: Expected) -> Skip | None:
    """`x-skip` of a property whose sources are `names`, if it has one."""
    if "x-skip" not in schema:
        return None
    return _skip(schema["x-skip"], (*place, "x-skip"), names, expected)


def skips(schema: Mapping[str, Any], expected: Expected) -> tuple[Skip, ...]:
    """`x-skip` at the top: a list, each with a source of its own."""
    found = schema.get("x-skip", [])
    if not isinstance(found, list):
        expected(("x-skip",), 'a list of {"source": .., "when": .., "reason": ..}')
        return ()
    made = [_skip_from(one, ("x-skip", index), expected) for index, one in enumerate(found)]
    return tuple(one for one in made if one)


def _skip_from(value: Any, place: Place, expected: Expected) -> Skip | None:
    if not isinstance(value, dict) or "source" not in value:
        expected(place, '{"source": .., "when": .., "reason": ..}')
        return None
    names = _paths(value["source"], (*place, "source"), (), expected)
    return _skip({key: inner for key, inner in value.items() if key != "source"}, place, names, expected)


def _skip(value: Any, place: Place, names: tuple[str, ...], expected: Expected) -> Skip | None:
    if not isinstance(value, dict) or set(value) != {"when", "reason"}:
        expected(place, '{"when": .., "reason": ..}')
        return None
    reason = str(value["reason"])
    if not re.fullmatch(r"[a-z][a-z0-9_]*", reason):
        expected((*place, "reason"), "a word in snake_case")
    elif reserved(reason):
        expected((*place, "reason"), f"a word of your own, as the service itself counts under {reason}")
    when = value["when"]
    if isinstance(when, dict):
        return _listed(when, (*place, "when"), names, reason, expected)
    _one_of((BLANK,), when, (*place, "when"), expected, f', {{"{IN}": [..]}} or {{"{NOT_IN}": [..]}}')
    return Skip(names, BLANK, (), reason)


def _listed(when: dict[str, Any], place: Place, names: tuple[str, ...], reason: str, expected: Expected) -> Skip | None:
    if len(when) != 1 or not set(when) <= {IN, NOT_IN}:
        expected(place, f'"{BLANK}", {{"{IN}": [..]}} or {{"{NOT_IN}": [..]}}')
        return None
    ((test, values),) = when.items()
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(one, str | int | float | None) for one in values)
    ):
        expected((*place, test), "a list of texts, numbers, true, false or null")
        return None
    return Skip(names, test, tuple(values), reason)


def _paths(value: Any, place: Place, special: tuple[str, ...], expected: Expected) -> tuple[str, ...]:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or not all(isinstance(path, str) and all(path.split(".")) for path in paths):
        expected(place, 'a path such as "a.b", or a list of them')
        return ()
    if not paths:
        expected(place, "at least one path")
    for path in paths:
        if path.startswith("$") and path not in special:
            others = "".join(f", or {source}" for source in special)
            expected(place, f"{path} to be a path of the record{others}{nearest(path, special)}")
    return tuple(paths)


def _one_of(known: tuple[str, ...], value: Any, place: Place, expected: Expected, others: str = "") -> str:
    if value == "" or value in known:
        return str(value)
    expected(place, f"one of {', '.join(known)}{others}{nearest(value, known)}")
    return ""
