"""What an annotation's own value must be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from consumer.contract.conversions import CONVERSIONS
from consumer.contract.keywords import nearest
from consumer.contract.rules import LABEL, SPECIAL_SOURCES
from consumer.contract.walk import Place

Expected = Callable[[Place, str], None]
"""Notes a mistake: its place, and what was expected there."""


def record(schema: Mapping[str, Any], expected: Expected) -> str:
    """`x-record`."""
    found = schema.get("x-record")
    if isinstance(found, str) and re.fullmatch(r"[\w.*]+", found):
        return found
    expected(("x-record",), 'the full name of an Avro record such as "com.acme.Answer", in which * is any text')
    return ""


def environment(schema: Mapping[str, Any], expected: Expected) -> tuple[str, ...]:
    """`x-environment`; none without it."""
    return paths(schema["x-environment"], ("x-environment",), (), expected) if "x-environment" in schema else ()


def sources(schema: Mapping[str, Any], place: Place, expected: Expected) -> tuple[str, ...]:
    """`x-source` of a property that has one."""
    return paths(schema["x-source"], (*place, "x-source"), SPECIAL_SOURCES, expected)


def convert(schema: Mapping[str, Any], place: Place, expected: Expected) -> str:
    """`x-convert`, "" without it."""
    known = (*CONVERSIONS, LABEL)
    return _one_of(known, schema["x-convert"], (*place, "x-convert"), expected) if "x-convert" in schema else ""


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


def paths(value: Any, place: Place, special: tuple[str, ...], expected: Expected) -> tuple[str, ...]:
    """A path or a list of them; of those that begin with $, the `special` ones are allowed."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(path, str) and all(path.split(".")) for path in found):
        expected(place, 'a path such as "a.b", or a list of them')
        return ()
    if not found:
        expected(place, "at least one path")
    for path in found:
        if path.startswith("$") and path not in special:
            others = "".join(f", or {source}" for source in special)
            expected(place, f'a path of the record such as "a.b"{others}, and no {path}{nearest(path, special)}')
        if re.search(r"\[\d*\*?\](\.|$)", path):
            expected(place, f"no index as in {path}: a path leads through records and maps, a list is taken whole")
    return tuple(found)


def _one_of(known: tuple[str, ...], value: Any, place: Place, expected: Expected) -> str:
    if value in known:
        return str(value)
    expected(place, f"one of {', '.join(known)}{nearest(value, known)}")
    return ""
