"""Which contract is for a record: a name before a pattern, more text before less."""

import pytest

from consumer.avro.schema import AvroType
from consumer.contract.loader import choose_contract, equally_specific, patterns_overlap
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


def test_only_equally_specific_patterns_conflict() -> None:
    assert not list(equally_specific(CONTRACTS))
    rival = Contract("again", "*.com", (), (), Object({}), {})
    assert [(first.file, second.file) for first, second in equally_specific([*CONTRACTS, rival])] == [
        ("com.*", "again")
    ]
