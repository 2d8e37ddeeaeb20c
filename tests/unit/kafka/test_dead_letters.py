"""Dead letters against a producer that fails as brokers do: each is confirmed, refused for good, or sent again."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from consumer.errors import ServiceError
from consumer.kafka import dead_letters
from consumer.kafka.client_config import producer_config
from consumer.kafka.dead_letter_headers import parse_dead_letter
from consumer.kafka.dead_letters import DeadLetterWriter
from consumer.kafka.known_brokers import FORGOTTEN_REPORTS
from consumer.kafka.mock_broker import MockBroker, records
from consumer.kafka.records import to_record
from consumer.model import DeadLetter, Headers, Record, Rejected
from consumer.reasons import BlockReason, Reason
from consumer.waits import WaitKind
from tests.ports import free_port
from tests.support import wait_until

UNDECODABLE = Rejected(Reason.UNDECODABLE, "decoding", "EOFError")


class FakeProducer:
    """Its deliveries end as `errors` say, one after the other, and well after that and where an error is None."""

    def __init__(self, *errors: int | type[Exception] | None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.fatal: KafkaException | None = None
        self._errors = list(errors)
        self._reports: list[Callable[[], None]] = []

    def __call__(self, config: Any) -> "FakeProducer":
        return self

    def produce(self, topic: str, value: bytes, key: bytes, **options: Any) -> None:
        error = self._errors.pop(0) if self._errors else None
        if error is BufferError:
            raise BufferError
        self.sent.append({"topic": topic, "value": value, "key": key, **options})
        delivery_error = KafkaError(error) if isinstance(error, int) else None
        self._reports.append(lambda: options["on_delivery"](delivery_error, None))

    def poll(self, wait: float) -> None:
        if self.fatal:
            raise self.fatal
        while self._reports:
            self._reports.pop(0)()


@pytest.fixture
def dead_letter() -> DeadLetter:
    return DeadLetter(Record(3, 42, 1_700_000_000_000, b"k", b"v", (("h", b"1"),)), UNDECODABLE)


def writer_with(producer: FakeProducer, monkeypatch: pytest.MonkeyPatch) -> DeadLetterWriter:
    monkeypatch.setattr(dead_letters, "Producer", producer)
    return DeadLetterWriter({}, "dead-letters", "topic", "1.2.3")


@pytest.mark.parametrize("key", [b"k", b"", None])
@pytest.mark.parametrize("value", [b"\0\xff", b"", None])
def test_a_dead_letter_keeps_its_record_and_says_why_it_is_there(
    key: bytes | None, value: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers: Headers = (("h", b"1"), ("h", None), ("dead-letter-reason", b"of another service"))
    record = Record(3, 42, 1_700_000_000_000, key, value, headers)
    dead_letter = DeadLetter(record, Rejected(Reason.UNDECODABLE, "decoding", "EOFError", schema="7"), attempts=2)
    producer = FakeProducer()
    writer = writer_with(producer, monkeypatch)
    writer.put(dead_letter)
    assert writer.advance(0.0).confirmed == [dead_letter]
    (sent,) = producer.sent
    assert (sent["topic"], sent["key"], sent["value"]) == ("dead-letters", key, value)
    assert tuple(sent["headers"][: len(headers)]) == headers
    assert dict(sent["headers"][len(headers) :]) == {
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


@pytest.mark.parametrize(
    "error",
    [
        KafkaError._MSG_TIMED_OUT,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.INVALID_TIMESTAMP,  # a clock is wrong, and the next attempt has another time
        BufferError,
    ],
)
def test_a_passing_failure_is_retried_after_a_second(
    error: int | type[Exception], dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_with(FakeProducer(error), monkeypatch)
    writer.put(dead_letter)
    assert not writer.advance(0.0).confirmed
    assert not writer.advance(0.9).confirmed
    assert writer.advance(1.0).confirmed == [dead_letter]


def test_the_topic_is_waited_for_since_the_first_failure_until_it_confirms(
    dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = KafkaError.NOT_ENOUGH_REPLICAS
    writer = writer_with(FakeProducer(error, error), monkeypatch)
    writer.put(dead_letter)
    assert not writer.waits
    writer.advance(5.0)
    writer.advance(6.0)
    (wait,) = writer.waits
    assert (wait.kind, wait.subject, wait.since, wait.next_try_at) == (WaitKind.DEAD_LETTER, "3:42", 5.0, 7.0)
    writer.advance(7.0)
    assert not writer.waits


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, BlockReason.DEAD_LETTER_TOO_LARGE),
        (KafkaError.INVALID_RECORD, BlockReason.DEAD_LETTER_REFUSED),
        (KafkaError.POLICY_VIOLATION, BlockReason.DEAD_LETTER_REFUSED),
    ],
)
def test_a_dead_letter_that_is_refused_for_good_is_reported_once(
    error: int, reason: str, dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = FakeProducer(error)
    writer = writer_with(producer, monkeypatch)
    writer.put(dead_letter)
    reports = writer.advance(0.0)
    assert (reports.confirmed, reports.refused) == ([], [(dead_letter, reason)])
    assert writer.advance(9.0).refused == []
    assert len(producer.sent) == 1


def test_a_dead_letter_of_a_forgotten_partition_is_not_sent(
    dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = FakeProducer()
    writer = writer_with(producer, monkeypatch)
    writer.put(dead_letter)
    writer.forget({dead_letter.record.partition})
    writer.advance(0.0)
    assert not producer.sent


@pytest.mark.parametrize("error", [None, KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._MSG_TIMED_OUT])
def test_a_dead_letter_in_flight_is_not_reported_after_its_partition_was_forgotten(
    error: int | None, dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = FakeProducer(error)
    writer = writer_with(producer, monkeypatch)
    writer.put(dead_letter)
    monkeypatch.setattr(producer, "poll", lambda wait: None)  # the broker has not answered yet
    writer.advance(0.0)
    writer.forget({dead_letter.record.partition})
    monkeypatch.undo()
    for now in (0.0, 9.0):
        reports = writer.advance(now)
        assert (reports.confirmed, reports.refused) == ([], [])
    assert len(producer.sent) == 1


@pytest.mark.parametrize(
    ("value", "is_held_already"), [(b"v", True), (b"of a recreated topic", False)], ids=["same record", "other record"]
)
@pytest.mark.parametrize("error", [None, KafkaError._MSG_TIMED_OUT])
def test_a_dead_letter_in_flight_is_not_sent_again_when_its_partition_comes_back(
    error: int | None,
    value: bytes,
    is_held_already: bool,
    dead_letter: DeadLetter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The producer cannot take it back: for example its broker is away, and the member lost its session as well."""
    producer = FakeProducer(error)
    writer = writer_with(producer, monkeypatch)
    with monkeypatch.context() as no_answer:
        no_answer.setattr(producer, "poll", lambda wait: None)
        writer.put(dead_letter)
        writer.advance(0.0)
        writer.forget({dead_letter.record.partition})
        rejected_again = DeadLetter(dead_letter.record._replace(value=value), UNDECODABLE)
        writer.put(rejected_again)
        writer.advance(0.0)
    confirmed = [*writer.advance(0.0).confirmed, *writer.advance(9.0).confirmed]
    assert confirmed == [rejected_again]
    is_sent_once = is_held_already and error is None
    assert len(producer.sent) == (1 if is_sent_once else 2)


@pytest.mark.parametrize("error", [None, KafkaError._MSG_TIMED_OUT])
def test_a_dead_letter_that_the_producer_holds_no_more_is_sent_again(
    error: int | None, dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its partition was lost before the commit, and came back. Otherwise nobody would ever confirm it."""
    producer = FakeProducer(error)
    writer = writer_with(producer, monkeypatch)
    writer.put(dead_letter)
    writer.advance(0.0)
    writer.forget({dead_letter.record.partition})
    rejected_again = DeadLetter(dead_letter.record, UNDECODABLE)
    writer.put(rejected_again)
    assert writer.advance(9.0).confirmed == [rejected_again]
    assert len(producer.sent) == 2


def test_a_producer_that_cannot_continue_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = FakeProducer()
    producer.fatal = KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER))
    with pytest.raises(ServiceError, match="dead letters cannot continue"):
        writer_with(producer, monkeypatch).advance(0.0)


def test_a_fatal_error_of_a_dead_letter_ends_the_service(
    dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_with(FakeProducer(KafkaError._FATAL), monkeypatch)
    writer.put(dead_letter)
    with pytest.raises(ServiceError, match="cannot continue"):
        writer.advance(0.0)


def write_to_broker(broker: MockBroker, dead_letters: Sequence[DeadLetter]) -> list[Any]:
    """The client's messages of the dead letters, once all of them are confirmed."""
    broker.create_topic("dead-letters")
    writer = DeadLetterWriter(producer_config(broker.address, {}), "dead-letters", "topic", "1")
    for dead_letter in dead_letters:
        writer.put(dead_letter)
    confirmed: list[DeadLetter] = []

    def all_are_confirmed() -> bool:
        confirmed.extend(writer.advance(time.monotonic(), 0.1).confirmed)
        return len(confirmed) == len(dead_letters)

    wait_until(all_are_confirmed, "all dead letters to be confirmed")
    writer.close()
    return list(records(broker.address, "dead-letters"))


def test_the_broker_decides_how_large_a_dead_letter_may_be() -> None:
    sizes = (10, 900_000, 1_040_000)
    dead_letters = [
        DeadLetter(Record(0, offset, 0, b"k", b"x" * size, ()), UNDECODABLE) for offset, size in enumerate(sizes)
    ]
    messages = write_to_broker(MockBroker(), dead_letters)
    assert sorted(len(message.value()) for message in messages) == sorted(sizes)


@pytest.mark.parametrize("timestamp", [-1, 0, 1_700_000_000_000, 2**62], ids=["none", "1970", "old", "future"])
def test_the_time_of_a_dead_letter_is_that_of_its_rejection_whatever_the_age_of_its_record(timestamp: int) -> None:
    begins_at = int(time.time() * 1000)
    (message,) = write_to_broker(MockBroker(), [DeadLetter(Record(0, 0, timestamp, b"k", b"v", ()), UNDECODABLE)])
    assert begins_at <= message.timestamp()[1] <= int(time.time() * 1000)
    stored = parse_dead_letter(to_record(message))
    assert stored
    assert (stored.rejected_at, stored.record.timestamp) == (message.timestamp()[1], timestamp)


def test_a_dead_letter_is_written_once_by_a_new_client_if_the_first_has_forgotten_all_brokers(
    dead_letter: DeadLetter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first client never finds a broker, and says in its statistics that it knows none."""
    broker, configs, closed = MockBroker(), list[dict[str, Any]](), list[object]()
    broker.create_topic("dead-letters")
    report, reported_on = DeadLetterWriter._report, set[str]()

    class RecordingProducer(Producer):
        def close(self, *arguments: Any) -> bool:
            closed.append(self)
            return super().close(*arguments)

    def connect(config: dict[str, Any]) -> Producer:
        configs.append(config)
        address = broker.address if len(configs) > 1 else f"127.0.0.1:{free_port()}"
        return RecordingProducer({**config, "bootstrap.servers": address})

    def record_thread(writer: DeadLetterWriter, *arguments: Any) -> None:
        reported_on.add(threading.current_thread().name)
        report(writer, *arguments)

    monkeypatch.setattr(dead_letters, "Producer", connect)
    monkeypatch.setattr(DeadLetterWriter, "_report", record_thread)
    writer = DeadLetterWriter(producer_config(broker.address, {}), "dead-letters", "topic", "1")
    writer.put(dead_letter)
    assert not writer.advance(time.monotonic()).confirmed
    absent = "Kafka client error, retrying"
    wait_until(
        lambda: writer.advance(time.monotonic(), 0.1) and absent in caplog.messages, "the absent broker in the log"
    )
    for _ in range(FORGOTTEN_REPORTS):
        configs[0]["stats_cb"]("{}")
    wait_until(lambda: writer.advance(time.monotonic(), 0.1).confirmed, "the dead letter to be confirmed")
    writer.close()
    assert (len(configs), len(closed)) == (2, 2)
    assert reported_on == {threading.main_thread().name}  # all state of the writer belongs to one thread
    assert [record.value() for record in records(broker.address, "dead-letters")] == [dead_letter.record.value]
    assert "writing dead letters with a new Kafka client" in caplog.messages
