"""Which contract is for a record: a name before a pattern, more text before less."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.schema import AvroType
from consumer.contract.loader import choose_contract, equally_specific, matches, patterns_overlap
from consumer.contract.rules import Contract, Object
from consumer.errors import RecordRejected

CONTRACTS = [
    Contract(p, p, (), (), Object({}), {}) for p in ("*", "com.*", "com.sprig.*", "*.Answer", "com.sprig.Answer")
]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("com.sprig.Answer", "com.sprig.Answer"),
        ("com.sprig.Other", "com.sprig.*"),
        ("com.other.Answer", "*.Answer"),
        ("com.Other", "com.*"),
        ("Answer", "*"),
    ],
)
def test_the_most_specific_pattern_is_chosen(name: str, pattern: str) -> None:
    assert choose_contract(CONTRACTS, AvroType("record", name=name)).record == pattern


def test_a_record_without_a_contract_and_a_value_that_is_no_record_are_unknown() -> None:
    for root in (AvroType("record", name="other.Answer"), AvroType("string"), AvroType("union")):
        with pytest.raises(RecordRejected, match="unknown_record"):
            choose_contract(CONTRACTS[1:3], root)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("a.*", "b.*", False),
        ("a.*", "*.a", True),
        ("a*b", "b*a", False),
        ("a*c", "ab*", True),
        ("**", "x", True),
        ("*a*a*a*a*a*a*a*a*a*a*b", "a" * 60, False),
        ("", "*", True),
        ("a.B", "a.b", False),
    ],
)
def test_patterns_overlap_when_some_name_matches_both(first: str, second: str, overlap: bool) -> None:
    assert patterns_overlap(first, second) == patterns_overlap(second, first) == overlap


PATTERNS = st.text("ab*", max_size=6)


@given(PATTERNS, st.text("ab*", max_size=8))
def test_a_name_matches_a_pattern_as_it_does_with_a_regular_expression(pattern: str, name: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, name) == bool(re.fullmatch(expression, name, re.DOTALL))


@given(PATTERNS, PATTERNS)
def test_patterns_overlap_if_and_only_if_a_name_can_be_built_for_both(first: str, second: str) -> None:
    assert patterns_overlap(first, second) == _name_exists(first, second)


def _name_exists(first: str, second: str) -> bool:
    """By the definition, character by character, which only short patterns allow."""
    if not first or not second:
        return set(first + second) <= {"*"}
    if first[0] == "*":
        return _name_exists(first[1:], second) or _name_exists(first, second[1:])
    if second[0] == "*":
        return _name_exists(second, first)
    return first[0] == second[0] and _name_exists(first[1:], second[1:])


@pytest.mark.parametrize("length", [1_100, 1_000_000])
def test_the_name_of_a_record_may_have_any_length(length: int) -> None:
    name = "com.sprig." + "a" * length
    for pattern, is_chosen in [
        ("com.sprig.*", True),
        ("*a", True),
        ("*a*a*a*a*a*a", True),
        ("*b", False),
        (name, True),
    ]:
        assert matches(pattern, name) == is_chosen


def test_a_star_in_the_name_of_a_record_is_no_pattern() -> None:
    assert not matches("com.sprig.Answer", "*")
    with pytest.raises(RecordRejected, match="unknown_record"):
        choose_contract(CONTRACTS[1:], AvroType("record", name="*"))


def test_only_equally_specific_patterns_conflict() -> None:
    assert not list(equally_specific(CONTRACTS))
    rival = Contract("again", "*.com", (), (), Object({}), {})
    assert [(first.file, second.file) for first, second in equally_specific([*CONTRACTS, rival])] == [
        ("com.*", "again")
    ]
