"""`x-skip`: the conditions on which a record is not sent."""

import re
from typing import Any

from consumer.contract.annotations import Expected, paths
from consumer.contract.keywords import nearest
from consumer.contract.rules import SPECIAL_SOURCES, Skip
from consumer.contract.walk import Place
from consumer.reasons import reserved

BLANK, IN, NOT_IN = "blank", "in", "not-in"
_TESTS = f'"{BLANK}" (null, empty or white space), {{"{IN}": [..]}} or {{"{NOT_IN}": [..]}}'
_ON_A_FIELD = ("when", "reason")
_AT_THE_TOP = ("source", *_ON_A_FIELD)


def skip(schema: dict[str, Any], place: Place, names: tuple[str, ...], expected: Expected) -> Skip | None:
    """`x-skip` of a property whose sources are `names`, if it has one."""
    if "x-skip" not in schema:
        return None
    place = (*place, "x-skip")
    made = _skip(schema["x-skip"], _ON_A_FIELD, names, place, expected)
    if made and made.test == BLANK and "default" in schema:
        expected(place, "no x-skip beside default: with a default it is never blank")
    if made and made.test != BLANK and set(names) & set(SPECIAL_SOURCES):
        expected((*place, "when"), f'"{BLANK}", as only fields of the record are compared with a list')
    return made


def skips(schema: dict[str, Any], expected: Expected) -> tuple[Skip, ...]:
    """`x-skip` at the top: a list, each with a source of its own."""
    found = schema.get("x-skip", [])
    if not isinstance(found, list):
        expected(("x-skip",), f"a list of {_shape(_AT_THE_TOP)}")
        return ()
    made = [_skip(one, _AT_THE_TOP, (), ("x-skip", index), expected) for index, one in enumerate(found)]
    return tuple(one for one in made if one)


def _skip(value: Any, keys: tuple[str, ...], names: tuple[str, ...], place: Place, expected: Expected) -> Skip | None:
    if what := _unlike(value, keys):
        expected(place, what)
        return None
    sources = paths(value["source"], (*place, "source"), (), expected) if "source" in keys else names
    reason, when = str(value["reason"]), value["when"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", reason):
        expected((*place, "reason"), "a word in snake_case, such as no_user_id")
    elif reserved(reason):
        expected((*place, "reason"), f"a word of your own, as the service itself counts under {reason}")
    if isinstance(when, dict):
        return _listed(when, (*place, "when"), sources, reason, expected)
    if when != BLANK:
        expected((*place, "when"), f"{_TESTS}{nearest(when, (BLANK,))}")
    return Skip(sources, BLANK, (), reason)


def _listed(when: dict[str, Any], place: Place, names: tuple[str, ...], reason: str, expected: Expected) -> Skip | None:
    if len(when) != 1 or not set(when) <= {IN, NOT_IN}:
        expected(place, f"{_TESTS}{nearest(next(iter(when), ''), (IN, NOT_IN))}")
        return None
    ((test, values),) = when.items()
    if not isinstance(values, list) or not values or any(isinstance(one, dict | list) for one in values):
        expected((*place, test), 'a list of texts, numbers, true, false or null, such as ["test"]')
        return None
    return Skip(names, test, tuple(values), reason)


def _unlike(value: Any, keys: tuple[str, ...]) -> str:
    """The shape that is expected and how the value differs, "" for an object of just these keys."""
    found = list(value) if isinstance(value, dict) else []
    wrong = [f"there is no {key}{nearest(key, keys)}" for key in found if key not in keys]
    wrong += [f"{key} is missing" for key in keys if found and key not in found]
    return "; ".join([_shape(keys), *wrong]) if wrong or not found else ""


def _shape(keys: tuple[str, ...]) -> str:
    return "{" + ", ".join(f'"{key}": ..' for key in keys) + "}"
