"""Every question type's answer reaches the event with its documented JSON type, by the shipped schema and contract."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from consumer import paths
from consumer.avro.decoder import decode, encode
from consumer.avro.schema_files import raw_schema
from consumer.contract.compiler import Contracts
from consumer.jsonio import dumps
from consumer.model import Record

SCHEMA = raw_schema(paths.schemas())
MAPPER = Contracts(paths.schemas(), "1.2.3").mapper(SCHEMA)
RECORD = Record(3, 42, 1_714_979_289_123, None, b"", ())
AT = datetime(2024, 5, 6, 7, 8, 9, 123_000, UTC)


def sent(record: dict[str, Any]) -> Any:
    """The event as Segment receives it, for a record as a producer writes it."""
    decoded = decode(SCHEMA, encode(SCHEMA, record), 0)
    return json.loads(dumps(MAPPER.event(decoded, RECORD, "0011223344556677-3-42-1714979289123")))


ANSWERS = [
    ("open", "Größer, bitte 🙂"),
    ("followup", ""),
    ("validatedtext", "jane@example.com"),
    ("LIKERT", 4),
    ("likert", None),
    ("nps", 0),
    ("nps", 8.5),
    ("multiplechoice", "Analyst"),
    ("multiplechoice", None),
    ("multipleselect", ["Reports", "Alerts"]),
    ("multipleselect", []),
    ("matrix", {"row-1": "Good", "row-2": None}),
    ("rankorder", {"101": 1, "102": 2, "103": None}),
    ("maxdiff", [[{"id": 1, "option": "Price", "selected": "left"}, {"id": 2, "option": "Speed", "selected": None}]]),
    ("conjoint", [[{"attribute": "Storage", "level": "10 GB", "selected": True}]]),
    ("conjoint", [[[{"attribute": "Storage", "levels": ["a", {"id": 1, "price": 9.5}]}]], []]),
    ("consentlegal", {"submitted": True}),
    ("recordedtask", {"mediaRecordingUids": ["u1", "u2"], "taskDurationMillisecond": 5_000, "taskStatus": "completed"}),
    ("videovoice", {"mediaRecordingUid": "u1"}),
    ("texturlprompt", {}),
    ("texturlprompt", {"skipped": True}),
    ("something.of.tomorrow", True),
]


@pytest.mark.parametrize(("question", "answer"), ANSWERS)
def test_an_answer_keeps_its_json_type(question: str, answer: Any) -> None:
    event = sent({"userId": "u", "questionType": question, "response": answer})
    assert json.dumps(event["properties"]["response"]) == json.dumps(answer)
    assert event["properties"]["questionType"] == question


def test_a_whole_record_becomes_the_event_that_sprig_sends() -> None:
    properties = {
        "surveyId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "surveyName": "Onboarding",
        "question": "How likely?",
        "questionType": "nps",
        "visitorId": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "oldVisitorId": 1234,
        "responseGroupId": "550e8400-e29b-41d4-a716-446655440000",
        "response": 9,
        "email": "jane@example.com",
        "attributes": {"plan": "team", "seats": 12, "beta": False, "score": 0.5},
        "triggeringEvent": "Report Exported",
    }
    record = {**properties, "userId": "jane", "createdAt": AT, "timestamp": AT, "environment": "Production"}
    assert sent(record) == {
        "type": "track",
        "event": "SDK - Submitted - Survey Response",
        "userId": "jane",
        "messageId": "0011223344556677-3-42-1714979289123",
        "timestamp": "2024-05-06T07:08:09.123Z",
        "context": {
            "integration": {"name": "sprig", "version": "1.0.0"},
            "library": {"name": "sprig-to-segment", "version": "1.2.3"},
        },
        "properties": {**properties, "createdAt": "2024-05-06T07:08:09.123Z"},
    }
    assert MAPPER.environment(decode(SCHEMA, encode(SCHEMA, record), 0)) == "Production"


def test_a_record_of_nothing_but_a_user_takes_its_time_from_kafka() -> None:
    event = sent({"userId": "jane"})
    assert event["timestamp"] == "2024-05-06T07:08:09.123Z"
    assert set(event["properties"].values()) == {None}
