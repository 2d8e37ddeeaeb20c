"""Dead letters against a producer that fails as brokers do: each is confirmed, refused for good, or sent again."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.errors import ServiceError
from consumer.kafka import dead_letters
from consumer.kafka.dead_letters import DeadLetters
from consumer.model import Letter, Message

Sent = dict[str, Any]


class Broker:
    """A producer whose deliveries end as `errors` say, one after the other, and well after that."""

    def __init__(self, *errors: int | type[Exception]) -> None:
        self.sent: list[Sent] = []
        self.fatal: KafkaException | None = None
        self._errors = list(errors)
        self._reports: list[Callable[[], None]] = []

    def __call__(self, config: Any) -> "Broker":
        return self

    def produce(self, topic: str, value: bytes, key: bytes, **options: Any) -> None:
        error = self._errors.pop(0) if self._errors else None
        if error is BufferError:
            raise BufferError
        self.sent.append({"topic": topic, "value": value, "key": key, **options})
        told = KafkaError(error) if isinstance(error, int) else None
        self._reports.append(lambda: options["on_delivery"](told, None))

    def poll(self, wait: float) -> None:
        if self.fatal:
            raise self.fatal
        while self._reports:
            self._reports.pop(0)()


@pytest.fixture
def letter() -> Letter:
    return Letter(Message(3, 42, 1_700_000_000_000, b"k", b"v", (("h", b"1"),)), "undecodable", "decoding", "EOFError")


def writer(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> DeadLetters:
    monkeypatch.setattr(dead_letters, "Producer", broker)
    return DeadLetters({}, "dead-letters", "topic", "1.2.3")


@pytest.mark.parametrize("key", [b"k", b"", None])
@pytest.mark.parametrize("value", [b"\0\xff", b"", None])
def test_a_letter_keeps_what_it_was_and_says_why_it_is_there(
    key: bytes | None, value: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = (("h", b"1"), ("h", None), ("dead-letter-reason", b"of another service"))
    message = Message(3, 42, 1_700_000_000_000, key, value, its)
    letter = Letter(message, "undecodable", "decoding", "EOFError", schema="7", attempts=2)
    broker = Broker()
    letters = writer(broker, monkeypatch)
    letters.put(letter)
    assert letters.advance(0.0).confirmed == [letter]
    (sent,) = broker.sent
    assert (sent["topic"], sent["key"], sent["value"], sent["timestamp"]) == (
        *("dead-letters", key, value),
        message.timestamp,
    )
    assert tuple(sent["headers"][: len(its)]) == its
    assert dict(sent["headers"][len(its) :]) == {
        "dead-letter-topic": b"topic",
        "dead-letter-version": b"1.2.3",
        "dead-letter-partition": b"3",
        "dead-letter-offset": b"42",
        "dead-letter-timestamp": b"1700000000000",
        "dead-letter-reason": b"undecodable",
        "dead-letter-stage": b"decoding",
        "dead-letter-detail": b"EOFError",
        "dead-letter-schema": b"7",
        "dead-letter-attempts": b"2",
    }


@pytest.mark.parametrize("error", [KafkaError._MSG_TIMED_OUT, KafkaError.TOPIC_AUTHORIZATION_FAILED, BufferError])
def test_a_passing_failure_is_tried_again_after_a_second(
    error: int | type[Exception], letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = writer(Broker(error), monkeypatch)
    letters.put(letter)
    assert not letters.advance(0.0).confirmed
    assert not letters.advance(0.9).confirmed
    assert letters.advance(1.0).confirmed == [letter]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, "dead_letter_too_large"),
        (KafkaError.INVALID_RECORD, "dead_letter_refused"),
        (KafkaError.POLICY_VIOLATION, "dead_letter_refused"),
    ],
)
def test_a_letter_that_is_never_taken_is_told_once(
    error: int, reason: str, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker(error)
    letters = writer(broker, monkeypatch)
    letters.put(letter)
    assert letters.advance(0.0).refused == [(letter, reason)]
    assert letter.stuck
    assert letters.advance(9.0).refused == []
    assert len(broker.sent) == 1


def test_a_time_that_the_topic_refuses_is_left_out(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(KafkaError.INVALID_TIMESTAMP)
    letters = writer(broker, monkeypatch)
    letters.put(letter)
    letters.advance(0.0)
    assert letters.advance(1.0).confirmed == [letter]
    assert [sent["timestamp"] for sent in broker.sent] == [letter.message.timestamp, 0]


def test_a_revoked_letter_is_not_sent(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    letters = writer(broker, monkeypatch)
    letters.put(letter)
    letter.revoked = True
    letters.advance(0.0)
    assert not broker.sent


def test_a_producer_that_cannot_go_on_is_a_clear_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    broker.fatal = KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER))
    with pytest.raises(ServiceError, match="dead letters cannot go on"):
        writer(broker, monkeypatch).advance(0.0)


def test_a_letter_that_met_a_fatal_error_ends_the_service(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = writer(Broker(KafkaError._FATAL), monkeypatch)
    letters.put(letter)
    with pytest.raises(ServiceError, match="cannot go on"):
        letters.advance(0.0)
