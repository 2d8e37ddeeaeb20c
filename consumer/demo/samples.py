"""Sample responses for the demo: invented, the same for the same seed, each with its expected outcome."""

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
    ExpectDelivered,
    ExpectedOutcome,
)
from consumer.demo.survey_questions import SURVEYS, Question, Survey

ENVIRONMENTS = ("production", "development")

REFUSED_EMAIL = "refuse-me@example.com"
"""The email of the event that the stand-in refuses."""

_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_BLANK_IDS = (None, "", "   ")


def _undamaged(avro: bytes) -> bytes:
    return avro


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One Kafka record to produce. `value` is a record to encode, bytes as they are, or None for a tombstone.

    `number` counts from 0 and identifies the sample. `damage` is applied to the encoded bytes.
    """

    number: int
    key: bytes
    value: Mapping[str, Any] | bytes | None
    expected: ExpectedOutcome
    damage: Callable[[bytes], bytes] = _undamaged

    def payload(self, encode: Callable[[Mapping[str, Any]], bytes]) -> bytes | None:
        """The bytes to produce, before any framing. `encode` makes Avro of a record."""
        if isinstance(self.value, Mapping):
            return self.damage(encode(self.value))
        return self.value


def responses(n: int, seed: int) -> Iterator[Sample]:
    """`n` samples. The first 60 have every question type, delivered, and every other outcome of a record."""
    random = Random(seed)  # noqa: S311 - the samples must be repeatable
    for number in range(n):
        yield _special(number, _ordinary(number, seed, random), random)


def _ordinary(number: int, seed: int, random: Random) -> Sample:
    """A visitor answers the six questions of a survey; every tenth visitor is anonymous, every fourth a developer."""
    group, question_number = divmod(number, 6)
    survey = SURVEYS[group % len(SURVEYS)]
    visitor_random = Random(f"{seed}/{group}")  # noqa: S311 - the samples must be repeatable
    environment = "development" if group % 4 == 3 else "production"
    record = _visitor(group, visitor_random) | _answer(survey, survey.questions[question_number], number, random)
    record["environment"] = environment
    expected: ExpectedOutcome = ExpectDelivered(environment)
    if group % 10 == 4:
        record |= {"userId": _BLANK_IDS[question_number % 3], "email": None}
        expected = ANONYMOUS
    return Sample(number, record["visitorId"].encode(), record, expected)


def _visitor(group: int, random: Random) -> dict[str, Any]:
    return {
        "userId": f"user-{group:05d}",
        "visitorId": str(uuid.UUID(int=random.getrandbits(128), version=4)),
        "oldVisitorId": random.choice([None, random.randint(1_000, 99_999)]),
        "responseGroupId": str(uuid.UUID(int=random.getrandbits(128), version=4)),
        "email": f"user-{group:05d}@example.com",
        "attributes": {
            "plan": random.choice(["free", "team"]),
            "seats": random.randint(1, 40),
            "beta": group % 2 == 0,
        },
        "triggeringEvent": random.choice([None, "Report Exported", "Plan Changed"]),
    }


def _answer(survey: Survey, question: Question, number: int, random: Random) -> dict[str, Any]:
    time = _START + timedelta(seconds=7 * number, milliseconds=random.randrange(1000))
    response = None
    if not question.optional or random.random() >= 0.2:
        response = question.answer(random)
    return {
        "surveyId": survey.id,
        "surveyName": survey.name,
        "question": question.text,
        "questionType": question.type,
        "response": response,
        "createdAt": time,
        "timestamp": time,
    }


def _special(number: int, sample: Sample, random: Random) -> Sample:
    """
    In place of a delivered sample, at fixed numbers of each hundred, a sample with another outcome.

    Only number 13 is refused by Segment.
    """
    if not isinstance(sample.value, Mapping) or sample.expected is ANONYMOUS:
        return sample
    record = dict(sample.value)
    if number == 13:
        return _replace(sample, record | {"email": REFUSED_EMAIL}, REFUSED)
    match number % 100:
        case 8:
            return _replace(sample, record | {"questionType": "open", "response": "long " * 8_000}, TOO_LARGE)
        case 19:
            return _replace(sample, record, UNDECODABLE, lambda avro: avro[: len(avro) // 2])
        case 22:
            # Bytes with the high bit set: an Avro integer that never ends.
            return _replace(sample, bytes(random.randrange(128, 256) for _ in range(64)), UNDECODABLE)
        case 31:
            return _replace(sample, record, TRAILING_BYTES, lambda avro: avro + b"\x00\x01")
        case 34:
            return _replace(sample, b"", EMPTY)
        case 37:
            return _replace(sample, None, TOMBSTONE)
    return sample


def _replace(
    sample: Sample,
    value: Mapping[str, Any] | bytes | None,
    expected: ExpectedOutcome,
    damage: Callable[[bytes], bytes] = _undamaged,
) -> Sample:
    return Sample(sample.number, sample.key, value, expected, damage)
