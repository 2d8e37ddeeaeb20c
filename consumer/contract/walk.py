"""Which parts of a JSON Schema draft-07 are schemas themselves."""

from collections.abc import Iterator
from typing import Any

Place = tuple[str | int, ...]
"""The steps from the root of a file to a part of it, as in a JSON pointer."""

_ONE = ("additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then")
_LISTS = ("allOf", "anyOf", "items", "oneOf")
NAMED = ("definitions", "dependencies", "patternProperties", "properties")
"""Keywords of schemas by names, which may look like keywords themselves."""


def schemas(schema: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The schema and all schemas in it. What merely looks like one, such as a value in `enum`, is not among them."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword in sorted({*_ONE, *_LISTS, *NAMED} & set(schema)):
        for step, inner in _inner(keyword, schema[keyword]):
            yield from schemas(inner, (*place, *step))


def _inner(keyword: str, value: Any) -> list[tuple[Place, Any]]:
    if isinstance(value, dict) and keyword in NAMED:
        return [((keyword, name), inner) for name, inner in value.items()]
    if isinstance(value, list) and keyword in _LISTS:
        return [((keyword, index), inner) for index, inner in enumerate(value)]
    return [((keyword,), value)] if isinstance(value, dict) and keyword in _ONE else []
