"""Lists, maps and records that no event has room for, refused before anything is made of them."""

from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.field_plan import Step, StepOf
from consumer.contract.rules import Field
from consumer.errors import MappingError
from consumer.reasons import Reason
from consumer.segment_limits import MAX_EVENT_BYTES

MAX_VALUES = MAX_EVENT_BYTES // 2
"""Inside a value. Each takes two bytes of JSON or more, such as `0,`."""

_CHECK = "check_size({value}, {pointer!r})"


def sized_steps(step_of: StepOf) -> StepOf:
    """The steps of `step_of`, each behind a look at the size of the value."""

    def step(field: Field, avro: AvroType) -> Step | None:
        inner = step_of(field, avro)
        if inner and field.convert == "json":  # a text has values inside when it is read
            inner = inner._replace(lines=(*inner.lines, _CHECK))
        if not any(alternative.inner for alternative in avro.alternatives):
            return inner
        lines, function = inner or ((), None)
        return Step((_CHECK, *lines), function)

    return step


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
