"""The shipped contract accepts any record with Sprig's field names, however its producer writes them."""

from typing import Any

import pytest

from consumer import paths
from consumer.avro.decoder import decode, encode, load_schema
from consumer.contract.compiler import Contracts
from consumer.errors import RecordRejected, RecordSkipped
from consumer.model import Record

CONTRACTS = Contracts(paths.schemas(), "1.2.3")
MILLIS, ISO = 1_714_979_289_123, "2024-05-06T07:08:09.123Z"
TIME = {"type": "long", "logicalType": "timestamp-millis"}
NULL = ["null", "string"]


def event(fields: dict[str, Any], record: dict[str, Any], kafka_time: int = MILLIS) -> Any:
    schema = load_schema(
        "test", {"type": "record", "name": "bus.Root", "fields": [{"name": n, "type": t} for n, t in fields.items()]}
    )
    decoded = decode(schema, encode(schema, record), 0)
    return CONTRACTS.mapper(schema).event(decoded, Record(0, 1, kafka_time, None, b"", ()), "message-id")


def prop(name: str, avro: Any, value: Any) -> Any:
    return event({"userId": "string", name: avro}, {"userId": "u", name: value})["properties"][name]


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": n, "type": t} for n, t in fields.items()]}


@pytest.mark.parametrize(
    ("name", "avro", "value", "sent"),
    [
        ("createdAt", TIME, MILLIS, ISO),
        ("createdAt", "long", MILLIS, ISO),
        ("createdAt", ["null", "string", "long"], MILLIS, ISO),
        ("createdAt", "string", "yesterday, roughly", "yesterday, roughly"),
        ("createdAt", {"type": "int", "logicalType": "date"}, 19_849, "2024-05-06"),
        ("surveyId", "int", 4711, 4711),
        ("surveyId", "long", 4711, 4711),
        ("surveyId", {"type": "string", "logicalType": "uuid"}, "7c9e-no-uuid", "7c9e-no-uuid"),
        ("responseGroupId", "long", 2**60, str(2**60)),
        ("visitorId", ["null", "int"], 5, "5"),
        ("oldVisitorId", "double", 5.0, 5.0),
        ("oldVisitorId", "string", "5", "5"),
        ("questionType", {"type": "enum", "name": "Type", "symbols": ["NPS", "OPEN"]}, "NPS", "NPS"),
        ("response", record("Consent", submitted="boolean"), {"submitted": True}, {"submitted": True}),
        ("response", ["null", record("Any", at=TIME), "string"], {"at": MILLIS}, {"at": ISO}),
        ("response", "bytes", b"\x00\xff", "AP8="),
        ("attributes", record("Attributes", plan=NULL, seats="int"), {"seats": 3}, {"plan": None, "seats": 3}),
        ("attributes", {"type": "map", "values": TIME}, {"since": MILLIS}, {"since": ISO}),
    ],
)
def test_a_field_may_be_written_in_many_ways(name: str, avro: Any, value: Any, sent: Any) -> None:
    assert prop(name, avro, value) == sent


def test_every_field_but_the_user_may_be_missing() -> None:
    sent = event({"userId": "string"}, {"userId": "u"}, kafka_time=-1)
    assert sent["properties"] == {}
    assert "timestamp" not in sent
    assert sent["event"] == "SDK - Submitted - Survey Response"


@pytest.mark.parametrize(
    ("fields", "values", "user"),
    [
        ({"userId": "string"}, {"userId": "u"}, "u"),
        ({"userId": "long"}, {"userId": 2**60}, str(2**60)),
        ({"externalUserId": NULL}, {"externalUserId": "x"}, "x"),
        ({"userId": NULL, "externalUserId": "int"}, {"externalUserId": 0}, "0"),
        ({"userId": "string", "externalUserId": "string"}, {"userId": " ", "externalUserId": "x"}, "x"),
    ],
)
def test_the_user_is_the_first_id_that_is_not_blank(fields: Any, values: Any, user: str) -> None:
    assert event(fields, values)["userId"] == user


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"surveyId": "int"}, {"surveyId": 1}),
        ({"userId": NULL}, {"userId": None}),
        ({"userId": "string"}, {"userId": ""}),
        ({"userId": NULL, "externalUserId": NULL}, {"userId": "\t\n", "externalUserId": "  "}),
    ],
)
def test_an_answer_without_a_user_is_skipped(fields: Any, values: Any) -> None:
    with pytest.raises(RecordSkipped, match="no_user_id"):
        event(fields, values)


@pytest.mark.parametrize(
    ("name", "avro", "value", "reason"),
    [
        ("response", "double", float("nan"), "non_finite_number: /properties/response"),
        ("attributes", {"type": "map", "values": "float"}, {"pii": float("inf")},
         "non_finite_number: /properties/attributes"),
        ("surveyId", "long", 2**53, "integer_too_large: /properties/surveyId"),
        ("createdAt", "long", 2**60, "time_out_of_range: /properties/createdAt"),
        ("timestamp", "string", "yesterday", "invalid: /timestamp: format"),
        ("event", "string", "", "invalid: /event: minLength"),
        ("attributes", {"type": "map", "values": {"type": "array", "items": "int"}}, {"pii": [1]},
         "invalid: /properties/attributes: type"),
        ("email", "int", 5, "invalid: /properties/email: type"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_without_the_value(name: str, avro: Any, value: Any, reason: str) -> None:
    with pytest.raises(RecordRejected) as caught:
        event({"userId": "string", name: avro}, {"userId": "u", name: value})
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("avro", "value", "environment"),
    [
        ("string", "Production", "Production"),
        (NULL, None, ""),
        ("int", 3, "3"),
        ({"type": "map", "values": "int"}, {}, ""),
    ],
)
def test_the_environment_is_text_and_no_property(avro: Any, value: Any, environment: str) -> None:
    schema = load_schema("test", record("R", userId="string", environment=avro))
    mapper = CONTRACTS.mapper(schema)
    assert mapper.environment({"userId": "u", "environment": value}) == environment
    sent = mapper.event({"userId": "u", "environment": value}, Record(0, 0, 0, None, b"", ()), "id")
    assert set(sent["properties"]) == set()
