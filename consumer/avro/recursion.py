"""Which named types of a schema contain themselves, and whether their values can end."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

RECORDS = ("record", "error")


def recursive_names(names: Mapping[str, Any]) -> frozenset[str]:
    """
    The records that contain themselves, or that are between two such records. `names`: the definitions by full name.

    A record that uses no record of the rest, or that no record of the rest uses, is in no ring. What is left when all
    of them are taken away one after the other is in a ring or between two rings.
    """
    uses = {name: set(_records_in(definition, names)) for name, definition in names.items()}
    used_by: dict[str, set[str]] = {name: set() for name in names}
    for user, used in uses.items():
        for name in used:
            used_by[name].add(user)
    return frozenset(_without_ends(uses, used_by)) & frozenset(_without_ends(used_by, uses))


def endless_names(names: Mapping[str, Any]) -> frozenset[str]:
    """The records whose values have no end, because they have a field of their own type without a choice."""
    uses = {name: set(_direct_records(definition, names)) for name, definition in names.items()}
    used_by: dict[str, set[str]] = {name: set() for name in names}
    for user, used in uses.items():
        for name in used:
            used_by[name].add(user)
    return frozenset(_without_ends(uses, used_by))


def _without_ends(following: Mapping[str, set[str]], leading: Mapping[str, set[str]]) -> Iterable[str]:
    """The names from which one can go on without an end."""
    open_ways = {name: len(names) for name, names in following.items()}
    ends = [name for name, ways in open_ways.items() if not ways]
    while ends:
        for name in leading[ends.pop()]:
            open_ways[name] -= 1
            if not open_ways[name]:
                ends.append(name)
    return [name for name, ways in open_ways.items() if ways]


def _records_in(definition: Any, names: Mapping[str, Any]) -> Iterator[str]:
    """The named records that the parts of a definition use, directly or in a union, an array or a map."""
    inner = _parts(definition)
    while inner:
        part = inner.pop()
        name = _record_name(part, names)
        if name:
            yield name
        else:
            inner += _parts(part)


def _direct_records(definition: Any, names: Mapping[str, Any]) -> Iterator[str]:
    if definition["type"] in RECORDS:
        for field in definition["fields"]:
            name = _record_name(field["type"], names)
            if name:
                yield name


def _record_name(part: Any, names: Mapping[str, Any]) -> str:
    """The full name of a part that is a record or the name of a record, else ""."""
    name = part.get("name", "") if isinstance(part, dict) else part
    if isinstance(name, str) and name in names and names[name]["type"] in RECORDS:
        return name
    return ""


def _parts(part: Any) -> list[Any]:
    if isinstance(part, list):
        return [*part]
    if not isinstance(part, dict):
        return []
    inner = [field["type"] for field in part.get("fields", ())]
    return [*inner, *(part[key] for key in ("items", "values") if key in part)]
