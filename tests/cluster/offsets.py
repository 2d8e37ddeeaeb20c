"""Reads offsets from the broker: the ends of a topic's partitions, and what the group has committed."""

from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from tests.cluster.addresses import BROKER

GROUP = "sprig-to-segment"


def end_offsets(topic: str) -> dict[int, int]:
    with closing(_consumer()) as consumer:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        return {number: _end(consumer, TopicPartition(topic, number)) for number in partitions}


def lag(topic: str) -> int:
    """The records that the group has not committed yet."""
    with closing(_consumer()) as consumer:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        committed = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=20)
        return sum(_end(consumer, position) - max(position.offset, 0) for position in committed)


def _end(consumer: Consumer, position: TopicPartition) -> int:
    return int(consumer.get_watermark_offsets(position, timeout=20)[1])


def _consumer() -> Consumer:
    return Consumer({"bootstrap.servers": BROKER, "group.id": GROUP, "log_level": 0, "enable.auto.commit": False})
