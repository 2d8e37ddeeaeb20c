"""The rules of a contract: where a value comes from, what it becomes, and what happens without one."""

import json
from typing import Any

import pytest

from consumer.avro.schema import AvroType
from consumer.contract.compiler import compile_contract
from consumer.contract.parser import read
from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message

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


@pytest.mark.parametrize(
    ("conversion", "value", "made"),
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
def test_a_conversion_makes_what_it_says(conversion: str, value: Any, made: Any) -> None:
    writer = {"a": union(LONG, TEXT, AvroType("double"))}
    assert call({"a": {"x-convert": conversion}}, writer, {"a": value}) == {"a": made}


@pytest.mark.parametrize(
    ("conversion", "value", "reason"),
    [
        ("iso-8601", 2**60, "time_out_of_range"),
        ("iso-8601-seconds", 2**60, "time_out_of_range"),
        ("iso-8601-micros", 2**63, "time_out_of_range"),
        ("json", "{", "not_json"),
        ("json", "", "not_json"),
        ("json", "NaN", "not_json"),
        ("json", '{"a": 9007199254740992}', "integer_too_large"),
        ("json", "[18446744073709551616]", "integer_too_large"),
        ("json", "[-9223372036854775809]", "integer_too_large"),
        ("json", "1e400", "not_json"),
        ("json", "[" * 65 + "]" * 65, "nested_too_deep"),
        ("json", '{"a":' * 1000 + "1" + "}" * 1000, "nested_too_deep"),
        ("json", "[" * 100_000 + "]" * 100_000, "not_json"),
    ],
)
def test_what_cannot_be_converted_has_its_reason_and_place(conversion: str, value: Any, reason: str) -> None:
    with pytest.raises(UnprocessableRecord) as caught:
        call({"a": {"x-convert": conversion}}, {"a": union(LONG, TEXT)}, {"a": value})
    assert (caught.value.reason, caught.value.detail) == (reason, "/properties/a")


def test_a_label_stands_for_a_symbol_a_number_or_a_truth_value() -> None:
    rule = {"a": {"x-convert": "label", "x-labels": {"NPS": "score", "3": "three", "true": "yes"}}}
    writer = {"a": union(NULL, TEXT, INT, AvroType("boolean"))}
    assert [call(rule, writer, {"a": value}) for value in ("NPS", 3, True, None)] == [
        {"a": "score"}, {"a": "three"}, {"a": "yes"}, {"a": None},
    ]  # fmt: skip
    with pytest.raises(UnprocessableRecord, match="no_label: /properties/a"):
        call(rule, writer, {"a": "OPEN"})


def skipped(condition: dict[str, Any], writer: dict[str, AvroType], values: Any) -> str:
    schema = {"x-record": "*", "x-skip": [{**condition, "reason": "mine"}], "required": [*FRAME], "properties": FRAME}
    mapping = compile_contract(read("test", schema), record(user=TEXT, **writer), "1.2.3")
    try:
        mapping.call({"user": "u", **values}, MESSAGE, "id-1")
    except SkipRecord as skip:
        return skip.reason
    return ""


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
def test_a_condition_skips_by_the_value_of_any_field(when: Any, skips: list[Any]) -> None:
    writer = {"s": union(NULL, TEXT, INT, AvroType("double"), AvroType("boolean"))}
    values = ["test", "live", None, "", 1, 1.0, True]
    condition = {"source": "s", "when": when}
    found = [value for value in values if skipped(condition, writer, {"s": value}) == "mine"]
    assert repr(found) == repr(
        [value for value in values if any(value is one or (value == one and type(value) is type(one)) for one in skips)]
    )


def test_a_condition_takes_the_first_candidate_and_a_field_that_is_gone_for_null() -> None:
    writer = {"a": union(NULL, TEXT), "r": record(b=TEXT)}
    condition = {"source": ["gone", "a", "r.b"], "when": {"in": ["x"]}}
    assert skipped(condition, writer, {"a": None, "r": {"b": "x"}}) == "mine"
    assert skipped(condition, writer, {"a": "y", "r": {"b": "x"}}) == ""
    assert skipped({"source": "gone", "when": {"not-in": ["x"]}}, writer, {"a": None, "r": {"b": "x"}}) == "mine"


def test_a_condition_on_a_property_looks_at_the_record_before_it_is_converted() -> None:
    rule = {"a": {"x-convert": "label", "x-labels": {"A": "x"}, "x-skip": {"when": {"in": ["B"]}, "reason": "b"}}}
    assert call(rule, {"a": TEXT}, {"a": "A"}) == {"a": "x"}
    with pytest.raises(SkipRecord, match="b"):
        call(rule, {"a": TEXT}, {"a": "B"})
