"""Which letters are meant: each choice has one text, which is the name of its group and reads back as itself."""

import pytest
from click import BadParameter
from hypothesis import given
from hypothesis import strategies as st

from consumer.cli.dead_letter_filter import Choice, made, parsed

RANGES = st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2**62))
CHOICES = st.builds(
    Choice,
    reasons=st.frozensets(st.text(min_size=1, max_size=20).filter(str.isprintable), max_size=3),
    partitions=st.frozensets(st.integers(0, 1000), max_size=3),
    times=RANGES,
    offsets=RANGES,
)


@given(CHOICES)
def test_a_choice_reads_back_from_its_text(choice: Choice) -> None:
    assert parsed(str(choice)) == choice


@given(st.text(max_size=60))
def test_other_texts_are_none_or_that_very_text(text: str) -> None:
    choice = parsed(text)
    assert choice is None or str(choice) == text


def test_the_text_of_everything_is_a_word() -> None:
    assert str(Choice()) == "all"
    assert parsed("all") == Choice()


@pytest.mark.parametrize(("text", "offsets"), [("7", (7, 8)), ("7-9", (7, 10)), ("0-0", (0, 1))])
def test_offsets_are_one_or_a_range(text: str, offsets: tuple[int, int]) -> None:
    assert made((), None, None, (), text).offsets == offsets


@pytest.mark.parametrize("text", ["x", "-", "7-", "-7", "1-2-3", "1.5"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="must be an offset or a range of them"):
        made((), None, None, (), text)
