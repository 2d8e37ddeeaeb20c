"""Which contract is for a record: a name before a pattern, more text before less."""

import pytest

from consumer.avro.schema import AvroType
from consumer.contract.choose import choose, overlap, rivals
from consumer.contract.rules import Contract, Object
from consumer.errors import UnprocessableRecord

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
    assert choose(CONTRACTS, AvroType("record", name=name)).record == pattern


def test_a_record_without_a_contract_is_unknown_and_so_is_what_is_no_record() -> None:
    for root in (AvroType("record", name="other.Answer"), AvroType("string"), AvroType("union")):
        with pytest.raises(UnprocessableRecord, match="unknown_record"):
            choose(CONTRACTS[1:3], root)


@pytest.mark.parametrize(
    ("one", "other", "both"),
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
def test_patterns_overlap_when_some_name_fits_both(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) == overlap(other, one) == both


def test_only_equally_specific_patterns_are_rivals() -> None:
    assert not list(rivals(CONTRACTS))
    again = Contract("again", "*.com", (), (), Object({}), {})
    assert [(one.file, other.file) for one, other in rivals([*CONTRACTS, again])] == [("com.*", "again")]
