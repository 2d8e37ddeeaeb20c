"""What the code of a field has to do follows from its rule and from the sources that the writer's schema has."""

from typing import Any

import pytest

from consumer.avro.schema import AvroType
from consumer.contract.conversions import iso_8601, json_form
from consumer.contract.field_path import FieldPath
from consumer.contract.field_plan import FieldPlan, plan_field
from consumer.contract.rules import Field

TEXT, INT = AvroType("string"), AvroType("int")
TEXT_OR_NULL = AvroType("union", branches=(AvroType("null"), TEXT))


def field(**options: Any) -> Field:
    return Field("/p", ("a", "b"), **options)


def plan(rule: Field, *types: AvroType) -> FieldPlan:
    return plan_field(rule, [FieldPath(f"decoded[{number}]", avro) for number, avro in enumerate(types)])


@pytest.mark.parametrize(
    ("rule", "types", "expected"),
    [
        # No source: only a required or replaced property is in every event.
        (field(), [], FieldPlan(None, False, False, False, False)),
        (field(nullable=True), [], FieldPlan(None, False, False, False, False)),
        (field(required=True), [], FieldPlan(None, False, False, True, False)),
        (field(default=None), [], FieldPlan(None, False, False, True, False)),
        (field(skip="no_p"), [], FieldPlan(None, False, False, True, False)),
        # A source that always has a value is copied, unless the value is converted or can be blank.
        (field(), [TEXT], FieldPlan(None, True, False, True, True)),
        (field(default="d"), [TEXT], FieldPlan(None, True, False, True, True)),
        (field(), [INT], FieldPlan(json_form, True, False, True, False)),
        (field(skip="no_p"), [TEXT], FieldPlan(None, False, False, True, False)),
        (field(convert="iso-8601"), [INT], FieldPlan(iso_8601, True, False, True, False)),
        (field(convert="iso-8601"), [TEXT], FieldPlan(None, True, False, True, True)),
        # A source that can be null: null is sent, left out or replaced.
        (field(nullable=True), [TEXT_OR_NULL], FieldPlan(None, False, True, True, True)),
        (field(nullable=True, default="d"), [TEXT_OR_NULL], FieldPlan(None, False, False, True, False)),
        (field(nullable=True, skip="no_p"), [TEXT_OR_NULL], FieldPlan(None, False, False, True, False)),
        (field(), [TEXT_OR_NULL], FieldPlan(None, False, False, False, False)),
        (field(required=True), [TEXT_OR_NULL], FieldPlan(None, False, False, True, False)),
        # Two sources need a variable.
        (field(), [TEXT_OR_NULL, TEXT], FieldPlan(None, True, False, True, False)),
        (field(nullable=True), [TEXT_OR_NULL, TEXT_OR_NULL], FieldPlan(None, False, True, True, False)),
        (field(), [TEXT_OR_NULL, INT], FieldPlan(json_form, True, False, True, False)),
    ],
)
def test_a_plan_follows_from_the_rule_and_the_sources(rule: Field, types: list[AvroType], expected: FieldPlan) -> None:
    assert plan(rule, *types) == expected


def test_a_label_is_a_conversion_of_its_own() -> None:
    convert = plan(Field("/p", ("a",), convert="label", labels={"A": "a"}), TEXT).convert
    assert convert is not None
    assert convert("A", "/p") == "a"
