"""The annotations that a contract adds to JSON Schema, and where each belongs."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from consumer.contract.walk import Place, schemas

AT_THE_TOP = ("x-record", "x-environment", "x-skip")
ON_A_FIELD = ("x-source", "x-convert", "x-labels", "x-skip")

_ON_A_FIELD = "on a property that comes from the record (without const, and without properties of its own)"
_HOMES = {
    **dict.fromkeys(AT_THE_TOP, "at the top of the file"),
    **dict.fromkeys(ON_A_FIELD, _ON_A_FIELD),
    "x-skip": f"at the top of the file, or {_ON_A_FIELD}",
}

_DRAFT_07 = """
    $comment $id $ref $schema additionalItems additionalProperties allOf anyOf const contains contentEncoding
    contentMediaType default definitions dependencies description else enum examples exclusiveMaximum exclusiveMinimum
    format if items maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf not
    oneOf pattern patternProperties properties propertyNames readOnly required then title type uniqueItems writeOnly
"""
DRAFT_07_KEYWORDS = tuple(_DRAFT_07.split())
"""All others mean nothing to draft-07. It ignores them, and so it would ignore a keyword that is misspelt."""

_OF_OTHERS = {"nullable": 'type ["string", "null"]', "$defs": "definitions"}
"""Words of OpenAPI and of later drafts, and what says the same here."""


def mistakes(schema: Any, homes: Mapping[Place, tuple[str, ...]]) -> Iterator[tuple[Place, str]]:
    """Keywords that do not exist or mean nothing where they are. `homes`: which annotations belong to a place."""
    for place, part in schemas(schema):
        ours = homes.get(place, ())
        for keyword, value in part.items():
            if keyword not in (*ours, *DRAFT_07_KEYWORDS):
                yield (*place, keyword), _instead(keyword, value, ours)


def unknown(schema: Any) -> Iterator[tuple[Place, str]]:
    """Keywords that do not exist, wherever they are."""
    return mistakes(schema, {place: tuple(_HOMES) for place, _ in schemas(schema)})


def nearest(value: Any, known: tuple[str, ...]) -> str:
    """A question whether the known word that looks most like `value` was meant, or ""."""
    near = get_close_matches(str(value), known, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _instead(keyword: str, value: Any, ours: tuple[str, ...]) -> str:
    if keyword in _HOMES:
        return f"no {keyword} here; it belongs {_HOMES[keyword]}"
    if keyword in _OF_OTHERS:
        return f"{_OF_OTHERS[keyword]}; draft-07 has no {keyword}"
    near = nearest(keyword, (*ours, *DRAFT_07_KEYWORDS))
    other = "; a property stands in `properties`" if isinstance(value, dict) else "; a remark stands in $comment"
    return f"a keyword of JSON Schema draft-07{''.join(f', or {one}' for one in ours)}{near or other}"
