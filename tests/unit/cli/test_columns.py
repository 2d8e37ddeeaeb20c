"""Lines and tables in a given width: everything is printed, whole words first, and nothing is wider."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.cli.columns import GAP, table_lines, wrapped

LETTERS = st.text("ab_/é ", max_size=30)


def test_a_table_that_fits_is_not_changed() -> None:
    rows = [("name", "what"), ("x", "one two"), ("longer", "")]
    assert [*table_lines(rows, 80)] == ["name    what", "x       one two", "longer"]
    assert [*table_lines(rows, 15)] == ["name    what", "x       one two", "longer"]


def test_columns_are_a_single_blank_apart_if_that_is_enough() -> None:
    assert [*table_lines([("hour", "1,234", "5")], 12)] == ["hour 1,234 5"]
    assert [*table_lines([("hour", "1,234", "5")], 13)] == ["hour 1,234 5"]
    assert [*table_lines([("hour", "1,234", "5")], 14)] == ["hour  1,234  5"]


def test_the_widest_column_wraps_first() -> None:
    rows = [("a b", "one two three four five six", "c"), ("d", "seven", "e")]
    assert [*table_lines(rows, 21)] == [
        "a b  one two three  c",
        "     four five six",
        "d    seven          e",
    ]  # fmt: skip


def test_columns_wrap_at_words_before_any_word_breaks() -> None:
    rows = [("reason", "first record", "meaning"), ("undecodable", "2026-03-02 09:00:00", "bad bytes of a record")]
    assert [*table_lines(rows, 36)] == [
        "reason       first       meaning",
        "             record",
        "undecodable  2026-03-02  bad bytes",
        "             09:00:00    of a record",
    ]


def test_words_that_must_break_break_at_punctuation() -> None:
    rows = [("properties.triggeringEvent", "string"), ("abcdefghijklmnopqrstuvwxyz", "null")]
    assert [*table_lines(rows, 24)] == [
        "properties.       string",
        "triggeringEvent",
        "abcdefghijklmnop  null",
        "qrstuvwxyz",
    ]


def test_text_without_room_beside_the_other_words_goes_below_its_row() -> None:
    rows = [("reason", "latest", "meaning"), ("event_too_large", "3:1042", "the event is larger than Segment accepts")]
    assert [*table_lines(rows, 42)] == [
        "reason           latest",
        "    meaning",
        "event_too_large  3:1042",
        "    the event is larger than Segment",
        "    accepts",
    ]


@given(st.integers(1, 5).flatmap(lambda size: st.lists(st.lists(LETTERS, min_size=size, max_size=size), min_size=1)),
       st.integers(1, 60))  # fmt: skip
def test_a_table_fits_and_prints_every_letter(rows: list[list[str]], width: int) -> None:
    columns = len(rows[0])
    room = width + GAP * (columns - 1) + columns
    lines = [*table_lines(rows, room)]
    assert all(len(line) <= room for line in lines)
    printed, expected = "".join(lines), "".join(cell for row in rows for cell in row)
    assert sorted(printed.replace(" ", "")) == sorted(expected.replace(" ", ""))


@given(st.lists(st.text("ab_/", min_size=1, max_size=9), min_size=1), st.integers(9, 40), st.integers(0, 8))
def test_a_line_wraps_at_words_with_blanks_before_the_rest(words: list[str], width: int, hanging: int) -> None:
    first, *others = wrapped(" ".join(words), width + hanging, hanging)
    assert all(len(line) <= width + hanging for line in (first, *others))
    assert all(line.startswith(" " * hanging) for line in others)
    assert " ".join((first, *others)).split() == words


@pytest.mark.parametrize("text", ["", "a", "a  b ", "x" * 100, "  indented", "cases/a.json  a case"])
def test_a_line_without_a_limit_stays_as_it_is(text: str) -> None:
    assert wrapped(text, 1000) == [text]
