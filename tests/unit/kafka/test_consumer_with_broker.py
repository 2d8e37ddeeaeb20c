"""The group's consumer on the broker inside librdkafka: offset resets, lower offsets, and paused partitions."""

import gc
import itertools
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition

from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.mock_broker import MockBroker
from consumer.kafka.records import LogPosition
from consumer.kafka.topic_id import TopicIdentity, parse_metadata
from tests.support import wait_until

TOPIC = "topic"
GROUP_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def broker() -> MockBroker:
    broker = MockBroker()
    broker.create_topic(TOPIC)
    for number in range(50):
        broker.produce(TOPIC, 0, None, b"%d" % number)
    broker.flush()
    return broker


@pytest.fixture
def consumer(broker: MockBroker, request: pytest.FixtureRequest) -> Iterator[GroupConsumer]:
    gc.collect()  # a client that Python frees on a thread of another client aborts the process
    options = {"group.protocol": getattr(request, "param", "consumer")}
    config = consumer_config(broker.address, f"group-{next(GROUP_NUMBERS)}", options)
    consumer = GroupConsumer(config, TOPIC, True)
    subscribe(consumer)
    yield consumer
    consumer.close()


def subscribe(consumer: GroupConsumer) -> None:
    consumer.subscribe(lambda _: None, lambda _: None, lambda _: None)


def read(consumer: GroupConsumer, count: int) -> list[int]:
    offsets: list[int] = []

    def has_enough() -> bool:
        offsets.extend(record.offset for record in consumer.read(100, 0.1).records.get(0, []))
        return len(offsets) >= count

    wait_until(has_enough, f"{count} records")
    return offsets


def committed(consumer: GroupConsumer) -> TopicPartition:
    (topic_partition,) = consumer._consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)
    return topic_partition


@pytest.mark.parametrize("consumer", ["consumer", "classic"], indirect=True)
def test_a_partition_that_is_reset_while_it_is_paused_is_read_again(consumer: GroupConsumer) -> None:
    assert read(consumer, 50) == list(range(50))
    consumer.pause([0])
    consumer._start_offsets._starts[0] = LogPosition(-1)  # as if the group had no offset
    consumer._start_offsets._client.position = lambda partition: None  # type: ignore[method-assign]
    consumer._start_offsets.mark_lost(0)
    (reset,) = consumer.read(1, 0.1).resets
    assert (reset.low, reset.end, reset.goes_on) == (0, 50, True)
    assert read(consumer, 50) == list(range(50))


def test_a_reset_of_a_partition_that_is_not_assigned_is_forgotten(consumer: GroupConsumer) -> None:
    read(consumer, 50)
    consumer._start_offsets.mark_lost(77)
    assert not consumer.read(1, 0.1).resets


def test_a_lower_offset_is_committed_as_well(consumer: GroupConsumer) -> None:
    """A recreated topic has lower offsets; the client itself would only ever commit higher ones."""
    read(consumer, 50)
    for offset in (40, 10):
        assert consumer.commit_and_wait({0: LogPosition(offset), 1: LogPosition(1)}, 10)
        assert committed(consumer).offset == offset


def test_the_same_offset_of_another_topic_is_committed_as_well(consumer: GroupConsumer) -> None:
    """Otherwise the next owner would take it for an offset of the deleted topic, and read everything again."""
    read(consumer, 50)
    for topic_id in ("old", "new"):
        topic = TopicIdentity(topic_id, "cluster")
        consumer._start_offsets._topics._topics[0] = topic
        assert consumer.commit_and_wait({0: LogPosition(40, 0)}, 10)
        topic_partition = committed(consumer)
        assert (topic_partition.offset, parse_metadata(topic_partition.metadata)) == (40, topic)


def test_a_partition_that_was_paused_when_it_was_revoked_is_read_in_its_next_assignment(
    consumer: GroupConsumer,
) -> None:
    read(consumer, 50)
    consumer.pause([0])
    consumer._consumer.unsubscribe()
    wait_until(lambda: consumer.read(1, 0.1) and not consumer._consumer.assignment(), "the revocation")
    subscribe(consumer)
    assert read(consumer, 50) == list(range(50))


def test_a_missing_topic_is_not_created(broker: MockBroker) -> None:
    """The broker creates each topic that a client asks for, unless the client forbids it."""
    consumer = GroupConsumer(consumer_config(broker.address, f"group-{next(GROUP_NUMBERS)}", {}), "missing", True)
    subscribe(consumer)
    for _ in range(20):
        consumer.read(1, 0.05)
    topics = consumer._consumer.list_topics(timeout=10).topics
    consumer.close()
    assert TOPIC in topics
    assert "missing" not in topics
