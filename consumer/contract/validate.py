"""JSON Schema draft-07: whether a schema is one, and whether a call obeys it."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft7Validator, ValidationError

from consumer.contract.rules import DRAFT_07, pointer
from consumer.contract.walk import Place
from consumer.errors import UnprocessableRecord

# Segment answers 200 to a call that breaks one of these, and drops it (segment-docs, connections/sources/catalog/
# libraries/server/http-api). So no contract can leave them out.
_SEGMENT_RULES = {
    "required": ["type", "event", "userId", "messageId", "properties"],
    "properties": {
        "type": {"const": "track"},
        "event": {"type": "string", "minLength": 1},
        "userId": {"type": "string", "pattern": "\\S"},
        "messageId": {"type": "string", "minLength": 1, "maxLength": 99},
        "properties": {"type": "object"},
    },
}
_META = Draft7Validator({"$ref": DRAFT_07})


class Validator:
    """Calls that obey both a contract's schema and the rules of Segment that a call itself can show."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """`schema`: a contract's pure schema, proved by `mistakes` to be draft-07."""
        self._validator = _compile({**schema, "allOf": [*schema.get("allOf", ()), _SEGMENT_RULES]})

    def check(self, call: Mapping[str, Any]) -> None:
        """Raises UnprocessableRecord `invalid`: the property's pointer and the keyword that it breaks, no value."""
        if not self._validator.is_valid(call):
            raise UnprocessableRecord("invalid", _detail(next(iter(self._validator.iter_errors(call)))))


def mistakes(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Why the schema is no valid draft-07: where, and what is wrong. Nothing is fetched for a `$ref`."""
    wrong = [(tuple(error.instance_path), error.message) for error in _META.iter_errors(dict(schema))]
    if schema.get("$schema", DRAFT_07) not in (DRAFT_07, DRAFT_07.rstrip("#")):
        wrong.append((("$schema",), DRAFT_07))
    yield from wrong
    if not wrong:
        yield from _uncompilable(schema)


def accepts(schema: object, value: object, definitions: object) -> bool:
    """Whether a part of a schema allows the value. `definitions`: the whole schema's, for a `$ref` in the part."""
    return _compile({"definitions": definitions, "allOf": [schema]}).is_valid(value)


def _compile(schema: Mapping[str, Any]) -> Draft7Validator:
    return Draft7Validator(dict(schema), validate_formats=True, ignore_unknown_formats=False, offline=True)


def _uncompilable(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    try:
        _compile(schema)
    except ValidationError as error:
        yield tuple(error.instance_path), error.message


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
