"""Errors in answers about committed offsets: the offsets never go back, and partitions are read without them."""

import gc
import itertools
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.records import LogPosition
from tests.failing_broker import OFFSET_COMMIT, OFFSET_FETCH, FailingBroker, failing_broker
from tests.support import wait_until

TOPIC = "answers"
PARTITIONS = 2
RECORDS = 30
GROUP_NUMBERS = itertools.count()
# The errors after which the client sends the same commit again.
RETRIED_COMMITS = [KafkaError.REQUEST_TIMED_OUT, KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS]
# The errors after which the client asks no more for committed offsets.
FINAL_FETCHES = [KafkaError.NOT_COORDINATOR, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.GROUP_AUTHORIZATION_FAILED]


@pytest.fixture(scope="module")
def broker() -> Iterator[FailingBroker]:
    with failing_broker() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
        for number in range(RECORDS):
            producer.produce(TOPIC, b"%d" % number, partition=number % PARTITIONS)
        assert not producer.flush(10)
        yield broker


@pytest.fixture
def group() -> str:
    return f"group-{next(GROUP_NUMBERS)}"


@pytest.fixture
def consumer(broker: FailingBroker, group: str, protocol: str) -> Iterator[GroupConsumer]:
    gc.collect()  # a client that Python frees on a thread of another client aborts the process
    consumer = GroupConsumer(consumer_config(broker.address, group, {"group.protocol": protocol}), TOPIC, True)
    consumer.subscribe(lambda _: None, lambda _: None, lambda _: None)
    yield consumer
    consumer.close()


@pytest.fixture
def committed(broker: FailingBroker, group: str) -> Iterator[Callable[[], int]]:
    """The offset of partition 0 that the group has."""
    watcher = Consumer({"bootstrap.servers": broker.address, "group.id": group, "log_level": 0})
    yield lambda: int(watcher.committed([TopicPartition(TOPIC, 0)], timeout=10)[0].offset)
    watcher.close()


def read_all(consumer: GroupConsumer) -> None:
    """Read until each record was read, and fail if one was read twice."""
    offsets: list[tuple[int, int]] = []

    def has_all() -> bool:
        for partition, records in consumer.read(RECORDS, 0.1).records.items():
            offsets.extend((partition, record.offset) for record in records)
        return len(offsets) >= RECORDS

    wait_until(has_all, "all records to be read")
    expected = [(partition, offset) for partition in range(PARTITIONS) for offset in range(RECORDS // PARTITIONS)]
    assert sorted(offsets) == expected


@pytest.mark.parametrize("code", RETRIED_COMMITS, ids=lambda code: str(KafkaError(code).name()))
def test_a_commit_that_is_retried_does_not_undo_the_next_one(
    broker: FailingBroker, consumer: GroupConsumer, committed: Callable[[], int], code: int
) -> None:
    read_all(consumer)
    seen: list[int] = []

    def is_committed(offset: int) -> bool:
        consumer.read(1, 0.01)
        seen.append(committed())
        return seen[-1] == offset

    broker.fail(OFFSET_COMMIT, [code])
    for offset in (5, 10):
        consumer.commit({0: LogPosition(offset)})
    ends_at = time.monotonic() + 1  # in which the client sends the first one again
    while time.monotonic() < ends_at:
        is_committed(10)

    def is_committed_at_last() -> bool:
        consumer.commit({0: LogPosition(10)})  # the one before may still wait for its answer
        return is_committed(10)

    wait_until(is_committed_at_last, "the second commit")
    assert seen == sorted(seen)


@pytest.mark.parametrize("code", FINAL_FETCHES, ids=lambda code: str(KafkaError(code).name()))
def test_an_assignment_without_committed_offsets_is_read(
    broker: FailingBroker, consumer: GroupConsumer, code: int
) -> None:
    broker.fail(OFFSET_FETCH, [code] * 3)
    read_all(consumer)
    assert broker.requests(OFFSET_FETCH) > 3
