"""
A switch for tests: each event is made by the fast code and by the exact code, and both must give the same.

The fast code must not leave an event to the exact code without a reason, because nobody would see that it is of no use.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from consumer.contract import compiler
from consumer.contract.compiler import ContractMapper
from consumer.contract.conversions import MAX_INTEGER
from consumer.contract.field_plan import StepOf, exact_steps
from consumer.contract.value_forms import CountInvalid
from consumer.errors import RecordError
from consumer.jsonio import dumps, loads

_body, _exact_body = ContractMapper.body, ContractMapper.exact_body
_counts: Counter[str] = Counter()
_REPLACED, _LEFT = "values that x-on-invalid replaced", "events that the fast code left to the exact code"


def _compared_body(self: ContractMapper, decoded: Any, record: Any, message_id: str, is_large: bool = False) -> bytes:
    if is_large:  # by the exact code alone
        return _body(self, decoded, record, message_id, True)
    replaced = _counts[_REPLACED]
    exact = _outcome(lambda: dumps(self.event(decoded, record, message_id)))
    has_reason = _counts[_REPLACED] > replaced or isinstance(exact, RecordError) or _has_large_integer(loads(exact))
    left = _counts[_LEFT]
    fast = _outcome(lambda: _body(self, decoded, record, message_id))
    assert str(fast) == str(exact)
    assert has_reason or _counts[_LEFT] == left, "the fast code could not make an ordinary event"
    if isinstance(fast, RecordError):
        raise fast
    return fast


def _outcome(body: Callable[[], bytes]) -> bytes | RecordError:
    try:
        return body()
    except RecordError as error:
        return error


def _has_large_integer(value: Any) -> bool:
    """Only constants of a contract can be as large."""
    if isinstance(value, dict | list):
        return any(map(_has_large_integer, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and abs(value) > MAX_INTEGER


def _counted_exact_body(self: ContractMapper, *args: Any) -> bytes:
    _counts[_LEFT] += 1
    return _exact_body(self, *args)


def _counted_steps(count_invalid: CountInvalid) -> StepOf:
    def count(action: str, /) -> None:
        _counts[_REPLACED] += 1
        count_invalid(action)

    return exact_steps(count)


@contextmanager
def both_codes() -> Iterator[None]:
    """While this is open, every mapper compares its two codes. It must be open while a contract is compiled."""
    with (
        mock.patch.object(ContractMapper, "body", _compared_body),
        mock.patch.object(ContractMapper, "exact_body", _counted_exact_body),
        mock.patch.object(compiler, "exact_steps", _counted_steps),
    ):
        yield
