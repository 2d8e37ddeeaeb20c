"""The first record behind each offset: read within a bound, and without a trace in the group."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from consumer.errors import NotPermitted
from consumer.kafka import oldest_records
from consumer.kafka.mock_broker import MockBroker, committed
from consumer.kafka.oldest_records import OldestRecords


class FakeMessage:
    """A record with a time, or an error in its place."""

    def __init__(self, partition: int, millis: int = -1, error: int | None = None) -> None:
        self._partition, self._millis, self._error = partition, millis, error

    def partition(self) -> int:
        return self._partition

    def timestamp(self) -> tuple[int, int]:
        return (1, self._millis)

    def error(self) -> KafkaError | None:
        return None if self._error is None else KafkaError(self._error)


class FakeConsumer:
    """Gives the messages of a test, one batch a call, and then nothing."""

    def __init__(self, *batches: list[FakeMessage]) -> None:
        self.batches = list(batches)
        self.assigned: set[int] = set()

    def assign(self, topic_partitions: list[TopicPartition]) -> None:
        self.assigned = {topic_partition.partition for topic_partition in topic_partitions}

    def incremental_unassign(self, topic_partitions: list[TopicPartition]) -> None:
        self.assigned -= {topic_partition.partition for topic_partition in topic_partitions}

    def unassign(self) -> None:
        self.assigned = set()

    def consume(self, limit: int, timeout: float) -> list[FakeMessage]:
        return self.batches.pop(0) if self.batches else []


def oldest(monkeypatch: pytest.MonkeyPatch, consumer: FakeConsumer) -> OldestRecords:
    monkeypatch.setattr(oldest_records, "create_client", lambda client_class, config: consumer)
    return OldestRecords("broker:9092", "group", {}, "topic")


def test_the_first_record_of_each_partition_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = FakeConsumer([FakeMessage(0, 5), FakeMessage(0, 6)], [FakeMessage(0, 7), FakeMessage(1, 8)])
    assert oldest(monkeypatch, consumer).read({0: 3, 1: 4}, 60) == ({0: 5, 1: 8}, frozenset())
    assert consumer.assigned == set()


@pytest.mark.parametrize(
    "message",
    [
        FakeMessage(0, error=KafkaError._PARTITION_EOF),
        FakeMessage(0, error=KafkaError._AUTO_OFFSET_RESET),
        FakeMessage(0),
    ],
    ids=["end", "reset", "no time"],
)
def test_a_partition_without_a_time_is_answered_and_unknown(
    monkeypatch: pytest.MonkeyPatch, message: FakeMessage
) -> None:
    assert oldest(monkeypatch, FakeConsumer([message])).read({0: 3}, 60) == ({}, frozenset())


def test_a_partition_that_does_not_answer_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = FakeConsumer([FakeMessage(0, 5), FakeMessage(1, error=KafkaError._TRANSPORT)])
    clock = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert oldest(monkeypatch, consumer).read({0: 3, 1: 4}, 3) == ({0: 5}, frozenset([1]))


def test_a_missing_right_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = FakeConsumer([FakeMessage(0, error=KafkaError.TOPIC_AUTHORIZATION_FAILED)])
    with pytest.raises(NotPermitted):
        oldest(monkeypatch, consumer).read({0: 3}, 60)
    assert consumer.assigned == set()


@pytest.fixture
def reader(broker: MockBroker) -> Iterator[Any]:
    with closing(OldestRecords(broker.address, "group", {}, "topic")) as reader:
        yield reader


@pytest.fixture(scope="module")
def broker() -> MockBroker:
    broker = MockBroker()
    broker.create_topic("topic")
    for _ in range(3):
        broker.produce("topic", 0, None, b"x" * 50_000)  # larger than what the client asks for
    broker.flush()
    return broker


def test_a_large_record_is_read_again_and_again_and_nothing_is_committed(
    broker: MockBroker, reader: OldestRecords
) -> None:
    before = int(time.time() * 1000) - 60_000
    for _ in range(2):
        times, unanswered = reader.read({0: 1, 1: 0}, 10)
        assert (set(times), unanswered) == ({0}, frozenset())
        assert times[0] > before
    assert committed(broker.address, "group", "topic", 4) == dict.fromkeys(range(4), -1)
