"""Times that can hardly be right are found in an event, wherever they are, and nothing else is taken for one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.cli.implausible_times import ImplausibleTime, implausible_times

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EARLY, LATE = "before 2000", "more than a day ahead"


def times(event: Any) -> list[tuple[str, int, str]]:
    return [tuple(time) for time in implausible_times(event, NOW)]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-21T12:20:42.000Z", (1970, EARLY)),  # seconds that were taken for milliseconds
        ("1970-01-01T00:29:32.442Z", (1970, EARLY)),
        ("1999-12-31T23:59:59.999Z", (1999, EARLY)),
        ("2000-01-01T00:30:00+01:00", (2000, EARLY)),
        ("0001-01-01T00:00:00", (1, EARLY)),
        ("2026-03-03T09:00:00.001Z", (2026, LATE)),
        ("2026-03-03T09:01Z", (2026, LATE)),
        ("2058-01-01T00:00:00.000000001Z", (2058, LATE)),
        ("9999-12-31T23:59:59Z", (9999, LATE)),
    ],
)
def test_a_time_before_2000_or_a_day_ahead_is_implausible(text: str, expected: tuple[int, str]) -> None:
    assert times({"timestamp": text}) == [("/timestamp", *expected)]


@pytest.mark.parametrize(
    "text",
    [
        "2000-01-01T00:00:00Z",
        "2026-03-02T09:00:00.000Z",
        "2026-03-03T09:00:00Z",
        "2026-03-03T10:00:00+01:00",
        "1985-04-02",  # a birthday
        "09:00:00",
        "1970-13-01T00:00:00Z",
        "1970-01-01T00:00:00Z and more",
        "since 1970-01-01T00:00:00Z",
        "1970",
        "",
    ],
)
def test_another_time_and_another_text_are_not(text: str) -> None:
    assert times({"timestamp": text}) == []


def test_the_property_is_named_with_stars_for_what_is_inside() -> None:
    """A name inside a property can be a key of a map of the record, which is data of a user."""
    old = "1970-01-21T12:20:42.000Z"
    event = {"timestamp": "2026-03-02T09:00:00Z", "properties": {"at": old, "answers": [{"at": old}, {"at": old}, 7]}}
    event["context"] = {"traits": {"jo@example.com\x1b[31m": {"at": old}}}
    assert times(event) == [
        ("/properties/at", 1970, EARLY),
        ("/properties/answers/*/*", 1970, EARLY),
        ("/properties/answers/*/*", 1970, EARLY),
        ("/context/traits/*/*", 1970, EARLY),
    ]
    text = "/timestamp is of the year 1970, before 2000: is its unit right in the contract?"
    assert str(ImplausibleTime("/timestamp", 1970, EARLY)) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.datetimes().map(datetime.isoformat),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(JSON)
def test_any_json_value_has_times_or_none(event: Any) -> None:
    assert all(problem in (EARLY, LATE) for _, _, problem in times(event))


@given(st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,12})?)?(Z|[+-]\d\d:\d\d)?", fullmatch=True))
def test_a_text_that_looks_like_a_time_raises_nothing(text: str) -> None:
    assert len(times(text)) <= 1
