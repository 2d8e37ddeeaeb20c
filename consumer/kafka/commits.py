"""Commits of settled offsets: which offsets go with the next commit, and what each commit resulted in."""

import logging
import time
from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.kafka.start_offsets import StartOffsets

log = logging.getLogger(__name__)

# A commit that meets a rebalance fails, and not because of its offsets. (A broker handles the requests of a connection
# one after the other: a commit that is sent while the member joins is answered once all members have joined, as a
# commit of the past generation.)
REBALANCE_ERRORS = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError.STALE_MEMBER_EPOCH)
RETRY_COMMIT_SECONDS = 3.0
RETRY_COMMIT_INTERVAL = 0.1  # seconds
ANSWER_TIMEOUT = 60.0  # seconds after which a commit without an answer delays the next one no longer


class OffsetCommits:
    """
    An offset is committed by storing it, because the client refuses to store for a partition that was revoked.

    But the client lets a stored offset only move forward. An offset that is not above the committed one, and is lower
    or of another topic, belongs to a recreated topic, or to one that lost records. Such an offset is kept in
    `_lower_offsets` and committed by itself until the broker has it. (The partition was assigned anew for that, and
    then the client forgets the stored offset.)

    A commit in the background waits for the answer to the one before. The client retries some failed commits by itself,
    and a retry that is behind a later commit would set the offsets back.
    """

    def __init__(self, consumer: Consumer, start_offsets: StartOffsets) -> None:
        self._consumer, self._start_offsets = consumer, start_offsets
        self._committed: dict[int, TopicPartition] = {}
        self._lower_offsets: dict[int, TopicPartition] = {}
        self._answer_due_at = float("-inf")  # no commit is in flight any more
        self.counts = {"ok": 0, "failed": 0}

    def store(self, offsets: Mapping[int, int]) -> None:
        """Mark offsets, by partition, for the next commit."""
        for partition, offset in offsets.items():
            topic_partition = self._start_offsets.offset_to_commit(partition, offset)
            self._lower_offsets.pop(partition, None)
            if self._is_lower(topic_partition):
                self._lower_offsets[partition] = topic_partition
                continue
            try:
                self._consumer.store_offsets(offsets=[topic_partition])
            except KafkaException as error:
                log.info("offset not stored", extra={"partition": partition, "error": error.args[0].name()})

    def commit(self, wait: bool) -> None:
        """
        Commit the marked offsets. A commit that fails is a warning: the next one has the same offset or a later one.

        With `wait` there may be no next commit. It is then retried as long as a rebalance is the only cause.
        """
        if not wait and time.monotonic() < self._answer_due_at:
            return
        commit = self._commit_sync if wait else self._commit_async
        if self._lower_offsets:
            commit(offsets=list(self._lower_offsets.values()))
        commit()

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget the offsets of these partitions, because the partitions were revoked."""
        for partition in partitions:
            self._lower_offsets.pop(partition, None)

    def report(self, error: KafkaError | None, topic_partitions: Iterable[TopicPartition]) -> None:
        """Count the result of a commit, and remember the offsets that the broker has."""
        self._answer_due_at = float("-inf")
        failure = error or _first_error(topic_partitions)
        if failure is None:
            self.counts["ok"] += 1
            for topic_partition in topic_partitions:
                if topic_partition.offset >= 0:  # partitions with nothing new are named without an offset
                    self._remember(topic_partition)
        elif failure.code() != KafkaError._NO_OFFSET:  # which says that there is nothing new to commit
            self.counts["failed"] += 1
            log.warning("commit failed, retrying with the next one", extra={"error": failure.str()})

    def _commit_async(self, **offsets: list[TopicPartition]) -> None:
        self._answer_due_at = time.monotonic() + ANSWER_TIMEOUT
        try:
            self._consumer.commit(asynchronous=True, **offsets)
        except KafkaException as error:
            self.report(error.args[0], [])

    def _commit_sync(self, **offsets: list[TopicPartition]) -> None:
        ends_at = time.monotonic() + RETRY_COMMIT_SECONDS
        while True:
            try:
                return self.report(None, self._consumer.commit(asynchronous=False, **offsets))
            except KafkaException as failure:
                error = failure.args[0]
            if error.code() not in REBALANCE_ERRORS or time.monotonic() > ends_at:
                return self.report(error, [])
            time.sleep(RETRY_COMMIT_INTERVAL)  # the client's own threads take part in the rebalance meanwhile

    def _is_lower(self, topic_partition: TopicPartition) -> bool:
        """Whether the offset is below the committed one, or the same offset of another topic."""
        committed = self._committed.get(topic_partition.partition)
        if committed is None or topic_partition.offset > committed.offset:
            return False
        return topic_partition.offset < committed.offset or _metadata(topic_partition) != _metadata(committed)

    def _remember(self, topic_partition: TopicPartition) -> None:
        self._committed[topic_partition.partition] = topic_partition
        lower_offset = self._lower_offsets.get(topic_partition.partition)
        if lower_offset and lower_offset.offset == topic_partition.offset:
            del self._lower_offsets[topic_partition.partition]


def _first_error(topic_partitions: Iterable[TopicPartition]) -> KafkaError | None:
    return next((topic_partition.error for topic_partition in topic_partitions if topic_partition.error), None)


def _metadata(topic_partition: TopicPartition) -> str:
    return topic_partition.metadata or ""
