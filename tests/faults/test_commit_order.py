"""A commit that the client retries by itself: the group's offsets never go back."""

import itertools
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from tests.faults.mock_errors import OFFSET_COMMIT, FailingBroker, failing_broker
from tests.support import wait_until

TOPIC = "answers"
RECORDS = 30
# The errors after which the client sends the same commit again.
RETRIED = [KafkaError.REQUEST_TIMED_OUT, KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS]
GROUP_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def broker() -> Iterator[FailingBroker]:
    with failing_broker() as broker:
        broker.create_topic(TOPIC, 1)
        producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
        for number in range(RECORDS):
            producer.produce(TOPIC, b"%d" % number, partition=0)
        assert not producer.flush(10)
        yield broker


@pytest.fixture
def group() -> str:
    return f"group-{next(GROUP_NUMBERS)}"


@pytest.fixture
def consumer(broker: FailingBroker, group: str, protocol: str) -> Iterator[GroupConsumer]:
    consumer = GroupConsumer(consumer_config(broker.address, group, {"group.protocol": protocol}), TOPIC, True)
    consumer.subscribe(lambda _: None, lambda _: None, lambda _: None)
    count = 0

    def has_all() -> bool:
        nonlocal count
        count += len(consumer.read(RECORDS, 0.1).records.get(0, []))
        return count >= RECORDS

    wait_until(has_all, "all records to be read")
    yield consumer
    consumer.close()


@pytest.mark.parametrize("code", RETRIED, ids=lambda code: str(KafkaError(code).name()))
def test_a_commit_that_is_retried_does_not_undo_the_next_one(
    broker: FailingBroker, consumer: GroupConsumer, group: str, code: int
) -> None:
    seen: list[int] = []
    watch = Consumer({"bootstrap.servers": broker.address, "group.id": group, "log_level": 0})

    def committed() -> int:
        consumer.read(1, 0.01)
        (topic_partition,) = watch.committed([TopicPartition(TOPIC, 0)], timeout=10)
        seen.append(topic_partition.offset)
        return topic_partition.offset

    def commits(offset: int) -> bool:
        consumer.commit()
        return committed() == offset

    broker.fail(OFFSET_COMMIT, [code])
    for offset in (10, 20):
        consumer.store({0: offset})
        consumer.commit()
    ends_at = time.monotonic() + 1  # in which the client sends the first one again
    while time.monotonic() < ends_at:
        committed()
    wait_until(lambda: commits(20), "the second commit")
    watch.close()
    assert seen == sorted(seen)
