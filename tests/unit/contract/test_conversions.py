"""The conversions of a contract: what a value becomes, and why a value is rejected."""

import json
from typing import Any

import pytest

from consumer.avro.schema import AvroType
from consumer.errors import RecordRejected
from tests.unit.contract.compiled import INT, LONG, NULL, TEXT, mapped, union


@pytest.mark.parametrize(
    ("conversion", "value", "expected"),
    [
        ("iso-8601", 1_714_979_289_123, "2024-05-06T07:08:09.123Z"),
        ("iso-8601-seconds", 1_714_979_289, "2024-05-06T07:08:09.000Z"),
        ("iso-8601-micros", 1_714_979_289_123_456, "2024-05-06T07:08:09.123Z"),
        ("iso-8601", "2024-05-06", "2024-05-06"),
        ("string", 2**60, "1152921504606846976"),
        ("string", 1.5, 1.5),
        ("json", '{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
        ("json", "7", 7),
        ("json", "9.5e15", 9.5e15),
        ("json", "[" * 64 + "1" + "]" * 64, json.loads("[" * 64 + "1" + "]" * 64)),
        ("json", 7, 7),
    ],
)
def test_a_conversion_gives_its_documented_value(conversion: str, value: Any, expected: Any) -> None:
    writer = {"a": union(LONG, TEXT, AvroType("double"))}
    assert mapped({"a": {"x-convert": conversion}}, writer, {"a": value}) == {"a": expected}


@pytest.mark.parametrize(
    ("conversion", "value", "reason"),
    [
        ("iso-8601", 2**60, "time_out_of_range"),
        ("iso-8601-seconds", 2**60, "time_out_of_range"),
        ("iso-8601-micros", 2**63, "time_out_of_range"),
        ("json", "{", "not_json"),
        ("json", "", "not_json"),
        ("json", '{"a": 9007199254740992}', "integer_too_large"),
        ("json", "[18446744073709551616]", "integer_too_large"),
        ("json", "[-9223372036854775809]", "integer_too_large"),
        ("json", "1e400", "non_finite_number"),
        ("json", "[" * 65 + "]" * 65, "nested_too_deep"),
        ("json", '{"a":' * 1000 + "1" + "}" * 1000, "nested_too_deep"),
        ("json", "[" * 100_000 + "]" * 100_000, "nested_too_deep"),
    ],
)
def test_a_failing_conversion_has_a_reason_and_a_pointer(conversion: str, value: Any, reason: str) -> None:
    with pytest.raises(RecordRejected) as caught:
        mapped({"a": {"x-convert": conversion}}, {"a": union(LONG, TEXT)}, {"a": value})
    assert (caught.value.reason, caught.value.detail) == (reason, "/properties/a")


def test_a_label_replaces_a_symbol_a_number_or_a_boolean() -> None:
    rule = {"a": {"x-convert": "label", "x-labels": {"NPS": "score", "3": "three", "true": "yes"}}}
    writer = {"a": union(NULL, TEXT, INT, AvroType("boolean"))}
    assert [mapped(rule, writer, {"a": value}) for value in ("NPS", 3, True, None)] == [
        {"a": "score"}, {"a": "three"}, {"a": "yes"}, {"a": None},
    ]  # fmt: skip
    with pytest.raises(RecordRejected, match="no_label: /properties/a"):
        mapped(rule, writer, {"a": "OPEN"})
