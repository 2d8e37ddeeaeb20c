"""A client that answers commits and questions for committed offsets as a test says."""

from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumer.kafka.records import LogPosition


class FailedPartition(NamedTuple):
    """What the client gives for a partition whose offset it did not commit, or does not know."""

    partition: int
    error: KafkaError
    offset: int = -1001
    metadata: str | None = None
    leader_epoch: int | None = None


class FakeClient:
    """
    The group's offsets are in `offsets`.

    `commit_errors` are raised by the next commits. With `is_refusing` the broker does not apply commits; with `is_away`
    it answers no question.
    """

    def __init__(self) -> None:
        self.offsets: dict[int, TopicPartition] = {}
        self.commits: list[dict[int, LogPosition]] = []
        self.commit_errors: list[KafkaError] = []
        self.fetch_timeouts: list[float] = []
        self.refusals = 0
        self.errors: dict[int, KafkaError] = {}  # by partition, instead of its committed offset
        self.away: KafkaError | None = None

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert asynchronous, "a commit that waits has no timeout"
        positions = {
            offset.partition: LogPosition(offset.offset, -1 if offset.leader_epoch is None else offset.leader_epoch)
            for offset in offsets
        }
        self.commits.append(positions)
        if self.commit_errors:
            raise KafkaException(self.commit_errors.pop(0))
        if self.refusals:
            self.refusals -= 1
        elif self.away is None:
            self.offsets |= {offset.partition: offset for offset in offsets}

    def committed(self, topic_partitions: list[TopicPartition], timeout: float) -> list[Any]:
        self.fetch_timeouts.append(timeout)
        if self.away is not None:
            raise KafkaException(self.away)
        return [self._committed(topic_partition.partition) for topic_partition in topic_partitions]

    def _committed(self, partition: int) -> Any:
        if partition in self.errors:
            return FailedPartition(partition, self.errors[partition])
        return self.offsets.get(partition) or TopicPartition("topic", partition, -1001)
