"""What the code of one field has to do, given the sources that the writer's schema has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.container_forms import as_convert
from consumer.contract.field_path import FieldPath
from consumer.contract.rules import FIRST, NULL, OMIT, Field
from consumer.contract.value_forms import CountInvalid, field_forms


class Step(NamedTuple):
    """Lines of code that convert or check the variable `{value}` with `{function}`."""

    lines: tuple[str, ...]
    function: Any


StepOf = Callable[[Field, AvroType], Step | None]
"""From a field and the type of a source to the step for its values; None if every value is sent as it is."""


CheckOf = Callable[[Field, Sequence[FieldPath], bool], Callable[[Any], bool] | None]
"""From a field, its sources and whether its property is in every event to a test of its value; None for no test."""


class NotProven(Exception):
    """A value about which the fast code cannot say whether and how it is sent."""


def no_check(*_: Any) -> None:
    return None


def exact_steps(count_invalid: CountInvalid) -> StepOf:
    """The steps by which every value is sent or treated as `x-on-invalid` says."""

    def step(field: Field, avro: AvroType) -> Step | None:
        convert = as_convert(field_forms(field, avro, count_invalid))
        return Step(("{value} = {function}({value}, {pointer!r})",), convert) if convert else None

    return step


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """
    The decisions about one field, made once for each writer's schema.

    `steps` has the step for the values of each source.
    """

    steps: tuple[Step | None, ...]
    always_has_value: bool
    """The last source is never null, so that nothing has to replace its value. A field that skips can be blank."""
    sends_null: bool
    """The event has null where no source has a value: the field's schema allows null, and nothing replaces it."""
    always_present: bool
    """Every event has the property. Otherwise the code leaves the property out where its value is None."""
    is_copy: bool
    """The value of the only source goes into the event as it is, without a variable."""
    can_become_null: bool
    """A value that cannot be sent, a list without a first item, or JSON null, is replaced like a null of the record."""
    can_be_omitted: bool
    """A value that cannot be sent becomes OMITTED."""


def plan_field(field: Field, sources: Sequence[FieldPath], step_of: StepOf) -> FieldPlan:
    """`sources`: those of the field's sources that the writer's schema has, in their order."""
    steps = tuple(step_of(field, source.avro) for source in sources)
    is_converted = any(steps)
    replaced = field.has_default or bool(field.skip)
    always_has_value = bool(sources) and not sources[-1].avro.nullable and not field.skip
    sends_null = bool(sources) and field.nullable and not replaced
    has_null = field.list_form == FIRST or bool(field.list_form and field.convert == "json")
    can_become_null = is_converted and (field.on_invalid == NULL or has_null)
    return FieldPlan(
        steps,
        always_has_value,
        sends_null,
        always_present=(always_has_value and not can_become_null) or sends_null or field.required or replaced,
        is_copy=len(sources) == 1 and not is_converted and (always_has_value or sends_null),
        can_become_null=can_become_null,
        can_be_omitted=is_converted and field.on_invalid == OMIT,
    )
