"""Validation: a contract's rules and Segment's own, which no contract can leave out."""

import copy
import json
from typing import Any

import pytest

from consumer import paths
from consumer.contract.rules import without_annotations
from consumer.contract.validator import Validator, accepts, mistakes
from consumer.errors import RecordRejected

EVENT: dict[str, Any] = {"type": "track", "event": "e", "userId": "u", "messageId": "m", "properties": {}}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"type": "identify"}, "/type: const"),
        ({"event": ""}, "/event: minLength"),
        ({"event": None}, "/event: type"),
        ({"userId": ""}, "/userId: pattern"),
        ({"userId": " \t"}, "/userId: pattern"),
        ({"userId": 5}, "/userId: type"),
        ({"messageId": "m" * 100}, "/messageId: maxLength"),
        ({"messageId": ""}, "/messageId: minLength"),
        ({"properties": []}, "/properties: type"),
        ({"timestamp": 1_714_979_289_123}, "/timestamp: type"),
        ({"userId": ...}, "/userId: required"),
    ],
)
def test_segments_rules_hold_whatever_a_contract_says(change: dict[str, Any], detail: str) -> None:
    event = {name: value for name, value in {**EVENT, **change}.items() if value is not ...}
    for contract in ({}, {"allOf": [{"minProperties": 1}]}):
        with pytest.raises(RecordRejected) as caught:
            Validator(contract).check(event)
        assert (caught.value.reason, caught.value.detail) == ("invalid", detail)


def test_an_event_that_obeys_passes() -> None:
    Validator({}).check(EVENT)
    Validator({}).check({**EVENT, "messageId": "m" * 99})


@pytest.mark.parametrize(
    ("rule", "value", "detail"),
    [
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 5]}, "/properties/a: type"),
        (
            {"properties": {"a": {"patternProperties": {"^s": {"maximum": 3}}}}},
            {"a": {"secret": 4}},
            "/properties/a: maximum",
        ),
        ({"properties": {"a": {"required": ["b"]}}}, {"a": {}}, "/properties/a/b: required"),
        ({"propertyNames": {"maxLength": 3}}, {"secret": 1}, "/properties: propertyNames"),
        ({"properties": {"a": {"format": "date-time"}}}, {"a": "secret"}, "/properties/a: format"),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "!"}, "/properties/a: pattern"),
    ],
)
def test_a_detail_holds_names_of_the_contract_and_no_keys_or_values(rule: Any, value: Any, detail: str) -> None:
    with pytest.raises(RecordRejected) as caught:
        Validator({"properties": {"properties": rule}}).check({**EVENT, "properties": value})
    assert caught.value.detail == detail


def test_a_part_can_point_to_any_other_part() -> None:
    maybe = {"type": ["string", "null"]}
    for ref in ("#/definitions/maybe", "#/properties/a"):
        whole = {"definitions": {"maybe": maybe}, "properties": {"a": maybe}, "required": ["a"]}
        assert accepts({"$ref": ref}, None, whole)
        assert not accepts({"$ref": ref}, 5, whole)


def test_the_stripped_schema_is_draft_07_without_annotations() -> None:
    contract = json.loads((paths.schemas() / "segment" / "survey-response.json").read_text())
    before = copy.deepcopy(contract)
    pure = without_annotations(contract)
    assert "x-" not in json.dumps(pure)
    assert pure["properties"]["event"]["default"] == "SDK - Submitted - Survey Response"
    assert not list(mistakes(pure))
    assert contract == before


def test_a_property_named_like_an_annotation_is_kept() -> None:
    assert without_annotations({"x-record": "*", "properties": {"x-y": {"x-source": "a", "type": "string"}}}) == {
        "properties": {"x-y": {"type": "string"}}
    }


def test_an_event_needs_no_properties() -> None:
    Validator({}).check({name: value for name, value in EVENT.items() if name != "properties"})
