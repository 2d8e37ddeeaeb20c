"""A Kafka broker inside this process, for the demo and for tests: librdkafka's own, used by its public client only."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

TIMEOUT = 10.0


class MockBroker:
    """
    Runs as long as this object lives. Topics have four partitions and exist once they were named.

    It keeps 5 MiB of each partition and silently drops older records (librdkafka, rdkafka_mock.h): write no more.
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
        """Wait until everything that was produced is written."""
        unwritten = self._producer.flush(TIMEOUT)
        assert not unwritten, f"{unwritten} records were not written in {TIMEOUT} s"


def committed(address: str, group: str, topic: str, partitions: int) -> Mapping[int, int]:
    """The group's committed offsets; -1 where there is none."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": group})
    questions = [TopicPartition(topic, partition) for partition in range(partitions)]
    answers = consumer.committed(questions, timeout=TIMEOUT)
    consumer.close()
    return {topic_partition.partition: max(topic_partition.offset, -1) for topic_partition in answers}


def records(address: str, topic: str) -> Iterator[Any]:
    """All records that the topic has now, as the client's messages, in order by partition only."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "reads-everything", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    unread_partitions, ends_at = len(partitions), time.monotonic() + TIMEOUT
    while unread_partitions and time.monotonic() < ends_at:
        for message in consumer.consume(1000, 0.1):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                unread_partitions -= 1
    consumer.close()
