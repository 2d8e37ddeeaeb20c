"""What the code of a field has to do follows from its rule and from the sources that the writer's schema has."""

from typing import Any

import pytest

from consumer.avro.schema import AvroType
from consumer.contract.field_path import FieldPath
from consumer.contract.field_plan import FieldPlan, exact_steps, plan_field
from consumer.contract.json_text import count_nothing
from consumer.contract.rules import Field

TEXT, INT = AvroType("string"), AvroType("int")
TEXT_OR_NULL = AvroType("union", branches=(AvroType("null"), TEXT))
DECISIONS = (
    "always_has_value",
    "sends_null",
    "always_present",
    "is_copy",
    "can_become_null",
    "can_be_omitted",
)


def field(**options: Any) -> Field:
    return Field("/p", ("a", "b"), **options)


def plan(rule: Field, *types: AvroType) -> FieldPlan:
    sources = [FieldPath(f"decoded[{number}]", avro) for number, avro in enumerate(types)]
    return plan_field(rule, sources, exact_steps(count_nothing))


@pytest.mark.parametrize(
    ("rule", "types", "converted", "decisions"),
    [
        # No source: only a required or replaced property is in every event.
        (field(), [], [], set()),
        (field(nullable=True), [], [], set()),
        (field(required=True), [], [], {"always_present"}),
        (field(default=None), [], [], {"always_present"}),
        (field(skip="no_p"), [], [], {"always_present"}),
        # A source that always has a value is copied, unless the value is converted or can be blank.
        (field(), [TEXT], [False], {"always_has_value", "always_present", "is_copy"}),
        (field(default="d"), [TEXT], [False], {"always_has_value", "always_present", "is_copy"}),
        (field(), [INT], [True], {"always_has_value", "always_present"}),
        (field(skip="no_p"), [TEXT], [False], {"always_present"}),
        (field(convert="iso-8601"), [INT], [True], {"always_has_value", "always_present"}),
        (field(convert="iso-8601"), [TEXT], [False], {"always_has_value", "always_present", "is_copy"}),
        # A source that can be null: null is sent, left out or replaced.
        (field(nullable=True), [TEXT_OR_NULL], [False], {"sends_null", "always_present", "is_copy"}),
        (field(nullable=True, default="d"), [TEXT_OR_NULL], [False], {"always_present"}),
        (field(nullable=True, skip="no_p"), [TEXT_OR_NULL], [False], {"always_present"}),
        (field(), [TEXT_OR_NULL], [False], set()),
        (field(required=True), [TEXT_OR_NULL], [False], {"always_present"}),
        # Two sources need a variable, and each has a conversion of its own.
        (field(), [TEXT_OR_NULL, TEXT], [False, False], {"always_has_value", "always_present"}),
        (field(nullable=True), [TEXT_OR_NULL, TEXT_OR_NULL], [False, False], {"sends_null", "always_present"}),
        (field(), [TEXT_OR_NULL, INT], [False, True], {"always_has_value", "always_present"}),
        # A value that cannot be sent becomes null or is left out, if there can be such a value.
        (field(on_invalid="null"), [INT], [True], {"always_has_value", "can_become_null"}),
        (field(on_invalid="null"), [TEXT], [False], {"always_has_value", "always_present", "is_copy"}),
        (field(on_invalid="omit"), [INT], [True], {"always_has_value", "always_present", "can_be_omitted"}),
        (field(on_invalid="omit"), [TEXT], [False], {"always_has_value", "always_present", "is_copy"}),
    ],
)
def test_a_plan_follows_from_the_rule_and_the_sources(
    rule: Field, types: list[AvroType], converted: list[bool], decisions: set[str]
) -> None:
    decided = plan(rule, *types)
    assert [step is not None for step in decided.steps] == converted
    assert {name for name in DECISIONS if getattr(decided, name)} == decisions


def test_a_label_is_a_conversion_of_its_own() -> None:
    (step,) = plan(Field("/p", ("a",), convert="label", labels={"A": "a"}), TEXT).steps
    assert step is not None
    assert step.function("A", "/p") == "a"
