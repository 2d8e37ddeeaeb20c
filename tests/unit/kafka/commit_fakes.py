"""A client that answers commits as a test says, and start offsets with the topic id of a test."""

from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicPartition


def topic_partition(partition: int, offset: int, topic_id: str = "first") -> TopicPartition:
    return TopicPartition("topic", partition, offset, topic_id)


def addresses(topic_partitions: list[TopicPartition]) -> list[tuple[int, int]]:
    return [(topic_partition.partition, topic_partition.offset) for topic_partition in topic_partitions]


class FailedPartition(NamedTuple):
    """What the client gives for a partition whose offset it did not commit."""

    partition: int
    error: KafkaError
    offset: int = -1001
    metadata: str | None = None


class FakeClient:
    """`commit_errors` are raised by the next commits, `store_errors` by the next calls that store an offset."""

    def __init__(self) -> None:
        self.stored: list[tuple[int, int]] = []
        self.commits: list[tuple[bool, Any]] = []
        self.commit_errors: list[KafkaError] = []
        self.store_errors: list[KafkaError] = []

    def store_offsets(self, offsets: list[TopicPartition]) -> None:
        if self.store_errors:
            raise KafkaException(self.store_errors.pop(0))
        self.stored += addresses(offsets)

    def commit(self, asynchronous: bool, offsets: list[TopicPartition] | None = None) -> list[TopicPartition]:
        self.commits.append((asynchronous, offsets and addresses(offsets)))
        if self.commit_errors:
            raise KafkaException(self.commit_errors.pop(0))
        return offsets or [topic_partition(*stored) for stored in self.stored]


class FakeStartOffsets:
    topic_id = "first"

    def offset_to_commit(self, partition: int, offset: int) -> TopicPartition:
        return topic_partition(partition, offset, self.topic_id)
