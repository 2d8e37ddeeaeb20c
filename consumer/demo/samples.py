"""Sample responses for the demo: invented, the same for the same seed, each with the fate that it must meet."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from consumer.demo.expected import (
    ANONYMOUS,
    EMPTY,
    REFUSED,
    TOMBSTONE,
    TOO_LARGE,
    TRAILING_BYTES,
    UNDECODABLE,
    Deliver,
    Fate,
)
from consumer.demo.survey_questions import SURVEYS, Question, Survey

ENVIRONMENTS = ("production", "development")

# What the stand-in of Segment is told to refuse in the demo.
REFUSED_EMAIL = "refuse-me@example.com"

_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_BLANK_IDS = (None, "", "   ")


def _whole(avro: bytes) -> bytes:
    return avro


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One Kafka record in the making: a record to encode, bytes as they are, or `None` for a tombstone.

    `number` counts from 0 and is its identity. `damage` is done to the encoded bytes.
    """

    number: int
    key: bytes
    value: Mapping[str, Any] | bytes | None
    fate: Fate
    damage: Callable[[bytes], bytes] = _whole

    def payload(self, encode: Callable[[Mapping[str, Any]], bytes]) -> bytes | None:
        """Its Avro bytes by `encode`, before any framing (an empty value gets none)."""
        return self.damage(encode(self.value)) if isinstance(self.value, Mapping) else self.value


def responses(n: int, seed: int) -> Iterator[Sample]:
    """`n` samples. The first 60 hold every question type, delivered, and everything that can befall a record."""
    random = Random(seed)  # noqa: S311 - repeatable is the point
    for number in range(n):
        yield _special(number, _plain(number, seed, random), random)


def _plain(number: int, seed: int, random: Random) -> Sample:
    """A visitor answers the six questions of a survey; every tenth visitor is anonymous, every fourth a developer."""
    group, place = divmod(number, 6)
    survey = SURVEYS[group % len(SURVEYS)]
    visitor = Random(f"{seed}/{group}")  # noqa: S311 - repeatable is the point
    environment = ENVIRONMENTS[group % 4 == 3]
    anonymous = group % 10 == 4
    record = _visitor(group, visitor) | _answer(survey, survey.questions[place], number, random)
    record["environment"] = environment
    if anonymous:
        record |= {"userId": _BLANK_IDS[place % 3], "email": None}
    return Sample(number, record["visitorId"].encode(), record, ANONYMOUS if anonymous else Deliver(environment))


def _visitor(group: int, visitor: Random) -> dict[str, Any]:
    return {
        "userId": f"user-{group:05d}",
        "visitorId": str(uuid.UUID(int=visitor.getrandbits(128), version=4)),
        "oldVisitorId": visitor.choice([None, visitor.randint(1_000, 99_999)]),
        "responseGroupId": str(uuid.UUID(int=visitor.getrandbits(128), version=4)),
        "email": f"user-{group:05d}@example.com",
        "attributes": {
            "plan": visitor.choice(["free", "team"]),
            "seats": visitor.randint(1, 40),
            "beta": group % 2 == 0,
        },
        "triggeringEvent": visitor.choice([None, "Report Exported", "Plan Changed"]),
    }


def _answer(survey: Survey, question: Question, number: int, random: Random) -> dict[str, Any]:
    at = _START + timedelta(seconds=7 * number, milliseconds=random.randrange(1000))
    left_out = question.optional and random.random() < 0.2
    return {
        "surveyId": survey.id,
        "surveyName": survey.name,
        "question": question.text,
        "questionType": question.type,
        "response": None if left_out else question.answer(random),
        "createdAt": at,
        "timestamp": at,
    }


def _special(number: int, sample: Sample, random: Random) -> Sample:
    """The records that make trouble, at places of their own in each hundred; only one in all is refused by Segment."""
    if not isinstance(sample.value, Mapping) or sample.fate is ANONYMOUS:
        return sample
    record = dict(sample.value)
    if number == 13:
        return _other(sample, record | {"email": REFUSED_EMAIL}, REFUSED)
    match number % 100:
        case 8:
            return _other(sample, record | {"questionType": "open", "response": "long " * 8_000}, TOO_LARGE)
        case 19:
            return _other(sample, record, UNDECODABLE, lambda avro: avro[: len(avro) // 2])
        case 22:
            # High bits only: a number of Avro that never ends.
            return _other(sample, bytes(random.randrange(128, 256) for _ in range(64)), UNDECODABLE)
        case 31:
            return _other(sample, record, TRAILING_BYTES, lambda avro: avro + b"\x00\x01")
        case 34:
            return _other(sample, b"", EMPTY)
        case 37:
            return _other(sample, None, TOMBSTONE)
    return sample


def _other(
    sample: Sample, value: Mapping[str, Any] | bytes | None, fate: Fate, damage: Callable[[bytes], bytes] = _whole
) -> Sample:
    return Sample(sample.number, sample.key, value, fate, damage)
