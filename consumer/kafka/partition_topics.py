"""Which topic each partition is read from, compared with the topic of its committed offset."""

from collections.abc import Iterable, Sequence, Set
from enum import Enum, auto

from consumer.kafka.topic_id import TopicIdentity, TopicIdWatcher, parse_metadata


class TopicMatch(Enum):
    """What the metadata of a committed offset says of its topic, compared with the present one."""

    PRESENT = auto()
    """The present one, as far as is known: other clients commit without the id."""
    RECREATED = auto()
    """A deleted topic of the same name, so the offset means nothing."""
    FOREIGN = auto()
    """A topic of another cluster: tools that mirror a cluster translate offsets and copy their metadata."""


class PartitionTopics:
    """The topic that each partition is read from: until it is known, the one that the committed offset names."""

    def __init__(self, watcher: TopicIdWatcher) -> None:
        self._watcher = watcher
        self._topics: dict[int, TopicIdentity] = {}

    @property
    def answered_at(self) -> float:
        """When a broker answered the question for the topic's id last, in monotonic seconds."""
        return self._watcher.answered_at

    @property
    def unanswered_at(self) -> float:
        """When the last but one question was asked, if the last two got no answer; in monotonic seconds."""
        return self._watcher.unanswered_at

    @property
    def leaderless(self) -> Set[int]:
        """The partitions that have no leader, by the last answer."""
        return self._watcher.leaderless

    def metadata(self, partition: int) -> str:
        """What is committed with an offset of the partition; "" if its topic is not known yet."""
        return self._topics.get(partition, TopicIdentity()).metadata

    def begin(self, partition: int, committed_metadata: str, seconds: float = 0.0) -> TopicMatch:
        """
        Compare the topic that a committed offset names with the present one, and use the present one from now on.

        Waits at most `seconds` for the id if it is needed: without it, a recreated topic would be read from the offset
        of the deleted one until the id is known.
        """
        topic = self._topics[partition] = parse_metadata(committed_metadata)
        if not topic.topic_id:
            return TopicMatch.PRESENT
        current = self._watcher.wait(seconds)
        if current is None or not current.topic_id:
            return TopicMatch.PRESENT
        self._topics[partition] = current
        if topic.is_recreated_as(current):
            return TopicMatch.RECREATED
        return TopicMatch.PRESENT if topic.topic_id == current.topic_id else TopicMatch.FOREIGN

    def forget(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._topics.pop(partition, None)

    def refresh(self) -> None:
        """Ask for the present id again when it is needed next, because it may be another one by now."""
        self._watcher.invalidate()

    def is_known(self, seconds: float) -> bool:
        """Whether the broker has answered. Waits at most `seconds` for the answer."""
        return self._watcher.wait(seconds) is not None

    def recreated(self) -> Sequence[int]:
        """
        The partitions whose topic was recreated; it never waits.

        Until `begin` is called for them, offsets are committed for the old topic, of which they are.
        """
        self._watcher.poll()
        current = self._watcher.current
        if current is None or not current.topic_id:
            return ()
        recreated = [partition for partition, topic in self._topics.items() if topic.is_recreated_as(current)]
        self._topics |= dict.fromkeys(self._topics.keys() - recreated, current)
        return recreated
