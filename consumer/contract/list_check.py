"""What `x-list` makes of the types of a property's sources, and whether it can make anything of them."""

from collections.abc import Iterator, Sequence

from consumer.avro.schema import AvroType
from consumer.contract.findings import Finding, Severity, either
from consumer.contract.json_types import ANYTHING, json_type, type_name
from consumer.contract.rules import FIRST, JOIN, KEY, LENGTH, OBJECT, VALUE, Field
from consumer.reasons import Reason

_PURPOSES = {
    FIRST: "a list",
    JOIN: "a list of texts, numbers or booleans",
    LENGTH: "a list",
    OBJECT: f"a list of records with the fields {KEY} and {VALUE}",
}


def check_list_form(field: Field, types: Sequence[AvroType]) -> Iterator[Finding]:
    """`types`: those of the values before `x-list`, without null and without unions."""
    unfit = [avro for avro in types if not can_be_listed(avro, field.list_form)]
    if unfit:
        weight: Severity = "problem" if len(unfit) == len(types) else "warning"
        text = f"x-list {field.list_form} is for {_PURPOSES[field.list_form]}, not for {either(map(_name, unfit))}"
        yield Finding(weight, field.pointer, f"{text}: rejected as {Reason.INVALID}")


def can_be_listed(avro: AvroType, list_form: str) -> bool:
    """Whether some value of a type other than null and unions becomes what `x-list` names; empty lists aside."""
    if not list_form or avro == ANYTHING:
        return True
    return avro.kind == "array" and any(_fits(item, list_form) for item in _item_types(avro))


def listed_type(avro: AvroType, list_form: str) -> AvroType:
    """The type that `x-list` makes of the values of `avro`, which may be ANYTHING; any type if it makes nothing."""
    if avro.kind == "union":
        return AvroType("union", branches=tuple(listed_type(branch, list_form) for branch in avro.branches))
    if not list_form or avro.kind == "null":
        return avro
    items = _item_types(avro)
    if list_form == FIRST:
        return _union(items)
    if list_form == OBJECT:
        return AvroType("map", items=_union([_value_type(item) for item in items]))
    return AvroType("string" if list_form == JOIN else "int")


def _item_types(avro: AvroType) -> list[AvroType]:
    """Those that the items of a list can have, without null."""
    if avro.kind != "array" or avro.items is None:
        return [ANYTHING]
    return [*avro.items.alternatives] or [ANYTHING]


def _fits(item: AvroType, list_form: str) -> bool:
    if item == ANYTHING:
        return True
    if list_form == JOIN:
        return json_type(item) not in ("array", "object")
    if list_form == OBJECT:
        return item.kind == "map" or (item.kind == "record" and {KEY, VALUE} <= set(item.fields))
    return True


def _value_type(item: AvroType) -> AvroType:
    if item.kind == "map" and item.items:
        return item.items
    return item.fields.get(VALUE, ANYTHING)


def _union(types: list[AvroType]) -> AvroType:
    if len(types) == 1:
        return types[0]
    return AvroType("union", branches=tuple(types))


def _name(avro: AvroType) -> str:
    if avro.kind == "array":
        return f"a list of {either(map(type_name, _item_types(avro)))}"
    return type_name(avro)
