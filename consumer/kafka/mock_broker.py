"""A Kafka broker inside this process, for the demo and for tests: librdkafka's own, by the public client alone."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

TIMEOUT = 10.0


class EmbeddedBroker:
    """
    Up as long as this object lives. Topics have four partitions and are there once they were named.

    It keeps 5 MiB of each partition and drops the oldest in silence (librdkafka, rdkafka_mock.h): not for more.
    """

    def __init__(self) -> None:
        self._producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "replaced", "log_level": 0})
        brokers = self._producer.list_topics(timeout=TIMEOUT).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create_topic(self, topic: str) -> int:
        """How many partitions the topic has."""
        return len(self._producer.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions)

    def produce(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        self._producer.produce(topic, value, key, partition)

    def flush(self) -> None:
        """Wait until everything produced is written."""
        left = self._producer.flush(TIMEOUT)
        assert not left, f"{left} records were not written in {TIMEOUT} s"


def committed(address: str, group: str, topic: str, partitions: int) -> Mapping[int, int]:
    """The group's committed offsets; -1 where there is none."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": group})
    asked = [TopicPartition(topic, number) for number in range(partitions)]
    answered = consumer.committed(asked, timeout=TIMEOUT)
    consumer.close()
    return {part.partition: max(part.offset, -1) for part in answered}


def records(address: str, topic: str) -> Iterator[Any]:
    """All records that the topic has now, as the client's messages, in order by partition only."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "reads-everything", "enable.partition.eof": True})
    numbers = consumer.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
    to_read, ends_at = len(numbers), time.monotonic() + TIMEOUT
    while to_read and time.monotonic() < ends_at:
        for message in consumer.consume(1000, 0.1):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                to_read -= 1
    consumer.close()
