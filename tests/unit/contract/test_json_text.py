"""JSON in a text or in bytes, as JavaScript, Python and Java really write it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.contract.conversions import CONVERSIONS
from consumer.contract.json_text import KEY_REPEATED, has_repeated_key, parse_json
from consumer.errors import MappingError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "\\ud83d"}', {"a": "\ufffd"}),
        ('{"\\ud83d": "\\ud83d\\ude00 \\\\ud83d \\ude00"}', {"\ufffd": "\U0001f600 \\ud83d \ufffd"}),
        ("[NaN, Infinity, -Infinity]", [None, None, None]),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("1e300", 1e300),
        ("9007199254740991", 9007199254740991),
        ('{"id": 123456789012345678901234567890}', {"id": 123456789012345678901234567890}),
        ("[18446744073709551616, NaN]", [18446744073709551616, None]),
    ],
)
def test_what_producers_write_is_read(text: str, value: Any) -> None:
    assert parse_json(text, "/x") == value
    assert parse_json(text.encode(), "/x") == value


def test_bytes_that_are_not_utf_8_are_repaired() -> None:
    assert parse_json(b'{"a": "great \xf0\x9f\x98"}', "/x") == {"a": "great \ufffd"}


def test_a_number_beyond_the_largest_double_is_not_finite() -> None:
    with pytest.raises(MappingError, match="non_finite_number"):
        CONVERSIONS["json"]("[1e400]", "/x")


@pytest.mark.parametrize("text", ["", "just text", "{'a': 1}", "[1,]", "nan", '"\\x"', "9" * 5000])
@pytest.mark.parametrize("form", [str, str.encode])
def test_what_nobody_calls_json_is_rejected(text: str, form: Any) -> None:
    with pytest.raises(MappingError, match="not_json: /x"):
        parse_json(form(text), "/x")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 65 + "]" * 65,
        "[NaN," + "[" * 100_000 + "]" * 100_001,
        "[NaN," + "[" * 64 + "]" * 65,
        "[" * 700 + "NaN" + "]" * 700,
        '{"a":' * 700 + '"\\ud83d"' + "}" * 700,
    ],
)
def test_nesting_is_limited(text: str) -> None:
    with pytest.raises(MappingError, match="nested_too_deep"):
        parse_json(text, "/x")


@given(JSON, st.booleans())
def test_the_json_of_python_is_read_as_it_was(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text, "/x") == value
    assert not has_repeated_key(text, value)


@pytest.mark.parametrize(
    ("text", "is_repeated"),
    [
        ('{"a": 1, "a": 2}', True),
        ('[{"u": "http://x", "u": 1}]', True),
        ('{"a": {"b": 1}, "c": {"b": ":"}}', False),
        ('{"a:": NaN}', False),
        ('\ufeff{"a": ":", "\\u0061": 1}', True),
    ],
)
def test_a_repeated_key_is_seen(text: str, is_repeated: bool) -> None:
    assert has_repeated_key(text, parse_json(text, "/x")) is is_repeated
    assert has_repeated_key(text.encode(), parse_json(text, "/x")) is is_repeated


@pytest.mark.parametrize("levels", [100, 1000])
def test_a_value_that_a_repeated_key_replaces_may_be_as_deep_as_it_is(levels: int) -> None:
    text = f'{{"a": {"[" * levels}{"]" * levels}, "a": 1}}'
    counts: list[str] = []
    assert parse_json(text, "/x", counts.append) == {"a": 1}
    assert counts == [KEY_REPEATED]


def test_a_text_with_repeated_keys_is_counted_once() -> None:
    counts: list[str] = []
    parse_json('[{"a": 1, "a": 2, "a": 3}, {"b": 1, "b": 2}]', "/x", counts.append)
    parse_json('[{"a": 1}, {"a": ":"}]', "/x", counts.append)
    assert counts == [KEY_REPEATED]


def test_a_repeated_key_is_logged_once_for_each_property_and_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    for pointer in ("/properties/logged", "/properties/logged", "/properties/other"):
        parse_json('{"secret": 1, "secret": 2}', pointer)
    records = [record for record in caplog.records if "twice" in record.message]
    assert [vars(record)["property"] for record in records] == ["/properties/logged", "/properties/other"]
    assert "secret" not in caplog.text


def test_json_in_bytes_is_converted() -> None:
    assert CONVERSIONS["json"](b'{"score": 9}', "/x") == {"score": 9}
