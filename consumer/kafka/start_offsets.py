"""Where a partition is read from: at its assignment, after the broker lost its offset, and in a recreated topic."""

import logging
from collections.abc import Iterable, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from consumer.kafka.records import OffsetReset
from consumer.kafka.topic_id import TopicIdWatcher, valid_topic_id

log = logging.getLogger(__name__)

BROKER_TIMEOUT = 5.0  # seconds for a question to the broker, asked at a rebalance and after a reset only
RETRY_SECONDS = 1.0  # between two questions for committed offsets that are still missing, and for each of them
TOPIC_ID_PREFIX = "topic-id:"  # how the metadata of a committed offset begins


class StartOffsets:
    """
    Applies the reset policy, which the client would apply without a report, where the group has no readable offset.

    A partition whose offset was lost stays in `_lost` until the broker has said which records it still has.

    Each committed offset carries the id of its topic as metadata. In a recreated topic, an offset of the deleted topic
    means nothing, even if there is a record at that offset. A recreated topic is detected in four places:

    1. At an assignment: `start_positions` compares the id in the committed offset with the topic's present id.
    2. At each read: `recreated` compares the ids of the assigned partitions with the id that TopicIdWatcher reports.
    3. After a lost offset: `resets` reports the partition's range, and the loop finds that it ends below the position.
    4. At each record: the loop finds an offset below the position.

    The last two need no topic ids. In 1 and 2 this class moves the partition to its beginning. In 2, 3 and 4 the loop
    drops what it buffered and calls `restart`. OffsetCommits commits offsets that are lower than the committed ones.
    """

    def __init__(self, consumer: Consumer, topic_id_watcher: TopicIdWatcher, topic: str, from_beginning: bool) -> None:
        """`from_beginning`: a partition without a readable offset is read from its first record; else it is blocked."""
        self._consumer, self._topic_id_watcher = consumer, topic_id_watcher
        self._topic, self._from_beginning = topic, from_beginning
        self._lost: set[int] = set()
        self._topic_ids: dict[int, str] = {}  # by partition, of the topic that it is read from; "": not known yet
        self._unresolved: set[int] = set()  # partitions whose committed offsets the broker has not sent yet
        self._next_retry_at = float("-inf")

    def start_positions(self, topic_partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where to start newly assigned partitions: at the group's offset, or where the policy says."""
        self._topic_id_watcher.invalidate()
        self._topic_ids |= {topic_partition.partition: "" for topic_partition in topic_partitions}
        self._unresolved.update(topic_partition.partition for topic_partition in topic_partitions)
        if not topic_partitions:
            return topic_partitions
        try:
            committed = self._fetch_committed(topic_partitions)
        except KafkaException as error:
            log.warning("committed offsets not available, retrying", extra={"error": error.args[0].str()})
            return topic_partitions  # the client and `retry` ask again, and a reset is reported if there are none
        for topic_partition in committed:
            self._choose_start(topic_partition)
        return committed

    def retry(self, now: float) -> None:
        """
        Ask again for the committed offsets that the broker did not send at the assignment. `now` is monotonic seconds.

        The client asks as well. But after some errors, such as NOT_COORDINATOR, it never asks again, and the partition
        would not be read any more. A partition that is read already is not moved.
        """
        if not self._unresolved or now < self._next_retry_at:
            return
        self._next_retry_at = now + RETRY_SECONDS
        unresolved = [TopicPartition(self._topic, partition) for partition in sorted(self._unresolved)]
        try:
            for topic_partition in self._fetch_committed(unresolved, RETRY_SECONDS):
                (position,) = self._consumer.position([topic_partition])
                if topic_partition.error is None and position.offset < 0:
                    self._choose_start(topic_partition)
                    self._move(topic_partition.partition, topic_partition.offset)
        except KafkaException as error:
            log.warning("committed offsets not available, retrying", extra={"error": error.args[0].str()})

    def _choose_start(self, topic_partition: TopicPartition) -> None:
        """Set the offset of a partition whose committed offset was asked for to the one where it is read from."""
        if self._from_beginning and topic_partition.offset < 0 and topic_partition.error is None:
            topic_partition.offset = OFFSET_BEGINNING
        if self._adopt_topic_id(topic_partition.partition):
            log.warning(
                "topic recreated, reading the partition from its start",
                extra={"partition": topic_partition.partition},
            )
            topic_partition.offset = OFFSET_BEGINNING

    def _adopt_topic_id(self, partition: int) -> bool:
        """
        Use the topic's present id from now on; True if the committed offset is of another topic.

        Waits for the id: without it, the recreated topic would be read from that offset until the id is known.
        """
        committed_id = self._topic_ids[partition]
        if not committed_id:
            return False
        current_id = self._topic_id_watcher.wait_for_id(BROKER_TIMEOUT)
        if not current_id:
            return False
        self._topic_ids[partition] = current_id
        return committed_id != current_id

    def _fetch_committed(
        self, topic_partitions: list[TopicPartition], timeout: float = BROKER_TIMEOUT
    ) -> list[TopicPartition]:
        """The group's offsets, whose topic ids are kept. Raises KafkaException."""
        committed = self._consumer.committed(topic_partitions, timeout=timeout)
        for topic_partition in committed:
            self._topic_ids[topic_partition.partition] = _parse_topic_id(topic_partition.metadata or "")
            if topic_partition.error is None:
                self._unresolved.discard(topic_partition.partition)
        return committed

    def offset_to_commit(self, partition: int, offset: int) -> TopicPartition:
        """The offset with the id of its topic as metadata, where the id is known."""
        topic_id = self._topic_ids.get(partition, "")
        metadata = TOPIC_ID_PREFIX + topic_id if topic_id else ""
        return TopicPartition(self._topic, partition, offset, metadata)

    def recreated(self) -> Sequence[int]:
        """The partitions whose topic was recreated since their offset was committed. They are moved to their start."""
        self._topic_id_watcher.poll()
        current_id = self._topic_id_watcher.current
        if not current_id or self._unresolved:
            return ()
        differing = {partition: topic_id for partition, topic_id in self._topic_ids.items() if topic_id != current_id}
        if not differing:
            return ()
        assigned = {topic_partition.partition for topic_partition in self._consumer.assignment()}
        recreated = [partition for partition, topic_id in differing.items() if topic_id and partition in assigned]
        self._topic_ids = dict.fromkeys(self._topic_ids, current_id)
        for partition in recreated:
            self._move(partition, OFFSET_BEGINNING)
        return recreated

    def restart(self, partition: int) -> None:
        """The loop found that the partition's records are of another topic, whatever its id is."""
        if partition in self._topic_ids:
            self._topic_ids[partition] = ""

    def mark_lost(self, partition: int) -> None:
        """The client reported that the partition cannot be read from its offset."""
        self._lost.add(partition)

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget these partitions, because they were revoked."""
        revoked = set(partitions)
        self._lost -= revoked
        self._unresolved -= revoked
        for partition in revoked:
            self._topic_ids.pop(partition, None)

    def resets(self) -> Sequence[OffsetReset]:
        """The resets of the partitions whose offset was lost, each reported once, when the broker has answered."""
        resets: list[OffsetReset] = []
        if not self._lost:
            return resets
        try:
            self._lost &= {topic_partition.partition for topic_partition in self._consumer.assignment()}
            for partition in sorted(self._lost):
                resets.append(self._reset(partition))  # noqa: PERF401 - an error keeps the resets before it
        except KafkaException as error:  # the next read asks for the rest, because the loop must not wait
            log.warning("offset range not available, retrying", extra={"error": error.args[0].str()})
        self._lost.difference_update(reset.partition for reset in resets)
        return resets

    def _reset(self, partition: int) -> OffsetReset:
        """Ask which records there are and, if the policy says so, continue at the first. Raises KafkaException."""
        topic_partition = TopicPartition(self._topic, partition)
        topic_id = self._topic_ids.get(partition, "")
        (committed,) = self._fetch_committed([topic_partition])
        watermarks = self._consumer.get_watermark_offsets(topic_partition, timeout=BROKER_TIMEOUT)
        if watermarks is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        low, high = watermarks
        # The topic may be another one by now. Until that is known, offsets are committed for the topic from before.
        if topic_id:
            self._topic_ids[partition] = topic_id
        self._topic_id_watcher.invalidate()
        if self._from_beginning:
            self._move(partition, low)
        return OffsetReset(partition, max(committed.offset, -1), low, high, self._from_beginning)

    def _move(self, partition: int, offset: int) -> None:
        self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
        self._consumer.incremental_assign([TopicPartition(self._topic, partition, offset)])


def _parse_topic_id(metadata: str) -> str:
    """The topic's id in a committed offset's metadata, "" if another client committed the offset."""
    if not metadata.startswith(TOPIC_ID_PREFIX):
        return ""
    return valid_topic_id(metadata.removeprefix(TOPIC_ID_PREFIX))
