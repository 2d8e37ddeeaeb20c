"""The keywords that a contract file can have, where each belongs, and what was expected in place of a wrong one."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

SchemaPath = tuple[str | int, ...]
"""The steps from the root of a file to a part of it, as in a JSON pointer."""

TOP_ANNOTATIONS = ("x-record", "x-environment", "x-skip", "x-allow-rules")
FIELD_ANNOTATIONS = ("x-source", "x-convert", "x-labels", "x-list", "x-separator", "x-on-invalid", "x-skip")

_ON_A_FIELD = "on a property that comes from the record (without const, and without properties of its own)"
_ALLOWED_AT = {
    **dict.fromkeys(TOP_ANNOTATIONS, "at the top of the file"),
    **dict.fromkeys(FIELD_ANNOTATIONS, _ON_A_FIELD),
    "x-skip": f"at the top of the file, or {_ON_A_FIELD}",
}

_DRAFT_07 = """
    $comment $id $ref $schema additionalItems additionalProperties allOf anyOf const contains contentEncoding
    contentMediaType default definitions dependencies description else enum examples exclusiveMaximum exclusiveMinimum
    format if items maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf not
    oneOf pattern patternProperties properties propertyNames readOnly required then title type uniqueItems writeOnly
"""
DRAFT_07_KEYWORDS = tuple(_DRAFT_07.split())
"""Draft-07 ignores all other keywords, and so it would ignore a misspelt one."""

_OTHER_DIALECTS = {"nullable": 'type ["string", "null"]', "$defs": "definitions"}
"""Keywords of OpenAPI and of later drafts, and what has the same meaning in draft-07."""

_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_FORMATS = ("date-time", "date", "time", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "regex")

# Which keywords hold schemas themselves: one, a list of them, or schemas by names, which may look like keywords.
_SINGLE = ("additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then")
_LISTS = ("allOf", "anyOf", "items", "oneOf")
_NAMED = ("definitions", "dependencies", "patternProperties", "properties")


class Mistake(NamedTuple):
    """A mistake in a contract file: its place, and what was expected there."""

    path: SchemaPath
    expected: str


def subschemas(schema: Any, path: SchemaPath = ()) -> Iterator[tuple[SchemaPath, dict[str, Any]]]:
    """The schema and all schemas in it, but not what merely looks like a schema, such as a value in `enum`."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in sorted({*_SINGLE, *_LISTS, *_NAMED} & set(schema)):
        for steps, inner in _inner_schemas(keyword, schema[keyword]):
            yield from subschemas(inner, (*path, *steps))


def misplaced_keywords(schema: Any, allowed: Mapping[SchemaPath, tuple[str, ...]]) -> Iterator[Mistake]:
    """Keywords that do not exist, or mean nothing where they are. `allowed`: the annotations that a path may have."""
    for path, subschema in subschemas(schema):
        annotations = allowed.get(path, ())
        for keyword, value in subschema.items():
            if keyword not in (*annotations, *DRAFT_07_KEYWORDS):
                yield Mistake((*path, keyword), _in_place_of(keyword, value, annotations))


def unknown_keywords(schema: Any) -> Iterator[Mistake]:
    """Keywords that do not exist, wherever they are."""
    return misplaced_keywords(schema, {path: tuple(_ALLOWED_AT) for path, _ in subschemas(schema)})


def suggestion(value: Any, words: tuple[str, ...]) -> str:
    """A question whether the word that looks most like `value` was meant, "" if no word looks like it."""
    matches = get_close_matches(str(value), words, 1)
    return "".join(f"; did you mean {match}?" for match in matches)


def draft_07_expectation(path: SchemaPath, value: Any, message: str) -> str:
    """What was expected where a file is no draft-07. `value` is the value at the path, `message` the library's text."""
    if _is_property(path):
        return 'a schema such as {"type": "string"}, or {"const": ..} for a value that is the same in every event'
    match path[-1:]:
        case ("type",):
            return f"one of {', '.join(_TYPES)}, or a list of them{_type_hint(value)}"
        case ("properties",):
            return "an object with a schema for each property, by the property's name"
        case ("required",):
            return "a list of the names of required properties, beside `properties`"
        case ("format",):
            return f"a format of draft-07, such as {', '.join(_FORMATS[:4])} or uri{suggestion(value, _FORMATS)}"
        case ("$ref",):
            return f'the pointer of a schema in this file, such as "#/definitions/name"; there is no schema at {value}'
        case _:
            return f"JSON Schema draft-07: {message}"


def _type_hint(value: Any) -> str:
    if str(value).startswith(("date", "time")):
        return '; a time is a string with "format": "date-time"'
    return suggestion(value, _TYPES)


def _is_property(path: SchemaPath) -> bool:
    """Whether the last step is a property's name, and not the keyword that the name may look like."""
    is_name = False
    previous: str | int = ""
    for step in path:
        is_name = previous in _NAMED and not is_name
        previous = step
    return is_name


def _in_place_of(keyword: str, value: Any, annotations: tuple[str, ...]) -> str:
    if keyword in _ALLOWED_AT:
        return f"no {keyword} here; {keyword} belongs {_ALLOWED_AT[keyword]}"
    if keyword in _OTHER_DIALECTS:
        return f"{_OTHER_DIALECTS[keyword]}; draft-07 has no {keyword}"
    hint = suggestion(keyword, (*annotations, *DRAFT_07_KEYWORDS))
    if not hint and isinstance(value, dict):
        hint = "; a property belongs in `properties`"
    elif not hint:
        hint = "; a remark belongs in $comment"
    return f"a keyword of JSON Schema draft-07{''.join(f', or {name}' for name in annotations)}{hint}"


def _inner_schemas(keyword: str, value: Any) -> list[tuple[SchemaPath, Any]]:
    if isinstance(value, dict) and keyword in _NAMED:
        return [((keyword, name), inner) for name, inner in value.items()]
    if isinstance(value, list) and keyword in _LISTS:
        return [((keyword, index), inner) for index, inner in enumerate(value)]
    if isinstance(value, dict) and keyword in _SINGLE:
        return [((keyword,), value)]
    return []
