"""Steps for values that are nearly always sendable: each does the least that shows whether a value is."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from consumer.avro.logical_types import PYTHON_TYPES
from consumer.avro.schema import AvroType
from consumer.contract.container_forms import as_convert
from consumer.contract.field_plan import NotProven, Step
from consumer.contract.rules import REJECT, Field
from consumer.contract.value_forms import field_forms

_FLOATS = ("float", "double")
_CHANGED_KINDS = ("bytes", "fixed")
_KEEP_TEXT_FORM = ("", "string", "iso-8601")
_CHECKS = {
    float: "if type({value}) is float and {value} - {value}: raise NotProven",
    dict: "if type({value}) is dict: {function}({value}.values())",
    list: "if type({value}) is list: {function}({value})",
}
"""A number minus itself is 0, except for a NaN and an infinity."""


def fast_step(field: Field, avro: AvroType) -> Step | None:
    """
    The step for the values of a source. Its code raises for a value that cannot be sent, or that it does not know.

    Integers that JSON readers would round are left in the value: `consumer.jsonio.dumps_exact` refuses them.
    """
    types = avro.alternatives
    if not field.convert and not field.list_form and not _is_changed(avro):
        with_floats = {PYTHON_TYPES[inner.kind] for inner in types if _has_kind(inner, _FLOATS)}
        lines = tuple(line for python_type, line in _CHECKS.items() if python_type in with_floats)
        return Step(lines, check_finite) if lines else None
    if len(types) == 1 and types[0].text_form and not field.list_form and field.convert in _KEEP_TEXT_FORM:
        return Step(("{value} = {function}({value})",), types[0].text_form)
    convert = as_convert(field_forms(replace(field, on_invalid=REJECT), avro, _not_proven))
    return Step(("{value} = {function}({value}, {pointer!r})",), convert) if convert else None


def check_finite(items: Iterable[Any]) -> None:
    """Raises NotProven for a NaN or an infinity among the items or inside them."""
    for item in items:
        python_type = type(item)
        if python_type not in _CHECKS:  # most values
            continue
        if python_type is float:
            if item - item:
                raise NotProven
        elif python_type is dict:
            check_finite(item.values())
        else:
            check_finite(item)


def _not_proven(_: str, /) -> None:
    """What is counted is left to the exact code, because both codes can look at the same value."""
    raise NotProven


def _is_changed(avro: AvroType) -> bool:
    return avro.has_texts or _has_kind(avro, _CHANGED_KINDS)


def _has_kind(avro: AvroType, kinds: tuple[str, ...]) -> bool:
    return avro.kind in kinds or any(_has_kind(inner, kinds) for inner in avro.inner)
