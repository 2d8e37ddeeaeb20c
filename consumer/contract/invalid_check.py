"""What `x-on-invalid` puts in place of values that cannot be sent, and whether the property's rule allows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.conversion_check import converted_type, sent_type
from consumer.contract.findings import Finding
from consumer.contract.json_text import count_nothing
from consumer.contract.json_types import is_binary, json_type
from consumer.contract.list_check import list_fit, listed_type
from consumer.contract.rules import LABEL, NULL, OBJECT, OMIT, REJECT, STRING, Field
from consumer.contract.type_fit import check_fit
from consumer.contract.value_forms import field_forms
from consumer.reasons import Reason

_ALWAYS_SENDABLE = ("boolean", "int", "string", "enum")
_IN_PLACE: Mapping[str, AvroType] = {NULL: AvroType("null"), STRING: AvroType("string")}
"""By the name of the action; `omit` puts nothing in place."""


def check_on_invalid(
    field: Field, types: Sequence[AvroType], schema: Any, whole: Mapping[str, Any]
) -> Iterator[Finding]:
    """
    `types`: those that the values of the field's sources can have, without null and without unions.

    `schema` is the property's rule, a part of the contract's pure schema `whole`.
    """
    if field.on_invalid == REJECT:
        return
    if not any(field_forms(field, avro, count_nothing) for avro in types):
        yield Finding("note", field.pointer, "x-on-invalid has no effect: every value can be sent")
    elif not all(_still_fits(avro, field, schema, whole) for avro in types):
        effect = f"{field.on_invalid} in place of a value that cannot be sent does not always fit"
        yield Finding("warning", field.pointer, f"{effect}: rejected as {Reason.INVALID}")


def _still_fits(avro: AvroType, field: Field, schema: Any, whole: Mapping[str, Any]) -> bool:
    """Whether the rule allows what is in place of a value, if it always allows the value itself."""
    fit = list_fit(converted_type(avro, field), field.list_form)
    if field.on_invalid == STRING and not fit.always and not check_fit(_IN_PLACE[STRING], schema, whole).always:
        return False
    is_always_allowed = fit.can and check_fit(sent_type(avro, field), schema, whole).always
    return not is_always_allowed or check_fit(_sent_with_replacement(avro, field), schema, whole).always


def _sent_with_replacement(avro: AvroType, field: Field) -> AvroType:
    """The type of what is sent for the values of a type, after the list form."""
    # A whole value that becomes null is replaced like a null of the record, so null is only sent inside of a value.
    replaced = _inside if field.on_invalid == NULL else _with_replacement
    if field.list_form == OBJECT and avro.kind == "array":  # a record without its value gives no key
        return replaced(listed_type(avro, OBJECT), field)
    return listed_type(replaced(avro, field), field.list_form)


def _with_replacement(avro: AvroType, field: Field) -> AvroType:
    """The same before the list form."""
    if avro.inner:
        return _inside(avro, field)
    converted = converted_type(avro, field)
    if field.on_invalid not in _IN_PLACE or not _can_be_unsendable(avro, field):
        return converted
    return AvroType("union", branches=(converted, _IN_PLACE[field.on_invalid]))


def _inside(avro: AvroType, field: Field) -> AvroType:
    """The same for a value that is itself sendable, if only values inside of it can be unsendable."""
    if not avro.inner:
        return converted_type(avro, field)
    sendable = {name: inner for name, inner in avro.fields.items() if not _can_be_left_out(inner, field)}
    fields = {name: _with_replacement(inner, field) for name, inner in sendable.items()}
    branches = tuple(_with_replacement(branch, field) for branch in avro.branches)
    return replace(
        avro, fields=fields, branches=branches, items=_with_replacement(avro.items, field) if avro.items else None
    )


def _can_be_left_out(avro: AvroType, field: Field) -> bool:
    """Whether a record can be sent without a field of this type: a rule may require the field."""
    if field.on_invalid != OMIT:
        return False
    return any(not inner.inner and _can_be_unsendable(inner, field) for inner in avro.alternatives)


def _can_be_unsendable(avro: AvroType, field: Field) -> bool:
    if avro.kind in ("null", "union"):  # a union without branches has no values
        return False
    if field.convert == LABEL:
        return not avro.symbols or not set(avro.symbols) <= set(field.labels)
    if field.convert == "json" and json_type(avro) == "string":
        return True
    if avro.kind == "long" and field.convert == "string" and not avro.logical:
        return False
    if avro.logical:
        return avro.logical != "uuid"
    return avro.kind not in _ALWAYS_SENDABLE and not is_binary(avro)
