"""Whether values of an Avro type can satisfy a part of a JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.conversions import KEEP_TEXT
from consumer.contract.rules import LABEL, Field
from consumer.contract.validator import accepts

ANYTHING = AvroType("any")
"""Not a type of Avro: the type of a value of which nothing is known, such as JSON in a text."""

_JSON_TYPES: Mapping[str, str] = {
    "null": "null",
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "string": "string",
    "enum": "string",
    "bytes": "string",
    "fixed": "string",
    "array": "array",
    "map": "object",
    "record": "object",
}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
"""Of each JSON type. An integer is a number as well; a boolean, which Python counts as an integer, is not."""

_TEXTS = ("date", "time-", "timestamp-", "local-timestamp-", "decimal", "uuid")
MAX_REFERENCES = 32


class TypeFit(NamedTuple):
    """`can`: some value satisfies the rule, as far as types tell. `always`: no value breaks it by type or symbol."""

    can: bool
    always: bool


def check_fit(avro: AvroType, rule: Any, whole: Mapping[str, Any]) -> TypeFit:
    """
    Whether a type's values satisfy a rule in their JSON form, by types and symbols, not by patterns or lengths.

    `avro` may be ANYTHING. `rule`: a part of a contract's pure schema `whole`.
    """
    if isinstance(rule, bool):
        return TypeFit(rule, rule)
    if "$ref" in rule:  # draft-07 ignores everything beside it
        return check_fit(avro, _referenced(rule["$ref"], whole), whole)
    if avro.kind == "union":
        return _any_branch([check_fit(branch, rule, whole) for branch in avro.branches])
    if avro.kind in ("null", "boolean", "enum"):
        return _fit_of_symbols(avro, rule, whole)
    fits = [_fit_of_type(avro, rule, whole), *(check_fit(avro, inner, whole) for inner in rule.get("allOf", ()))]
    if "anyOf" in rule:
        choices = [check_fit(avro, inner, whole) for inner in rule["anyOf"]]
        fits.append(TypeFit(any(choice.can for choice in choices), any(choice.always for choice in choices)))
    if "oneOf" in rule:
        possible = [fit for fit in (check_fit(avro, inner, whole) for inner in rule["oneOf"]) if fit.can]
        fits.append(TypeFit(bool(possible), possible == [TypeFit(True, True)]))
    return TypeFit(all(fit.can for fit in fits), all(fit.always for fit in fits))


def converted_type(avro: AvroType, field: Field) -> AvroType:
    """The type that a field's conversion makes of values of `avro`, which may be ANYTHING."""
    if avro.kind == "union":
        return AvroType("union", branches=tuple(converted_type(branch, field) for branch in avro.branches))
    if avro.kind == "null" or not field.convert:
        return avro
    if field.convert == LABEL:
        return AvroType("enum")
    if field.convert == "json" and json_type(avro) == "string":
        return ANYTHING
    if field.convert in KEEP_TEXT and json_type(avro) == "integer":
        return AvroType("string")
    return avro


def json_type(avro: AvroType) -> str:
    """The JSON type of a type's values (docs/avro.md), for types other than unions."""
    if avro.logical.startswith(_TEXTS):
        return "string"
    return _JSON_TYPES[avro.kind]


def _fit_of_type(avro: AvroType, rule: Mapping[str, Any], whole: Mapping[str, Any]) -> TypeFit:
    """By what the rule says of the type, of single values, and of inner types."""
    if avro == ANYTHING:
        return TypeFit(True, not {"type", "enum", "const"} & set(rule))
    if not _allows_type(json_type(avro), rule):
        return TypeFit(False, False)
    if {"enum", "const"} & set(rule):
        values = rule.get("enum", [rule.get("const")])
        return TypeFit(any(_has_type(value, json_type(avro)) for value in values), False)
    inner = [check_fit(inner_type, inner_rule, whole) for inner_type, inner_rule in _inner_types(avro, rule)]
    # An empty list or map satisfies what none of its items could.
    can = avro.kind != "record" or all(fit.can for fit in inner)
    return TypeFit(can, all(fit.always for fit in inner))


def _referenced(reference: str, whole: Mapping[str, Any]) -> Any:
    """The schema of a `$ref`; True, which allows everything, for one that leaves the file or leads round in a ring."""
    schema: Any = {"$ref": reference}
    for _ in range(MAX_REFERENCES):
        schema = _resolve(schema["$ref"], whole)
        if not isinstance(schema, dict | bool):
            return True
        if isinstance(schema, bool) or "$ref" not in schema:
            return schema
    return True


def _resolve(reference: str, whole: Mapping[str, Any]) -> Any:
    schema: Any = whole
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(schema, dict):
            return None
        schema = schema.get(step.replace("~1", "/").replace("~0", "~"))
    return schema


def _fit_of_symbols(avro: AvroType, rule: Any, whole: Mapping[str, Any]) -> TypeFit:
    """For types with few values: whether the rule accepts each of them."""
    values: Sequence[Any] = {"null": (None,), "boolean": (True, False)}.get(avro.kind, avro.symbols)
    accepted = [accepts(rule, value, whole) for value in values]
    if not accepted:
        return TypeFit(True, True)
    return TypeFit(any(accepted), all(accepted))


def _has_type(value: Any, kind: str) -> bool:
    return isinstance(value, _PYTHON_TYPES[kind]) and not isinstance(value, bool)


def _allows_type(kind: str, rule: Mapping[str, Any]) -> bool:
    types = rule.get("type", kind)
    if isinstance(types, str):
        types = [types]
    return kind in types or (kind == "integer" and "number" in types)


def _inner_types(avro: AvroType, rule: Mapping[str, Any]) -> list[tuple[AvroType, Any]]:
    """The types in a record, map or array, each with the rule for its values."""
    properties, additional = rule.get("properties", {}), rule.get("additionalProperties", True)
    match avro.kind:
        case "record":
            return [(inner, properties.get(name, additional)) for name, inner in avro.fields.items()]
        case "map":
            return [(avro.items or avro, additional)]
        case "array" if isinstance(rule.get("items", True), dict | bool):
            return [(avro.items or avro, rule.get("items", True))]
        case _:
            return []


def _any_branch(fits: Sequence[TypeFit]) -> TypeFit:
    """The fit of a union: its values are of one branch or of another."""
    return TypeFit(any(fit.can for fit in fits), all(fit.always for fit in fits))
