"""What the code of one field has to do, given the sources that the writer's schema has."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.contract.conversions import CONVERSIONS, KEEP_TEXT, Convert, is_json, is_text, json_form, label
from consumer.contract.field_path import FieldPath
from consumer.contract.rules import LABEL, Field


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """
    The decisions about one field, made once for each writer's schema.

    `convert` is the function that each value goes through, None if every value is its own JSON form.
    """

    convert: Convert | None
    always_has_value: bool
    """The last source is never null, so that nothing has to replace its value. A field that skips can be blank."""
    sends_null: bool
    """The event has null where no source has a value: the field's schema allows null, and nothing replaces it."""
    always_present: bool
    """Every event has the property. Otherwise the code leaves the property out where its value is None."""
    is_copy: bool
    """The value of the only source goes into the event as it is, without a variable."""


def plan_field(field: Field, sources: Sequence[FieldPath]) -> FieldPlan:
    """`sources`: those of the field's sources that the writer's schema has, in their order."""
    convert = _conversion(field, sources)
    replaced = field.has_default or bool(field.skip)
    always_has_value = bool(sources) and not sources[-1].avro.nullable and not field.skip
    sends_null = bool(sources) and field.nullable and not replaced
    return FieldPlan(
        convert,
        always_has_value,
        sends_null,
        always_present=always_has_value or sends_null or field.required or replaced,
        is_copy=len(sources) == 1 and convert is None and (always_has_value or sends_null),
    )


def _conversion(field: Field, sources: Sequence[FieldPath]) -> Convert | None:
    if field.convert == LABEL:
        return label(field.labels)
    if field.convert in KEEP_TEXT and all(is_text(source.avro) for source in sources):
        return None
    if field.convert:
        return CONVERSIONS[field.convert]
    if all(is_json(source.avro) for source in sources):
        return None
    return json_form
