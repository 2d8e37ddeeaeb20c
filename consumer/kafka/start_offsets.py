"""Where a partition is read from: at its assignment, after the broker lost its offset, and in a recreated topic."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaException, TopicPartition

from consumer.kafka.commits import FetchedOffset
from consumer.kafka.log_check import LogExtent
from consumer.kafka.partition_topics import TopicMatch
from consumer.kafka.position_sources import PositionSources
from consumer.kafka.records import LogPosition, OffsetReset
from consumer.kafka.retry_timer import QUESTION_TIMEOUT, RetryTimer

log = logging.getLogger(__name__)

BROKER_TIMEOUT = 5.0  # seconds for each question to the brokers at an assignment
Value = TypeVar("Value")
_INVALID, _BEGINNING = LogPosition(OFFSET_INVALID), LogPosition(OFFSET_BEGINNING)


class StartOffsets:
    """
    Applies the reset policy, which the client would apply without a report, where the group has no readable offset.

    A committed offset is used if its topic is the present one, and if the log below the offset is the one that was
    read. Each assigned partition has a start. The committed offsets of `_unresolved` partitions are not known yet. The
    starts of `_unchecked` partitions were not compared with the log yet. The client does not read `_stopped` partitions
    until they are moved to their start.

    A recreated topic is detected in three places: at an assignment, at each read (`recreated`), and at a record below
    the position, by the loop, which then calls `restart`.
    """

    def __init__(self, sources: PositionSources, retries: RetryTimer, from_beginning: bool) -> None:
        """`from_beginning`: a partition without a readable offset is read from what is left; else it is blocked."""
        self._client, self._topics, self._commits, self._log_check, self._kept_progress = sources
        self._retries, self._from_beginning = retries, from_beginning
        self._starts: dict[int, LogPosition] = {}
        self._unresolved: set[int] = set()
        self._unchecked: set[int] = set()
        self._stopped: set[int] = set()
        self._resets: list[OffsetReset] = []

    def start_positions(self, topic_partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where to start newly assigned partitions: at the group's offset, or where the policy says."""
        partitions = [topic_partition.partition for topic_partition in topic_partitions]
        if not partitions:
            return topic_partitions
        self._topics.refresh()
        self._starts |= dict.fromkeys(partitions, _INVALID)  # then the client asks for the committed offset itself
        self._unresolved.update(partitions)
        self._stopped.update(partitions)  # until the client gets the result
        self._resolve(partitions, BROKER_TIMEOUT)
        self._check_logs(BROKER_TIMEOUT)
        self._stopped.difference_update(partitions)
        return [self._client.topic_partition(partition, self._starts[partition]) for partition in partitions]

    def retry(self) -> None:
        """
        Repeat the questions that the brokers did not answer yet, after a pause.

        The client asks for committed offsets as well. But after some errors, such as NOT_COORDINATOR, it never asks
        again, and the partition would not be read any more. A partition that is read already is not moved.
        """
        if not (self._unresolved or self._unchecked) or not self._retries.is_due:
            return
        with self._retries.question():
            resolved = self._resolve(self._unresolved, QUESTION_TIMEOUT) if self._unresolved else ()
            self._stopped.update(partition for partition in resolved if self._client.position(partition) is None)
            self._check_logs(QUESTION_TIMEOUT)
        for partition in self._stopped - self._unresolved - self._unchecked:
            self._move(partition)

    def recreated(self) -> Sequence[int]:
        """The partitions whose topic was recreated since their offset was committed. They are moved to their start."""
        recreated = self._topics.recreated()
        for partition in recreated:
            self._kept_progress.drop(partition)
            self._begin(partition, _BEGINNING)
            self._move(partition)
        return recreated

    def restart(self, partition: int) -> None:
        """The loop found that the partition's records are of another topic, whatever its id is."""
        if partition in self._starts:
            self._kept_progress.drop(partition)
            self._topics.begin(partition, "")

    @property
    def questions(self) -> Mapping[int, str]:
        """What the brokers have not answered so far, by partition."""
        checks = dict.fromkeys(self._unchecked, "the brokers do not say whether they have the log up to the offset")
        return checks | dict.fromkeys(self._unresolved, "the brokers do not say what the group has committed")

    def refetch(self, partition: int) -> None:
        """Let the client read on from where it is, so that it reports again what it finds there."""
        position = self._client.position(partition) or self._starts.get(partition, _INVALID)
        if position != _INVALID and partition not in self._stopped:
            self._client.move(partition, position)

    def mark_lost(self, partition: int) -> None:
        """The client reported that it cannot read the partition from its position."""
        if partition not in self._starts:
            return
        self._starts[partition] = self._client.position(partition) or self._starts[partition]
        self._stopped.add(partition)
        if partition not in self._unresolved:
            self._unchecked.add(partition)
        self._topics.refresh()
        self._retries.reset()

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget these partitions, because they were revoked."""
        self._topics.forget(partitions)
        for partition in partitions:
            self._starts.pop(partition, None)
            self._kept_progress.drop(partition)
            for partitions_of_state in (self._unresolved, self._unchecked, self._stopped):
                partitions_of_state.discard(partition)

    def assigned(self, by_partition: Mapping[int, Value]) -> Mapping[int, Value]:
        """What belongs to assigned partitions: for any other, another member may have committed."""
        return {partition: value for partition, value in by_partition.items() if partition in self._starts}

    def resets(self) -> Sequence[OffsetReset]:
        """The partitions that could not be read from their offset, each reported once."""
        resets, self._resets = self._resets, []
        return [reset for reset in resets if reset.partition in self._starts]

    def _resolve(self, partitions: Iterable[int], timeout: float) -> Sequence[int]:
        """Ask for the committed offsets of these partitions, and choose the starts of those that were answered for."""
        try:
            fetched = self._commits.fetch(partitions, timeout)
        except KafkaException as error:
            log.warning("committed offsets not available, retrying", extra={"error": error.args[0].str()})
            return ()
        for committed in fetched:
            self._unresolved.discard(committed.partition)
            self._choose_start(committed)
        return [committed.partition for committed in fetched]

    def _choose_start(self, committed: FetchedOffset) -> None:
        partition, start, metadata, is_own = committed
        kept = self._kept_progress.take(partition)
        match = self._topics.begin(partition, metadata, BROKER_TIMEOUT)
        fields = {"partition": partition, "offset": start.offset}
        if match is TopicMatch.RECREATED:
            log.warning("topic recreated, reading the partition from its start", extra=fields)
            start = _BEGINNING
        elif match is TopicMatch.FOREIGN:
            log.info("offset was committed in another cluster, reading on from it", extra=fields)
            start = LogPosition(start.offset)  # the epochs of another cluster say nothing
        elif kept is not None and is_own and kept.position.offset >= start.offset:
            log.info("partition is back, reading on behind what is settled", extra=fields)
            self._kept_progress.use(partition, kept)
            start = kept.position
        elif start.offset < 0:
            start = _BEGINNING if self._from_beginning else _INVALID
        self._begin(partition, start)

    def _begin(self, partition: int, start: LogPosition) -> None:
        self._starts[partition] = start
        if start.leader_epoch >= 0:
            self._unchecked.add(partition)
        else:
            self._unchecked.discard(partition)

    def _check_logs(self, timeout: float) -> None:
        """Compare the starts with the logs of the brokers; the partitions that nobody answers for stay unchecked."""
        starts = {partition: self._starts[partition] for partition in self._unchecked}
        if not starts:
            return
        is_topic_known = self._topics.is_known(timeout)
        for partition, extent in self._log_check.extents(starts, timeout).items():
            start, is_read = starts[partition], partition not in self._stopped
            # What is read already is past what was deleted since, and the client reports what it cannot read.
            if extent.low <= start.offset <= extent.end or (is_read and start.offset < extent.low):
                self._unchecked.discard(partition)
            elif start.offset <= extent.end or is_topic_known:
                self._unchecked.discard(partition)
                self._reset(partition, start, extent)

    def _reset(self, partition: int, start: LogPosition, extent: LogExtent) -> None:
        """Report that the partition cannot be read from its start, and give it another one if the policy says so."""
        reset = OffsetReset(partition, max(start.offset, -1), extent.low, extent.end, self._from_beginning)
        self._resets.append(reset)
        self._kept_progress.drop(partition)
        if reset.goes_on:
            self._starts[partition] = LogPosition(reset.goes_on_at)
            self._stopped.add(partition)
        else:
            self._stopped.discard(partition)

    def _move(self, partition: int) -> None:
        """Let the client read the partition from its start."""
        self._stopped.discard(partition)
        if self._starts[partition] != _INVALID:
            self._client.move(partition, self._starts[partition])
