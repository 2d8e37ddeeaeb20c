"""The partitions that are not fetched for a while, and how far they are behind meanwhile."""

from collections.abc import Iterable, Set

from confluent_kafka import Consumer, TopicPartition

from consumer.kafka.end_offsets import EndOffsets


class PausedPartitions:
    """The client is told of each change once."""

    def __init__(self, consumer: Consumer, topic: str, end_offsets: EndOffsets) -> None:
        """`end_offsets` of paused partitions, because the client knows those of fetched partitions only."""
        self._consumer, self._topic, self._end_offsets = consumer, topic, end_offsets
        self.partitions: Set[int] = set()

    def pause(self, partitions: Iterable[int]) -> None:
        to_pause = set(partitions) - self.partitions
        if to_pause:
            self._consumer.pause([TopicPartition(self._topic, partition) for partition in to_pause])
            self.partitions |= to_pause

    def resume(self, partitions: Iterable[int]) -> None:
        to_resume = set(partitions) & self.partitions
        if to_resume:
            self._consumer.resume([TopicPartition(self._topic, partition) for partition in to_resume])
            self.partitions -= to_resume

    def ask_for_ends(self, now: float) -> None:
        """Call this often; it never waits. `now` is in monotonic seconds."""
        if self.partitions:
            self._end_offsets.poll(self.partitions, now)

    def end_offset(self, partition: int) -> int:
        """The partition's end in the latest answer, without waiting for the broker; -1 without an answer."""
        topic_partition = TopicPartition(self._topic, partition)
        _, high = self._consumer.get_watermark_offsets(topic_partition, cached=True) or (-1, -1)
        if partition in self.partitions:
            return max(int(high), self._end_offsets.latest(partition))
        return int(high)
