"""The rooms' doors to the Kafka client, on the broker inside librdkafka: resets, steps back, large dead letters."""

import itertools
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition

from consumer.errors import SettingsError
from consumer.kafka.client_config import consumer_config, producer_config
from consumer.kafka.consumer import Source
from consumer.kafka.dead_letters import DeadLetters
from consumer.kafka.mock_broker import EmbeddedBroker, records
from consumer.model import Letter, Message
from tests.support import wait_until

TOPIC, GROUP = "topic", "group"
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def broker() -> EmbeddedBroker:
    broker = EmbeddedBroker()
    broker.create_topic(TOPIC)
    for number in range(50):
        broker.produce(TOPIC, 0, None, b"%d" % number)
    broker.flush()
    return broker


@pytest.fixture
def source(broker: EmbeddedBroker, request: pytest.FixtureRequest) -> Iterator[Source]:
    group = f"{GROUP}-{next(NUMBERS)}"
    source = Source(
        consumer_config(broker.address, group, {"group.protocol": getattr(request, "param", "consumer")}), TOPIC, True
    )
    source.subscribe(lambda _: None, lambda _: None, lambda _: None)
    yield source
    source.close()


def read(source: Source, count: int) -> list[int]:
    offsets: list[int] = []

    def enough() -> bool:
        offsets.extend(message.offset for message in source.read(100, 0.1).messages.get(0, []))
        return len(offsets) >= count

    wait_until(enough, f"{count} records")
    return offsets


@pytest.mark.parametrize("source", ["consumer", "classic"], indirect=True)
def test_a_partition_that_is_reset_while_it_is_paused_is_read_again(source: Source) -> None:
    assert read(source, 50) == list(range(50))
    source.pause([0])
    source._positions.lose(0)
    (reset,) = source.read(1, 0.1).resets
    assert (reset.low, reset.high, reset.goes_on) == (0, 50, True)
    assert read(source, 50) == list(range(50))


def test_a_reset_of_a_partition_that_is_not_ours_is_forgotten(source: Source) -> None:
    read(source, 50)
    source._positions.lose(77)
    assert not source.read(1, 0.1).resets


def test_a_step_back_is_committed_as_well(source: Source) -> None:
    """As of a topic that was made again: the client itself would only ever move on."""
    read(source, 50)

    def at() -> int:
        return source._consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)[0].offset

    source.store({0: 40})
    source.commit(wait=True)
    assert at() == 40
    source.store({1: 1})
    source.commit(wait=True)  # what came of it names partition 0 as well, without an offset
    source._positions._move(0, 0)  # as when the topic is made again
    source.store({0: 10})
    source.commit(wait=True)
    assert at() == 10


def test_the_same_offset_of_another_topic_is_committed_as_well(source: Source) -> None:
    """Else the next owner would take it for one of the topic that is no more, and read everything again."""
    read(source, 50)
    for topic_id in ("old", "new"):
        source._positions._topic_ids[0] = topic_id
        source._positions._move(0, 0)
        source.store({0: 40})
        source.commit(wait=True)
        (committed,) = source._consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)
        assert (committed.offset, committed.metadata) == (40, f"topic-id:{topic_id}")


def test_a_large_dead_letter_is_the_broker_s_to_judge(broker: EmbeddedBroker) -> None:
    broker.create_topic("dead-letters")
    letters = DeadLetters(producer_config(broker.address, {}), "dead-letters", TOPIC, "1")
    sizes = (10, 900_000, 1_040_000)
    for offset, size in enumerate(sizes):
        letters.put(Letter(Message(0, offset, 0, b"k", b"x" * size, ()), "undecodable", "decoding", "EOFError"))
    confirmed: list[Letter] = []

    def all_confirmed() -> bool:
        confirmed.extend(letters.advance(time.monotonic(), 0.1).confirmed)
        return len(confirmed) == len(sizes)

    wait_until(all_confirmed, "all to be confirmed")
    letters.close()
    assert sorted(len(record.value()) for record in records(broker.address, "dead-letters")) == sorted(sizes)


def test_an_option_that_the_client_does_not_take_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="KAFKA_CONFIG"):
        Source(consumer_config("127.0.0.1:1", GROUP, {"no.such.option": 1}), TOPIC, True)


def test_a_partition_that_was_paused_when_it_was_revoked_is_read_in_its_next_assignment(source: Source) -> None:
    read(source, 50)
    source.pause([0])
    source._consumer.unsubscribe()
    wait_until(lambda: source.read(1, 0.1) and not source._consumer.assignment(), "the revocation")
    source.subscribe(lambda _: None, lambda _: None, lambda _: None)
    assert read(source, 50) == list(range(50))
