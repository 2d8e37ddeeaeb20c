"""Whether values of an Avro type can satisfy a part of a JSON Schema."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.conversions import KEEP_TEXT
from consumer.contract.rules import LABEL, Field
from consumer.contract.validator import accepts

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
MAX_REFERENCES = 32
_TEXTS = ("date", "time-", "timestamp-", "local-timestamp-", "decimal", "uuid")


class Fit(NamedTuple):
    """`can`: some value satisfies it, as far as types tell. `always`: none breaks it by its type or its symbol."""

    can: bool
    always: bool


def fit(avro: AvroType, rule: Any, whole: Mapping[str, Any]) -> Fit:
    """
    Of a type's values in their JSON forms. What lies beyond types and symbols (patterns, lengths) is not looked at.

    A union of no branches stands for any value. `rule`: a part of a contract's pure schema; `whole` the whole of it.
    """
    if isinstance(rule, bool):
        return Fit(rule, rule)
    if "$ref" in rule:  # beside which draft-07 looks at nothing
        return fit(avro, _referred(rule["$ref"], whole), whole)
    if avro.kind == "union" and avro.branches:
        return _either([fit(branch, rule, whole) for branch in avro.branches])
    if avro.kind in ("null", "boolean", "enum"):
        return _symbols(avro, rule, whole)
    asked = [_itself(avro, rule, whole), *(fit(avro, one, whole) for one in rule.get("allOf", ()))]
    if "anyOf" in rule:
        fits = [fit(avro, one, whole) for one in rule["anyOf"]]
        asked.append(Fit(any(one.can for one in fits), any(one.always for one in fits)))
    if "oneOf" in rule:
        fits = [fit(avro, one, whole) for one in rule["oneOf"]]
        asked.append(Fit(any(one.can for one in fits), [one for one in fits if one.can] == [Fit(True, True)]))
    return Fit(all(one.can for one in asked), all(one.always for one in asked))


def converted(avro: AvroType, field: Field) -> AvroType:
    """The type that a field's conversion makes of values of `avro`; a union of no branches could be anything."""
    if avro.kind == "union":
        return AvroType("union", branches=tuple(converted(branch, field) for branch in avro.branches))
    becomes: Mapping[str, Callable[[], AvroType]] = {
        LABEL: lambda: AvroType("enum"),
        "json": lambda: AvroType("union") if json_type(avro) == "string" else avro,
    }
    if avro.kind == "null" or not field.convert:
        return avro
    if field.convert in becomes:
        return becomes[field.convert]()
    return AvroType("string") if field.convert in KEEP_TEXT and json_type(avro) == "integer" else avro


def json_type(avro: AvroType) -> str:
    """JSON's name for what values of a type become (docs/avro.md); not of a union."""
    return "string" if avro.logical.startswith(_TEXTS) else _JSON_TYPES[avro.kind]


def _itself(avro: AvroType, rule: Mapping[str, Any], whole: Mapping[str, Any]) -> Fit:
    """By what the rule says of type and values, and of what is inside."""
    if avro.kind == "union":
        return Fit(True, not {"type", "enum", "const"} & set(rule))
    if not _takes(json_type(avro), rule):
        return Fit(False, False)
    if {"enum", "const"} & set(rule):
        return Fit(any(_is(value, json_type(avro)) for value in rule.get("enum", [rule.get("const")])), False)
    inner = [fit(part, inside, whole) for part, inside in _inside(avro, rule)]
    # An empty list or map satisfies what none of its items could.
    can = avro.kind != "record" or all(one.can for one in inner)
    return Fit(can, all(one.always for one in inner))


def _referred(target: str, whole: Mapping[str, Any]) -> Any:
    """What a `$ref` points to; one that goes out of the file or round in a ring asks for nothing that is known."""
    found: Any = whole
    for _ in range(MAX_REFERENCES):
        for step in target.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict) or "$ref" not in found:
            return found if isinstance(found, dict | bool) else True
        target, found = found["$ref"], whole
    return True


def _symbols(avro: AvroType, rule: Any, whole: Mapping[str, Any]) -> Fit:
    known: Mapping[str, Sequence[Any]] = {"null": (None,), "boolean": (True, False)}
    values = known.get(avro.kind, avro.symbols)
    taken = [accepts(rule, value, whole) for value in values]
    return Fit(any(taken), all(taken)) if taken else Fit(True, True)


def _is(value: Any, kind: str) -> bool:
    """Whether a JSON value is of this JSON type; an integer is a number as well."""
    known: Mapping[str, tuple[type, ...]] = {
        "integer": (int,),
        "number": (int, float),
        "string": (str,),
        "array": (list,),
        "object": (dict,),
    }
    return isinstance(value, known[kind]) and not isinstance(value, bool)


def _takes(kind: str, rule: Mapping[str, Any]) -> bool:
    types = rule.get("type", kind)
    known = [types] if isinstance(types, str) else types
    return kind in known or (kind == "integer" and "number" in known)


def _inside(avro: AvroType, rule: Mapping[str, Any]) -> list[tuple[AvroType, Any]]:
    """The types in a record, map or array, each with the rule for it."""
    named, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    match avro.kind:
        case "record":
            return [(inner, named.get(name, others)) for name, inner in avro.fields.items()]
        case "map":
            return [(avro.items or avro, others)]
        case "array" if isinstance(rule.get("items", True), dict | bool):
            return [(avro.items or avro, rule.get("items", True))]
        case _:
            return []


def _either(fits: Sequence[Fit]) -> Fit:
    """Of values that are of one type or of another."""
    return Fit(any(one.can for one in fits), all(one.always for one in fits))
