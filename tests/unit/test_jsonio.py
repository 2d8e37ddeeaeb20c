"""JSON as the service reads it: how deep a value is nested."""

from typing import Any

import pytest

from consumer.jsonio import is_nested_deeper


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("levels", [1, 2, 100_000])
def test_a_value_is_nested_as_deep_as_the_lists_and_objects_around_it(levels: int) -> None:
    assert is_nested_deeper(nested(levels), levels - 1)
    assert not is_nested_deeper(nested(levels), levels)
