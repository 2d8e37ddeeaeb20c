"""What `x-list` makes of the types of a property's sources, and whether it can make anything of them."""

from collections.abc import Iterator, Sequence

from consumer.avro.schema import AvroType
from consumer.contract.findings import Finding, Severity, either
from consumer.contract.json_types import ANYTHING, json_type, type_name
from consumer.contract.rules import FIRST, JOIN, KEY, LENGTH, OBJECT, REJECT, VALUE, Field
from consumer.contract.type_fit import TypeFit
from consumer.reasons import Reason

_PURPOSES = {
    FIRST: "a list",
    JOIN: "a list of texts, numbers or booleans",
    LENGTH: "a list",
    OBJECT: f"a list of records with the fields {KEY} and {VALUE}",
}


def check_list_form(field: Field, types: Sequence[AvroType]) -> Iterator[Finding]:
    """`types`: those of the values before `x-list`, without null and without unions."""
    if not field.list_form:
        return
    fits = [(_name(avro), list_fit(avro, field.list_form)) for avro in types]
    never = [name for name, fit in fits if not fit.can]
    sometimes = [name for name, fit in fits if fit.can and not fit.always]
    if never:
        severity: Severity = "problem" if len(never) == len(fits) else "warning"
        text = f"x-list {field.list_form} is for {_PURPOSES[field.list_form]}, not for {either(never)}"
        yield Finding(severity, field.pointer, f"{text}: {_effect(field)}")
    if sometimes:
        text = f"x-list {field.list_form} cannot use every value of {either(sometimes)}"
        yield Finding("warning" if field.on_invalid == REJECT else "note", field.pointer, f"{text}: {_effect(field)}")


def list_fit(avro: AvroType, list_form: str) -> TypeFit:
    """Whether values of a type other than null and unions become what `x-list` names; empty lists aside."""
    if not list_form:
        return TypeFit(True, True)
    if avro == ANYTHING:
        return TypeFit(True, False)
    if avro.kind != "array":
        return TypeFit(False, False)
    return _any_of([_item_fit(item, list_form) for item in _item_types(avro)])


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


def _item_fit(item: AvroType, list_form: str) -> TypeFit:
    """Whether `x-list` can use items of this type, in some and in all lists."""
    if list_form == JOIN:
        return _text_fit(item)
    if list_form != OBJECT:
        return TypeFit(True, True)
    if item == ANYTHING or item.kind == "map":
        return TypeFit(True, False)
    if {KEY, VALUE} <= set(item.fields):
        return _any_of([_text_fit(key) for key in item.fields[KEY].branches or (item.fields[KEY],)])
    return TypeFit(False, False)


def _text_fit(avro: AvroType) -> TypeFit:
    """Whether values are texts, numbers or booleans."""
    if avro == ANYTHING:
        return TypeFit(True, False)
    is_scalar = json_type(avro) not in ("array", "object", "null")
    return TypeFit(is_scalar, is_scalar)


def _any_of(fits: Sequence[TypeFit]) -> TypeFit:
    return TypeFit(any(fit.can for fit in fits), all(fit.always for fit in fits))


def _effect(field: Field) -> str:
    if field.on_invalid == REJECT:
        return f"rejected as {Reason.INVALID}"
    return f"x-on-invalid {field.on_invalid} applies"


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
    return "JSON" if avro == ANYTHING else type_name(avro)
