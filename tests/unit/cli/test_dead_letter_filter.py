"""Selections of dead letters: each filter has one text, which names its group and parses to the same filter."""

import pytest
from click import BadParameter
from hypothesis import given
from hypothesis import strategies as st

from consumer.cli.dead_letter_filter import DeadLetterFilter, from_options, parse_filter

RANGES = st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2**62))
FILTERS = st.builds(
    DeadLetterFilter,
    reasons=st.frozensets(st.text(min_size=1, max_size=20).filter(str.isprintable), max_size=3),
    partitions=st.frozensets(st.integers(0, 1000), max_size=3),
    times=RANGES,
    offsets=RANGES,
)


@given(FILTERS)
def test_a_filter_is_parsed_from_its_text(dead_letter_filter: DeadLetterFilter) -> None:
    assert parse_filter(str(dead_letter_filter)) == dead_letter_filter


@given(st.text(max_size=60))
def test_any_other_text_is_no_filter(text: str) -> None:
    dead_letter_filter = parse_filter(text)
    assert dead_letter_filter is None or str(dead_letter_filter) == text


def test_the_text_of_the_filter_that_selects_everything_is_all() -> None:
    assert str(DeadLetterFilter()) == "all"
    assert parse_filter("all") == DeadLetterFilter()


@pytest.mark.parametrize(("text", "offsets"), [("7", (7, 8)), ("7-9", (7, 10)), ("0-0", (0, 1))])
def test_offsets_are_a_single_offset_or_a_range(text: str, offsets: tuple[int, int]) -> None:
    assert from_options((), None, None, (), text).offsets == offsets


@pytest.mark.parametrize("text", ["x", "-", "7-", "-7", "1-2-3", "1.5"])
def test_a_text_that_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="must be an offset or a range of offsets"):
        from_options((), None, None, (), text)


@pytest.mark.parametrize("text", ["9-7", "1050-1042"])
def test_a_range_of_offsets_that_ends_before_it_begins_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="ends before it begins"):
        from_options((), None, None, (), text)


@pytest.mark.parametrize(("since", "until"), [(5, 5), (5, 4)])
def test_a_range_of_times_without_a_time_is_refused(since: int, until: int) -> None:
    with pytest.raises(BadParameter, match="must be after --since"):
        from_options((), since, until, (), None)


def test_a_range_of_times_may_have_one_end() -> None:
    assert from_options((), None, -5, (), None).times == (-1, -5)
    assert from_options((), 5, None, (), None).times[0] == 5
