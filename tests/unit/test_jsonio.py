"""JSON as the service reads it: how deep a value is nested, and files in which an object has a key twice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.jsonio import JsonError, RepeatedKey, is_nested_deeper, loads_unique


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("levels", [1, 2, 100_000])
def test_a_value_is_nested_as_deep_as_the_lists_and_objects_around_it(levels: int) -> None:
    assert is_nested_deeper(nested(levels), levels - 1)
    assert not is_nested_deeper(nested(levels), levels)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{"a": 1, "a": 1}', 1, 'key "a" twice in /, first in line 1'),
        ('{"a": 1,\n "b": 2,\n "a": 1}', 3, 'key "a" twice in /, first in line 1'),
        ('{"a": [1, {}, {"b": 1, "c": {"b": 2}, "b": 3}]}', 1, 'key "b" twice in /a/2, first in line 1'),
        ('[[], [[1, 2], {"x/y": {"é": 1, "\\u00e9": 2}}]]', 1, 'key "é" twice in /1/1/x~1y, first in line 1'),
        ('{"{": "}", "[": "]", ",": ",\\"", "{" : 1}', 1, 'key "{" twice in /, first in line 1'),
        ('{"a\\\\": 1, "\\"": 2, "a\\\\"\n:\t3}', 1, 'key "a\\\\" twice in /, first in line 1'),
        ('{"": 1, "": 2}', 1, 'key "" twice in /, first in line 1'),
        ('{"a": {"b": 1, "b": 2}, "a": 3}', 1, 'key "b" twice in /a, first in line 1'),
    ],
)
def test_a_key_that_an_object_has_twice_is_an_error_with_its_place(text: str, line: int, message: str) -> None:
    for raw in (text, text.encode()):
        with pytest.raises(RepeatedKey) as caught:
            loads_unique(raw)
        assert (caught.value.msg, caught.value.lineno) == (message, line)


@pytest.mark.parametrize(
    "text", ['"a"', "1", "[]", "{}", '{"a": "a", "b": ["a", "a"]}', '[{"a": 1}, {"a": 1}]', '{"a": {"a": {"a": "a:"}}}']
)
def test_a_key_may_come_again_in_another_object_or_as_a_value(text: str) -> None:
    assert loads_unique(text) == json.loads(text)


def test_text_that_is_not_json_is_an_error_before_its_keys_are_compared() -> None:
    with pytest.raises(JsonError) as caught:
        loads_unique('{"a": 1, "a": }')
    assert not isinstance(caught.value, RepeatedKey)


def test_a_text_may_nest_as_deep_as_the_library_allows() -> None:
    assert loads_unique('{"a":' * 1000 + "1" + "}" * 1000)["a"]["a"]


class Pairs(list[Any]):
    """An object as its keys and values in order, so that it can have a key twice."""


def rendered(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {rendered(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",\n".join(map(rendered, value)) + "]"
    return json.dumps(value)


def repeats_a_key(value: Any) -> bool:
    if isinstance(value, Pairs):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(repeats_a_key(inner) for _, inner in value)
    return isinstance(value, list) and any(map(repeats_a_key, value))


KEYS = st.text('ab"\\{}[],:', max_size=2)
VALUES = st.recursive(
    st.one_of(KEYS, st.integers(-9, 9), st.none(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(Pairs),
    max_leaves=12,
)


@given(VALUES)
def test_a_text_is_refused_if_and_only_if_an_object_has_a_key_twice(value: Any) -> None:
    text = rendered(value)
    try:
        loaded = loads_unique(text)
    except RepeatedKey:
        assert repeats_a_key(value)
    else:
        assert loaded == json.loads(text)
        assert not repeats_a_key(value)
