"""JSON Schema draft-07: whether a schema is valid draft-07, and whether an event obeys its schema."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema_rs import Draft7Validator, ValidationError

from consumer.contract.keywords import Mistake, draft_07_expectation, subschemas
from consumer.contract.rules import CONTRACT_SCHEMA_FILE, DRAFT_07
from consumer.errors import MappingError
from consumer.jsonio import json_pointer
from consumer.reasons import Reason
from consumer.segment_limits import MAX_MESSAGE_ID_LENGTH, REQUIRED_PROPERTIES

SEGMENT_RULES: Mapping[str, Any] = {
    "required": list(REQUIRED_PROPERTIES),
    "properties": {
        "type": {"const": "track"},
        "event": {"type": "string", "minLength": 1},
        "userId": {"type": "string", "pattern": "\\S"},
        "messageId": {"type": "string", "minLength": 1, "maxLength": MAX_MESSAGE_ID_LENGTH},
        "timestamp": {"type": ["string", "null"]},
        "properties": {"type": "object"},
    },
}
"""
Segment answers 200 to an event that breaks one of these rules, and drops the event (segment-docs, connections/sources/
catalog/libraries/server/http-api). So no contract can leave the rules out.
"""
_TESTED = "$tested"
_META_SCHEMA = Draft7Validator({"$ref": DRAFT_07})


class Validator:
    """Checks events against a contract's schema and against Segment's rules, as far as the event itself shows them."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """`schema`: a contract's pure schema, in which `mistakes` found nothing."""
        self._validator = _compile({**schema, "allOf": [*schema.get("allOf", ()), SEGMENT_RULES]})
        self.is_valid: Callable[[Mapping[str, Any]], bool] = self._validator.is_valid
        """Whether an event obeys: the library's own function, because it is called for each record."""

    def check(self, event: Mapping[str, Any]) -> None:
        """Raises MappingError `invalid`: the property's pointer and the keyword that the event breaks, no value."""
        if not self.is_valid(event):
            raise MappingError(Reason.INVALID, _detail(next(iter(self._validator.iter_errors(event)))))


def part_validator(rules: Sequence[Any], whole: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value obeys all rules, which are parts of a schema. `whole` is the schema that a `$ref` points into."""
    definitions = {**whole.get("definitions", {}), _TESTED: {"allOf": list(rules)}}
    return _compile({**whole, "definitions": definitions, "$ref": f"#/definitions/{_TESTED}"}).is_valid


def mistakes(schema: Mapping[str, Any]) -> Iterator[Mistake]:
    """Where the schema is not valid draft-07, and what was expected. Nothing is fetched for a `$ref`."""
    invalid = [_mistake(error) for error in _META_SCHEMA.iter_errors(dict(schema))]
    if schema.get("$schema", DRAFT_07) not in (DRAFT_07, DRAFT_07.rstrip("#")):
        invalid.append(Mistake(("$schema",), f"{DRAFT_07}, or the path to {CONTRACT_SCHEMA_FILE}"))
    yield from invalid or [*_dangling_references(schema)] or _compile_errors(schema)


def accepts(rule: object, value: object, whole: Mapping[str, Any]) -> bool:
    """Whether a part of a schema allows the value. `whole` is the schema that a `$ref` in the part points into."""
    return not objection(rule, value, whole)


def objection(rule: object, value: object, whole: Mapping[str, Any]) -> str:
    """How the value breaks a part of a schema, "" if the part allows the value."""
    # Draft-07 ignores everything beside a $ref, so that `whole` can be pointed into but has no rules itself.
    definitions = {**whole.get("definitions", {}), _TESTED: rule}
    tested = _compile({**whole, "definitions": definitions, "$ref": f"#/definitions/{_TESTED}"})
    return next((error.message for error in tested.iter_errors(value)), "")


def _compile(schema: Mapping[str, Any]) -> Draft7Validator:
    return Draft7Validator(dict(schema), validate_formats=True, ignore_unknown_formats=False, offline=True)


def _dangling_references(schema: Mapping[str, Any]) -> Iterator[Mistake]:
    """Each `$ref` that points to nothing."""
    for path, subschema in subschemas(schema):
        try:
            _compile({**schema, "$ref": subschema.get("$ref", "#")})
        except ValidationError as error:
            if error.kind.name == "$ref" and "$ref" in subschema:
                expected = draft_07_expectation(("$ref",), subschema["$ref"], error.message)
                yield Mistake((*path, "$ref"), expected)


def _compile_errors(schema: Mapping[str, Any]) -> Iterator[Mistake]:
    try:
        _compile(schema)
    except ValidationError as error:
        yield _mistake(error)


def _mistake(error: ValidationError) -> Mistake:
    path = tuple(error.instance_path)
    return Mistake(path, draft_07_expectation(path, error.instance, error.message))


def _detail(error: ValidationError) -> str:
    """From the path in the schema, because the path in the event may hold keys of the record's maps."""
    path = [str(step) for step in error.schema_path]
    if path[:1] == ["allOf"]:
        path = path[2:]
    names = []
    while len(path) > 1 and path[0] == "properties":
        names.append(path[1])
        path = path[2:]
    if error.kind.name == "required":
        names.append(error.kind.property)  # type: ignore[attr-defined]
    return f"{json_pointer(*names)}: {error.kind.name}"
