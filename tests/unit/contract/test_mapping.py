"""The rules of a contract: where a value comes from, what it becomes, and what happens without one."""

from typing import Any

import pytest

from consumer.contract.annotations import read
from consumer.contract.compile import compile_contract
from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message
from consumer.schema import AvroType

INT, LONG, TEXT, NULL = AvroType("int"), AvroType("long"), AvroType("string"), AvroType("null")
MESSAGE = Message(3, 42, 1_714_979_289_123, None, b"", ())
FRAME: dict[str, Any] = {
    "type": {"const": "track"},
    "event": {"const": "e"},
    "userId": {"x-source": "user"},
    "messageId": {"x-source": "$kafka.messageId"},
}


def union(*branches: AvroType) -> AvroType:
    return AvroType("union", branches=branches)


def record(**fields: AvroType) -> AvroType:
    return AvroType("record", name="r.R", fields=fields)


def call(properties: Any, writer: dict[str, AvroType], values: Any, required: Any = (), message: Any = MESSAGE) -> Any:
    """The call's properties."""
    rule = {"type": "object", "required": list(required), "properties": properties}
    schema = {"x-record": "*", "required": [*FRAME], "properties": {**FRAME, "properties": rule}}
    mapping = compile_contract(read("test", schema), record(user=TEXT, **writer), "1.2.3")
    return mapping.call({"user": "u", **values}, message, "id-1")["properties"]


def test_a_property_comes_from_the_field_of_its_name() -> None:
    assert call({"a": {}}, {"a": TEXT, "b": TEXT}, {"a": "x", "b": "y"}) == {"a": "x"}


@pytest.mark.parametrize(("a", "b", "found"), [("x", "y", "x"), (None, "y", "y"), ("", "y", "")])
def test_the_first_candidate_that_is_not_null_is_taken(a: Any, b: Any, found: str) -> None:
    writer = {"a": union(NULL, TEXT), "b": union(NULL, TEXT)}
    assert call({"p": {"x-source": ["gone", "a", "b"]}}, writer, {"a": a, "b": b}) == {"p": found}


def test_a_path_goes_through_records_maps_and_what_may_be_null() -> None:
    inner = record(x=INT)
    writer = {"r": inner, "n": union(NULL, inner), "m": AvroType("map", items=INT), "u": union(TEXT, inner)}
    rules = {name: {"x-source": f"{name}.x"} for name in writer}
    there = {"r": {"x": 1}, "n": {"x": 2}, "m": {"x": 3}, "u": {"x": 4}}
    assert call(rules, writer, there) == {"r": 1, "n": 2, "m": 3, "u": 4}
    assert call(rules, writer, {"r": {"x": 1}, "n": None, "m": {}, "u": "text"}) == {
        "r": 1,
        "n": None,
        "m": None,
        "u": None,
    }
    assert call({"p": {"x-source": ["r.gone", "r.x.deeper"]}}, writer, there) == {}


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
def test_nothing_found_is_a_default_or_null_or_left_out(rule: Any, writer: Any, required: Any, properties: Any) -> None:
    if rule is not True and "$ref" in rule:
        rule = {"allOf": [PLAIN]}
    assert call({"a": rule}, writer, {"a": None, "b": "x"}, required) == properties


@pytest.mark.parametrize(("rule", "writer"), [(PLAIN, HAS), (PLAIN, HAS_NOT), (NULLABLE, HAS_NOT)])
def test_a_required_property_without_a_value_is_unprocessable(rule: Any, writer: Any) -> None:
    with pytest.raises(UnprocessableRecord) as caught:
        call({"a": rule}, writer, {"a": None, "b": "x"}, ["a"])
    assert str(caught.value) == "missing_required: /properties/a"


def test_what_kafka_and_the_service_know_is_a_source() -> None:
    rules = {
        "at": {"x-source": "$kafka.timestamp", "x-convert": "iso-8601"},
        "id": {"x-source": "$kafka.messageId"},
        "by": {"x-source": "$service.version"},
    }
    assert call(rules, {}, {}) == {"at": "2024-05-06T07:08:09.123Z", "id": "id-1", "by": "1.2.3"}
    assert call({"at": {"type": "integer", "x-source": "$kafka.timestamp"}}, {}, {}) == {"at": MESSAGE.timestamp}
    timeless = MESSAGE._replace(timestamp=-1)
    assert call({"at": {"type": "integer", "x-source": "$kafka.timestamp"}}, {}, {}, message=timeless) == {}


def test_an_object_is_built_of_its_children() -> None:
    rules = {"o": {"properties": {"a": {"type": "string"}, "c": {"const": 5}, "deep": {"properties": {"b": {}}}}}}
    assert call(rules, {"a": TEXT, "b": INT}, {"a": "x", "b": 1}) == {"o": {"a": "x", "c": 5, "deep": {"b": 1}}}
    assert call(rules, {}, {}) == {"o": {"c": 5, "deep": {}}}


@pytest.mark.parametrize("value", [None, "", "  \t"])
def test_a_blank_value_skips_the_record_for_its_reason(value: Any) -> None:
    rule = {"x-skip": {"when": "blank", "reason": "no_a"}}
    for writer in (HAS, HAS_NOT):
        with pytest.raises(SkipRecord, match="no_a"):
            call({"a": rule}, writer, {"a": value})
    assert call({"a": rule}, HAS, {"a": "x"}) == {"a": "x"}


@pytest.mark.parametrize("hostile", ["'] + evil() + ['", '"""', "a\nimport os", "{x}", "\\", "é🙂", "None", "record"])
def test_names_stay_text_whatever_they_hold(hostile: str) -> None:
    rules = {hostile: {"x-source": hostile, "default": hostile}}
    assert call(rules, {hostile: TEXT}, {hostile: "x"}) == {hostile: "x"}
    assert call(rules, {}, {}) == {hostile: hostile}
    with pytest.raises(UnprocessableRecord, match="missing_required"):
        call({hostile: {"x-source": hostile}}, {}, {}, [hostile])
