"""JSON Schema draft-07: whether a schema is one, and whether a call obeys it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft7Validator, ValidationError

from consumer.contract.hints import hint
from consumer.contract.rules import DRAFT_07, FORMAT, pointer
from consumer.contract.walk import Place, schemas
from consumer.errors import UnprocessableRecord

SEGMENT_RULES: Mapping[str, Any] = {
    "required": ["type", "event", "userId", "messageId"],
    "properties": {
        "type": {"const": "track"},
        "event": {"type": "string", "minLength": 1},
        "userId": {"type": "string", "pattern": "\\S"},
        "messageId": {"type": "string", "minLength": 1, "maxLength": 99},
        "timestamp": {"type": ["string", "null"]},
        "properties": {"type": "object"},
    },
}
"""
Segment answers 200 to a call that breaks one of these, and drops it (segment-docs, connections/sources/catalog/
libraries/server/http-api). So no contract can leave them out.
"""
_PART = "$asked"
_META = Draft7Validator({"$ref": DRAFT_07})


class Validator:
    """Calls that obey both a contract's schema and the rules of Segment that a call itself can show."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """`schema`: a contract's pure schema, proved by `mistakes` to be draft-07."""
        self._validator = _compile({**schema, "allOf": [*schema.get("allOf", ()), SEGMENT_RULES]})
        self.is_valid: Callable[[Mapping[str, Any]], bool] = self._validator.is_valid
        """Whether a call obeys: the library's own function, as each record asks."""

    def check(self, call: Mapping[str, Any]) -> None:
        """Raises UnprocessableRecord `invalid`: the property's pointer and the keyword that it breaks, no value."""
        if not self.is_valid(call):
            raise UnprocessableRecord("invalid", _detail(next(iter(self._validator.iter_errors(call)))))


def mistakes(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Where the schema is no valid draft-07, and what was expected. Nothing is fetched for a `$ref`."""
    wrong = [_told(error) for error in _META.iter_errors(dict(schema))]
    if schema.get("$schema", DRAFT_07) not in (DRAFT_07, DRAFT_07.rstrip("#")):
        wrong.append((("$schema",), f"{DRAFT_07}, or the way to {FORMAT}"))
    wrong = wrong or [*_nowhere(schema)]
    yield from wrong or _uncompilable(schema)


def accepts(part: object, value: object, whole: Mapping[str, Any]) -> bool:
    """Whether a part of a schema allows the value. `whole` is what a `$ref` in the part points into."""
    return not objection(part, value, whole)


def objection(part: object, value: object, whole: Mapping[str, Any]) -> str:
    """What the value breaks in a part of a schema, "" for nothing."""
    # Beside a $ref draft-07 looks at nothing, so that the whole is there to point into and asks for nothing itself.
    definitions = {**whole.get("definitions", {}), _PART: part}
    asked = _compile({**whole, "definitions": definitions, "$ref": f"#/definitions/{_PART}"})
    return next((error.message for error in asked.iter_errors(value)), "")


def _compile(schema: Mapping[str, Any]) -> Draft7Validator:
    return Draft7Validator(dict(schema), validate_formats=True, ignore_unknown_formats=False, offline=True)


def _nowhere(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Where a `$ref` leads to nothing."""
    for place, part in schemas(schema):
        try:
            _compile({**schema, "$ref": part.get("$ref", "#")})
        except ValidationError as error:
            if error.kind.name == "$ref" and "$ref" in part:
                yield (*place, "$ref"), hint(("$ref",), part["$ref"], error.message)


def _uncompilable(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    try:
        _compile(schema)
    except ValidationError as error:
        yield _told(error)


def _told(error: ValidationError) -> tuple[Place, str]:
    place = tuple(error.instance_path)
    return place, hint(place, error.instance, error.message)


def _detail(error: ValidationError) -> str:
    """By the path in the schema: the one in the call may hold keys of the record's maps."""
    path = [str(step) for step in error.schema_path]
    if path[:1] == ["allOf"]:
        path = path[2:]
    names = []
    while len(path) > 1 and path[0] == "properties":
        names.append(path[1])
        path = path[2:]
    names += [error.kind.property] if error.kind.name == "required" else []  # type: ignore[attr-defined]
    return f"{pointer(*names)}: {error.kind.name}"
