"""The rules of a contract: where a value comes from, and what happens without a value."""

from typing import Any

import pytest

from consumer.avro.schema import AvroType
from consumer.errors import RecordRejected
from tests.unit.contract.compiled import INT, NULL, RECORD, TEXT, mapped, record, union


def test_a_property_comes_from_the_field_of_its_name() -> None:
    assert mapped({"a": {}}, {"a": TEXT, "b": TEXT}, {"a": "x", "b": "y"}) == {"a": "x"}


@pytest.mark.parametrize(("a", "b", "value"), [("x", "y", "x"), (None, "y", "y"), ("", "y", "")])
def test_the_first_source_that_is_not_null_is_used(a: Any, b: Any, value: str) -> None:
    writer = {"a": union(NULL, TEXT), "b": union(NULL, TEXT)}
    assert mapped({"p": {"x-source": ["gone", "a", "b"]}}, writer, {"a": a, "b": b}) == {"p": value}


def test_a_path_goes_through_records_maps_and_what_may_be_null() -> None:
    inner = record(x=INT)
    writer = {"r": inner, "n": union(NULL, inner), "m": AvroType("map", items=INT), "u": union(TEXT, inner)}
    rules = {name: {"x-source": f"{name}.x"} for name in writer}
    values = {"r": {"x": 1}, "n": {"x": 2}, "m": {"x": 3}, "u": {"x": 4}}
    assert mapped(rules, writer, values) == {"r": 1, "n": 2, "m": 3, "u": 4}
    assert mapped(rules, writer, {"r": {"x": 1}, "n": None, "m": {}, "u": "text"}) == {
        "r": 1,
        "n": None,
        "m": None,
        "u": None,
    }
    assert mapped({"p": {"x-source": ["r.gone", "r.x.deeper"]}}, writer, values) == {}


NULLABLE, PLAIN = {"type": ["string", "null"]}, {"type": "string"}
HAS, HAS_NOT = {"a": union(NULL, TEXT)}, {"b": TEXT}


@pytest.mark.parametrize(
    ("rule", "writer", "required", "properties"),
    [
        (NULLABLE, HAS, [], {"a": None}),
        (NULLABLE, HAS, ["a"], {"a": None}),
        (NULLABLE, HAS_NOT, [], {}),
        ({**NULLABLE, "x-source": ["a", "a"]}, HAS, ["a"], {"a": None}),
        (PLAIN, HAS, [], {}),
        (PLAIN, HAS_NOT, [], {}),
        ({**PLAIN, "default": "d"}, HAS, ["a"], {"a": "d"}),
        ({**NULLABLE, "default": "d"}, HAS_NOT, ["a"], {"a": "d"}),
        ({"$ref": "#/definitions/nothing"}, HAS, [], {}),
        (True, HAS, [], {"a": None}),
    ],
)
def test_a_missing_value_is_a_default_or_null_or_left_out(
    rule: Any, writer: Any, required: Any, properties: Any
) -> None:
    if rule is not True and "$ref" in rule:
        rule = {"allOf": [PLAIN]}
    assert mapped({"a": rule}, writer, {"a": None, "b": "x"}, required) == properties


@pytest.mark.parametrize(("rule", "writer"), [(PLAIN, HAS), (PLAIN, HAS_NOT), (NULLABLE, HAS_NOT)])
def test_a_record_without_a_required_value_is_rejected(rule: Any, writer: Any) -> None:
    with pytest.raises(RecordRejected) as caught:
        mapped({"a": rule}, writer, {"a": None, "b": "x"}, ["a"])
    assert str(caught.value) == "missing_required: /properties/a"


def test_kafka_and_the_service_are_sources() -> None:
    rules = {
        "at": {"x-source": "$kafka.timestamp", "x-convert": "iso-8601"},
        "id": {"x-source": "$kafka.messageId"},
        "by": {"x-source": "$service.version"},
    }
    assert mapped(rules, {}, {}) == {"at": "2024-05-06T07:08:09.123Z", "id": "id-1", "by": "1.2.3"}
    assert mapped({"at": {"type": "integer", "x-source": "$kafka.timestamp"}}, {}, {}) == {"at": RECORD.timestamp}
    timeless = RECORD._replace(timestamp=-1)
    assert mapped({"at": {"type": "integer", "x-source": "$kafka.timestamp"}}, {}, {}, kafka_record=timeless) == {}


def test_an_object_is_built_of_its_properties() -> None:
    rules = {"o": {"properties": {"a": {"type": "string"}, "c": {"const": 5}, "deep": {"properties": {"b": {}}}}}}
    assert mapped(rules, {"a": TEXT, "b": INT}, {"a": "x", "b": 1}) == {"o": {"a": "x", "c": 5, "deep": {"b": 1}}}
    assert mapped(rules, {}, {}) == {"o": {"c": 5, "deep": {}}}


@pytest.mark.parametrize("hostile", ["'] + evil() + ['", '"""', "a\nimport os", "{x}", "\\", "é🙂", "None", "record"])
def test_names_stay_text_whatever_they_hold(hostile: str) -> None:
    rules = {hostile: {"x-source": hostile, "default": hostile}}
    assert mapped(rules, {hostile: TEXT}, {hostile: "x"}) == {hostile: "x"}
    assert mapped(rules, {}, {}) == {hostile: hostile}
    with pytest.raises(RecordRejected, match="missing_required"):
        mapped({hostile: {"x-source": hostile}}, {}, {}, [hostile])
