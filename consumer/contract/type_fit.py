"""Whether values of an Avro type can satisfy a part of a JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.json_types import ANYTHING, json_type
from consumer.contract.validator import accepts

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
"""Of each JSON type. An integer is a number as well; a boolean, which Python counts as an integer, is not."""

MAX_REFERENCES = 32
"""Of a chain of `$ref`. What comes behind is taken for a rule that allows everything."""


class TypeFit(NamedTuple):
    """`can`: some value satisfies the rule, as far as types tell. `always`: no value breaks it by type or symbol."""

    can: bool
    always: bool


def check_fit(avro: AvroType, rule: Any, whole: Mapping[str, Any]) -> TypeFit:
    """
    Whether a type's values satisfy a rule in their JSON form, by types and symbols, not by patterns or lengths.

    `avro` may be ANYTHING. `rule`: a part of a contract's pure schema `whole`.
    """
    return _FitChecker(whole).check(avro, rule)


class _FitChecker:
    """
    Walks through a type and a rule together.

    `_followed` has each `$ref` on the way to the present place, with the type that was there: a `$ref` that comes again
    leads round in a ring, which requires nothing.
    """

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._followed: list[tuple[int, str]] = []

    def check(self, avro: AvroType, rule: Any) -> TypeFit:
        if isinstance(rule, bool):
            return TypeFit(rule, rule)
        if "$ref" in rule:  # draft-07 ignores everything beside it
            return self._follow(avro, rule["$ref"])
        if avro.kind == "union":
            return _any_branch([self.check(branch, rule) for branch in avro.branches])
        if avro.kind in ("null", "boolean", "enum"):
            return _fit_of_symbols(avro, rule, self._whole)
        fits = [self._fit_of_type(avro, rule), *(self.check(avro, inner) for inner in rule.get("allOf", ()))]
        if "anyOf" in rule:
            choices = [self.check(avro, inner) for inner in rule["anyOf"]]
            fits.append(TypeFit(any(choice.can for choice in choices), any(choice.always for choice in choices)))
        if "oneOf" in rule:
            possible = [fit for fit in (self.check(avro, inner) for inner in rule["oneOf"]) if fit.can]
            fits.append(TypeFit(bool(possible), possible == [TypeFit(True, True)]))
        return TypeFit(all(fit.can for fit in fits), all(fit.always for fit in fits))

    def _follow(self, avro: AvroType, reference: str) -> TypeFit:
        step = (id(avro), reference)
        if step in self._followed or len(self._followed) == MAX_REFERENCES:
            return TypeFit(True, True)
        self._followed.append(step)
        fit = self.check(avro, _resolve(reference, self._whole))
        self._followed.pop()
        return fit

    def _fit_of_type(self, avro: AvroType, rule: Mapping[str, Any]) -> TypeFit:
        """By what the rule says of the type, of single values, and of inner types."""
        if avro == ANYTHING:
            return TypeFit(True, not {"type", "enum", "const"} & set(rule))
        if not _allows_type(json_type(avro), rule):
            return TypeFit(False, False)
        if {"enum", "const"} & set(rule):
            values = rule.get("enum", [rule.get("const")])
            return TypeFit(any(_has_type(value, json_type(avro)) for value in values), False)
        inner = [self.check(inner_type, inner_rule) for inner_type, inner_rule in _inner_types(avro, rule)]
        # An empty list or map satisfies what none of its items could.
        can = avro.kind != "record" or all(fit.can for fit in inner)
        has_required = _has_required(avro, rule)
        return TypeFit(can and has_required.can, has_required.always and all(fit.always for fit in inner))


def _resolve(reference: str, whole: Mapping[str, Any]) -> Any:
    """The schema of a `$ref`; True, which allows everything, if the `$ref` leads to no schema in the file."""
    schema: Any = whole
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(schema, dict):
            return True
        schema = schema.get(step.replace("~1", "/").replace("~0", "~"), True)
    if not isinstance(schema, dict | bool):
        return True
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
        case "array":
            return [(avro.items or avro, inner_rule) for inner_rule in _item_rules(rule)]
        case _:
            return []


def _has_required(avro: AvroType, rule: Mapping[str, Any]) -> TypeFit:
    """Whether records and maps have the names that the rule requires. A map can have any names."""
    missing = set(rule.get("required", ())) - set(avro.fields)
    if not missing or avro.kind not in ("record", "map"):
        return TypeFit(True, True)
    return TypeFit(avro.kind == "map", False)


def _item_rules(rule: Mapping[str, Any]) -> list[Any]:
    """Of all items, or of the first items one by one and then of the others: a list can be of any length."""
    items = rule.get("items", True)
    if isinstance(items, list):
        return [*items, rule.get("additionalItems", True)]
    return [items]


def _any_branch(fits: Sequence[TypeFit]) -> TypeFit:
    """The fit of a union: its values are of one branch or of another."""
    return TypeFit(any(fit.can for fit in fits), all(fit.always for fit in fits))
