"""The skip rules of a contract: which records are skipped, and under which reason."""

from typing import Any

import pytest

from consumer.avro.schema import AvroType
from consumer.errors import RecordSkipped
from tests.unit.contract.compiled import INT, NULL, TEXT, mapped, record, skip_reason, union

HAS, HAS_NOT = {"a": union(NULL, TEXT)}, {"b": TEXT}


@pytest.mark.parametrize("value", [None, "", "  \t"])
def test_a_blank_value_skips_the_record_for_its_reason(value: Any) -> None:
    rule = {"x-skip": {"when": "blank", "reason": "no_a"}}
    for writer in (HAS, HAS_NOT):
        with pytest.raises(RecordSkipped, match="no_a"):
            mapped({"a": rule}, writer, {"a": value})
    assert mapped({"a": rule}, HAS, {"a": "x"}) == {"a": "x"}


@pytest.mark.parametrize(
    ("when", "skips"),
    [
        ({"in": ["test", 1]}, ["test", 1, 1.0]),
        ({"in": [None]}, [None]),
        ({"in": [True]}, [True]),
        ({"not-in": ["live", None]}, ["test", "", 1, 1.0, True]),
        ({"not-in": ["live"]}, ["test", None, "", 1, 1.0, True]),
        ("blank", [None, ""]),
    ],
)
def test_a_skip_rule_tests_the_value_of_any_field(when: Any, skips: list[Any]) -> None:
    writer = {"s": union(NULL, TEXT, INT, AvroType("double"), AvroType("boolean"))}
    values = ["test", "live", None, "", 1, 1.0, True]
    condition = {"source": "s", "when": when}
    skipped = [value for value in values if skip_reason(condition, writer, {"s": value}) == "mine"]
    assert repr(skipped) == repr(
        [
            value
            for value in values
            if any(value is skip or (value == skip and type(value) is type(skip)) for skip in skips)
        ]
    )


def test_a_skip_rule_uses_the_first_source_and_a_missing_field_is_null() -> None:
    writer = {"a": union(NULL, TEXT), "r": record(b=TEXT)}
    condition = {"source": ["gone", "a", "r.b"], "when": {"in": ["x"]}}
    assert skip_reason(condition, writer, {"a": None, "r": {"b": "x"}}) == "mine"
    assert skip_reason(condition, writer, {"a": "y", "r": {"b": "x"}}) == ""
    assert skip_reason({"source": "gone", "when": {"not-in": ["x"]}}, writer, {"a": None, "r": {"b": "x"}}) == "mine"


def test_a_skip_rule_of_a_property_tests_the_value_before_the_conversion() -> None:
    rule = {"a": {"x-convert": "label", "x-labels": {"A": "x"}, "x-skip": {"when": {"in": ["B"]}, "reason": "b"}}}
    assert mapped(rule, {"a": TEXT}, {"a": "A"}) == {"a": "x"}
    with pytest.raises(RecordSkipped, match="b"):
        mapped(rule, {"a": TEXT}, {"a": "B"})
