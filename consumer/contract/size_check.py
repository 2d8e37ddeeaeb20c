"""Lists, maps, records and JSON texts that no event has room for, refused before anything is made of them."""

from collections.abc import Iterable
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.conversions import JSON_TEXTS, Convert
from consumer.contract.field_plan import Step, StepOf
from consumer.contract.rules import FIRST, LENGTH, Field
from consumer.errors import MappingError
from consumer.reasons import Reason
from consumer.segment_limits import MAX_EVENT_BYTES

MAX_VALUES = MAX_EVENT_BYTES // 2
"""Inside a value. Each takes two bytes of JSON or more, such as `0,`."""

MAX_TEXT_PARTS = MAX_EVENT_BYTES
"""Commas and opening brackets of JSON texts. Each is in the event, or stands before a value of two bytes or more."""

_PARTS = ",[{"
_ITEMS_AT_ONCE = 100
_CHECK = "check_size({value}, {pointer!r})"
_CONVERT = "{value} = {function}({value}, {pointer!r})"


def sized_steps(step_of: StepOf) -> StepOf:
    """The steps of `step_of`, each behind a look at the size of the value."""

    def step(field: Field, avro: AvroType) -> Step | None:
        inner = step_of(field, avro)
        if inner and field.convert == "json":  # a text has values inside when it is read
            inner = Step((_CONVERT, _CHECK), _text_checked(inner.function))
        if not any(alternative.inner for alternative in avro.alternatives):
            return inner
        if inner and field.list_form in (FIRST, LENGTH):
            return Step((_CONVERT,), _by_parts(inner.function, field.list_form))
        lines, function = inner or ((), None)
        return Step((_CHECK, *lines), function)

    return step


def _by_parts(convert: Convert, list_form: str) -> Convert:
    """
    The first item or the length of a list of any size, from some items at a time.

    Each item is converted, because a value that cannot be sent rejects the record.
    """

    def convert_parts(value: Any, pointer: str) -> Any:
        if type(value) is not list:
            check_size(value, pointer)
            return convert(value, pointer)
        results = []
        for start in range(0, max(1, len(value)), _ITEMS_AT_ONCE):
            part = value[start : start + _ITEMS_AT_ONCE]
            check_size(part, pointer)
            results.append(convert(part, pointer))
        if list_form == LENGTH:
            return sum(results)
        return next((result for result in results if result is not None), None)

    return convert_parts


def _text_checked(convert: Convert) -> Convert:
    def convert_checked(value: Any, pointer: str) -> Any:
        if sum(map(_count_parts, _texts(value))) > MAX_TEXT_PARTS:
            detail = f"{pointer}: more than {MAX_TEXT_PARTS} commas and brackets in JSON"
            raise MappingError(Reason.EVENT_TOO_LARGE, detail)
        return convert(value, pointer)

    return convert_checked


def _texts(value: Any) -> Iterable[str | bytes]:
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if type(inner) in JSON_TEXTS:
            yield inner
        elif type(inner) is dict:
            waiting += inner.values()
        elif type(inner) is list:
            waiting += inner


def _count_parts(text: str | bytes) -> int:
    if isinstance(text, bytes):
        return sum(map(text.count, _PARTS.encode()))
    return sum(map(text.count, _PARTS))


def check_size(value: Any, pointer: str) -> None:
    """Raises MappingError `event_too_large` for a value with more than MAX_VALUES values inside."""
    count, waiting = 0, [value]
    while waiting:
        inner = waiting.pop()
        if type(inner) is not dict and type(inner) is not list:
            continue
        count += len(inner)
        if count > MAX_VALUES:
            raise MappingError(Reason.EVENT_TOO_LARGE, f"{pointer}: more than {MAX_VALUES} values inside")
        waiting += inner.values() if type(inner) is dict else inner
