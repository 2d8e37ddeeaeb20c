"""The samples: the same every time, of every type, with every outcome that a record can have."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from consumer.demo import expected
from consumer.demo.expected import ExpectDelivered
from consumer.demo.samples import ENVIRONMENTS, REFUSED_EMAIL, Sample, responses

# Types seen in Sprig's browser SDK.
TYPES = {
    *("aidynamicfollowup", "aidynamicstandalone", "consentlegal", "likert", "matrix", "maxdiff", "conjoint"),
    *("multiplechoice", "multipleselect", "nps", "open", "rankorder", "recordedtask", "texturlprompt", "uploading"),
    *("validatedtext", "videovoice"),
}

FIELDS = {
    *("userId", "visitorId", "oldVisitorId", "surveyId", "surveyName", "createdAt", "question", "questionType"),
    *("responseGroupId", "response", "email", "attributes", "triggeringEvent", "timestamp", "environment"),
}

SAMPLES = list(responses(600, seed=7))


def records(samples: list[Sample]) -> list[Mapping[str, Any]]:
    return [sample.value for sample in samples if isinstance(sample.value, Mapping)]


def test_the_same_seed_gives_the_same_samples() -> None:
    def fields(seed: int) -> list[object]:
        return [(sample.number, sample.key, sample.value, sample.expected) for sample in responses(80, seed)]

    assert fields(1) == fields(1) != fields(2)
    assert fields(1)[:10] == fields(1)[:10]


def test_every_question_type_is_delivered_among_the_first_sixty() -> None:
    delivered = [sample for sample in SAMPLES[:60] if isinstance(sample.expected, ExpectDelivered)]
    assert {record["questionType"] for record in records(delivered)} == TYPES


def test_every_outcome_occurs_among_the_first_sixty() -> None:
    outcomes = {expected.ANONYMOUS, expected.TOMBSTONE, expected.EMPTY, expected.UNDECODABLE, expected.TRAILING_BYTES}
    outcomes |= {expected.TOO_LARGE, expected.REFUSED}
    assert {sample.expected for sample in SAMPLES[:60]} == outcomes | {ExpectDelivered(name) for name in ENVIRONMENTS}


def test_every_record_has_every_field() -> None:
    for record in records(SAMPLES):
        assert set(record) == FIELDS
        assert record["createdAt"].tzinfo
        assert record["timestamp"].tzinfo
        assert record["email"] is None or record["email"].endswith("@example.com")


def test_a_record_goes_to_the_source_of_its_environment() -> None:
    for sample in SAMPLES:
        if isinstance(sample.expected, ExpectDelivered) and isinstance(sample.value, Mapping):
            assert sample.expected.environment == sample.value["environment"]
            assert sample.value["userId"].strip()


def test_a_tenth_is_anonymous_in_three_spellings() -> None:
    anonymous = [sample for sample in SAMPLES if sample.expected == expected.ANONYMOUS]
    assert len(anonymous) == 60
    assert Counter(record["userId"] for record in records(anonymous)) == {None: 20, "": 20, "   ": 20}


def test_a_survey_asks_the_same_text_twice() -> None:
    questions = Counter((record["responseGroupId"], record["question"]) for record in records(SAMPLES[:6]))
    assert 2 in questions.values()


def test_some_answers_are_null_and_one_record_is_to_be_refused() -> None:
    assert any(record["response"] is None for record in records(SAMPLES))
    assert [s.number for s in SAMPLES if isinstance(s.value, Mapping) and s.value["email"] == REFUSED_EMAIL] == [13]


def test_an_oversized_answer_is_too_large_for_an_event() -> None:
    large = [sample for sample in SAMPLES if sample.expected == expected.TOO_LARGE]
    assert large
    assert all(len(record["response"]) > 32_000 for record in records(large))


def test_damage_is_applied_to_the_encoded_bytes() -> None:
    def payloads(expected_outcome: object) -> list[bytes | None]:
        return [
            sample.payload(lambda record: b"0123456789")
            for sample in SAMPLES[:60]
            if sample.expected == expected_outcome
        ]

    truncated, noise = payloads(expected.UNDECODABLE)
    assert truncated == b"01234"
    assert noise
    assert min(noise) >= 128
    assert payloads(expected.TRAILING_BYTES) == [b"0123456789\x00\x01"]
    assert payloads(expected.EMPTY) == [b""]
    assert payloads(expected.TOMBSTONE) == [None]
    assert set(payloads(ExpectDelivered("production"))) == {b"0123456789"}
