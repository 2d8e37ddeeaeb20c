"""The reference shape: survey responses of 15 fields and 5 attributes, some 360 bytes of Avro, 800 of JSON."""

import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import fastavro

SCHEMA_FILE = Path(__file__).parents[1] / "schemas" / "sprig" / "response.avsc"

FIRST_TIMESTAMP = 1_772_442_000_000  # in ms since 1970
_QUESTIONS = ("How satisfied are you with the checkout?", "What nearly kept you from buying today?")
_WORDS = (
    "clear",
    "quick",
    "the",
    "prices",
    "were",
    "easy",
    "to",
    "compare",
    "delivery",
    "took",
    "longer",
    "than",
    "said",
)


def schema_json() -> dict[str, Any]:
    """The schema that records are written with."""
    parsed: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    return parsed


def schema() -> Any:
    """The schema that records are written with, as fastavro parses it."""
    return fastavro.parse_schema(schema_json())


def values(count: int) -> Iterator[bytes]:
    """The Avro bytes of `count` responses, the same each time."""
    random, writer_schema = Random(1), schema()
    for number in range(count):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, writer_schema, response(number, random))
        yield stream.getvalue()


def response(number: int, random: Random) -> dict[str, Any]:
    """One response as fastavro encodes it. `number` decides its time, `random` its other values."""
    return {
        "userId": f"user-{random.randrange(10**6):06}",
        "visitorId": str(uuid.UUID(int=random.getrandbits(128))),
        "oldVisitorId": random.randrange(10**9),
        "surveyId": str(uuid.UUID(int=random.getrandbits(128))),
        "surveyName": "Checkout satisfaction",
        "createdAt": FIRST_TIMESTAMP - random.randrange(10**9),
        "question": random.choice(_QUESTIONS),
        "questionType": "open",
        "responseGroupId": str(uuid.UUID(int=random.getrandbits(128))),
        "response": " ".join(words(random, 8)),
        "email": f"user{random.randrange(10**6)}@example.com",
        "attributes": {
            "plan": "team",
            "seats": random.randrange(50),
            "score": random.random(),
            "trial": False,
            "region": "eu",
        },
        "triggeringEvent": "Order Completed",
        "timestamp": FIRST_TIMESTAMP + number * 20,
        "environment": "production",
    }


def words(random: Random, count: int) -> list[str]:
    """Words of an answer."""
    return random.choices(_WORDS, k=count)
