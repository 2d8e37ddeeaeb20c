"""Commits of settled offsets: what the broker has, what is on its way, and what is still to be sent."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.kafka.commit_metadata import CommitMetadata
from consumer.kafka.errors import client_text
from consumer.kafka.records import LogPosition
from consumer.waits import Wait, WaitKind

log = logging.getLogger(__name__)

# A broker that refuses a commit is asked again for this time. (It handles the requests of a connection one after the
# other: a commit that is sent while the member joins is answered once all members have joined, as a commit of the past
# generation.)
RETRY_REFUSED_SECONDS = 3.0
RETRY_INTERVAL = 0.1  # seconds
ANSWER_TIMEOUT = 60.0  # seconds after which a commit without an answer delays the next one no longer

OVERDUE_SECONDS = 0.5  # a broker that is well answers a commit within milliseconds
CLIENT_BACKOFF_SECONDS = 1.5  # more than the client waits before it sends a commit again (retry.backoff.max.ms)

# A question with one of these errors has no answer yet: a broker, or the coordinator of the group, is away. The client
# itself sends a commit again after them.
NO_ANSWER_ERRORS = (
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
)


class FetchedOffset(NamedTuple):
    """
    The group's offset of a partition at the broker, -1 if it has none.

    `is_own`: this member committed it, or found it at an earlier assignment, so nobody has committed since.
    """

    partition: int
    position: LogPosition
    metadata: str
    is_own: bool


class _Committed(NamedTuple):
    """The group's offset of a partition, and its metadata."""

    offset: int
    metadata: CommitMetadata


class OffsetCommits:
    """
    One commit is on its way at a time. The client retries some failed commits by itself, and a retry that is behind a
    later commit would set the offsets back.

    Offsets are committed as they are given: after a truncation, and in a recreated topic, they are lower than before.
    Two commits of an offset are the same whatever their epochs. The time in the metadata is that of the commit that
    moved the offset.
    """

    def __init__(self, consumer: Consumer, topic: str, notes: Callable[[int], str]) -> None:
        """`notes` gives what is committed with an offset of this partition besides the time."""
        self._consumer, self._topic, self._notes = consumer, topic, notes
        self._committed: dict[int, _Committed] = {}  # as far as the broker has answered
        self._unanswered: dict[int, set[int]] = {}  # offsets that the broker may have
        self._sent_at = float("-inf")  # of the commit that is on its way
        self._failure: Wait | None = None  # None: the broker took the last commit
        self.counts = {"ok": 0, "failed": 0}

    def fetch(self, partitions: Iterable[int], timeout: float) -> Sequence[FetchedOffset]:
        """The group's offsets, without those that the broker does not send. Raises KafkaException."""
        questions = [TopicPartition(self._topic, partition) for partition in partitions]
        answers = self._consumer.committed(questions, timeout=timeout)
        return [self._fetched(answer) for answer in answers if answer.error is None]

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        """Send the positions that the broker does not have; the next call does, if a commit is on its way."""
        if time.monotonic() >= self._sent_at + ANSWER_TIMEOUT:
            missing = self._missing(positions)
            if missing:
                self._send(missing)
            else:
                self._failure = None  # such as after a revocation: nothing is left to commit

    def commit_and_wait(self, positions: Mapping[int, LogPosition], seconds: float) -> bool:
        """
        Commit, and wait until the broker has the positions; False if it does not have them in time.

        The client's own waiting commit has no timeout. So a commit is sent without waiting, and the broker is asked for
        the group's offsets on the same connection, with a timeout. If an earlier commit has no answer for too long, the
        client may send it again behind this one. Then the broker is asked once more after the client's backoff.
        """
        now, ends_at = time.monotonic(), time.monotonic() + seconds
        is_overdue = OVERDUE_SECONDS < now - self._sent_at < ANSWER_TIMEOUT
        missing = self._commit_until(positions, ends_at)
        if is_overdue and not missing:
            # The client does not tell whether it sends the old commit again: only its backoff can be waited for.
            time.sleep(max(0.0, min(CLIENT_BACKOFF_SECONDS, ends_at - time.monotonic())))
            self._ask(positions, RETRY_INTERVAL)
            missing = self._commit_until(positions, ends_at)
        if missing:
            partitions = [topic_partition.partition for topic_partition in missing]
            log.warning("last commit failed, the next owner repeats events", extra={"partitions": partitions})
        return not missing

    def report(self, error: KafkaError | None, topic_partitions: Iterable[TopicPartition]) -> None:
        """Count the result of a commit, and remember the offsets that the broker has."""
        self._sent_at = float("-inf")
        failure = error
        for topic_partition in topic_partitions:
            failure = failure or topic_partition.error
            if error is None and topic_partition.error is None:
                self._remember(topic_partition)
        if failure is None:
            self.counts["ok"] += 1
            self._failure = None
        else:
            self.counts["failed"] += 1
            since = self._failure.since if self._failure else time.monotonic()
            self._failure = Wait(WaitKind.COMMIT, "", since, client_text(failure))
            log.warning("commit failed, retrying with the next one", extra={"error": failure.str()})

    @property
    def waits(self) -> Sequence[Wait]:
        """The broker, while it refuses commits."""
        return () if self._failure is None else [self._failure]

    def _commit_until(self, positions: Mapping[int, LogPosition], ends_at: float) -> Sequence[TopicPartition]:
        """Commit until the broker has the positions or the time is over. What it does not have."""
        missing, is_answered = self._missing(positions), True
        while missing and time.monotonic() < ends_at:
            if is_answered:
                self._send(missing)
            is_answered = self._ask(positions, ends_at - time.monotonic())
            missing = self._missing(positions)
            if missing and is_answered:
                ends_at = min(ends_at, time.monotonic() + RETRY_REFUSED_SECONDS)
            if missing:
                time.sleep(RETRY_INTERVAL)  # the client's own threads take part in a rebalance meanwhile
        return missing

    def _missing(self, positions: Mapping[int, LogPosition]) -> Sequence[TopicPartition]:
        """What is to be committed, without what the broker has as far as its answers say."""
        missing = []
        for partition, (offset, leader_epoch) in positions.items():
            metadata = CommitMetadata(self._notes(partition), self._moved_at(partition, offset))
            if self._committed.get(partition) != _Committed(offset, metadata):
                missing.append(TopicPartition(self._topic, partition, offset, metadata.text, leader_epoch))
        return missing

    def _moved_at(self, partition: int, offset: int) -> int | None:
        """When the group's offset moved to `offset`, if it is there already; else now. In ms since 1970."""
        committed = self._committed.get(partition)
        if committed is not None and committed.offset == offset:
            return committed.metadata.moved_at
        return int(time.time() * 1000)

    def _send(self, topic_partitions: Sequence[TopicPartition]) -> None:
        self._sent_at = time.monotonic()
        for topic_partition in topic_partitions:
            self._unanswered.setdefault(topic_partition.partition, set()).add(topic_partition.offset)
        try:
            self._consumer.commit(offsets=list(topic_partitions), asynchronous=True)
        except KafkaException as error:
            self.report(error.args[0], [])

    def _ask(self, partitions: Iterable[int], seconds: float) -> bool:
        """Whether the broker answered within `seconds` what it has."""
        try:
            self.fetch(partitions, max(seconds, RETRY_INTERVAL))
        except KafkaException as error:
            return error.args[0].code() not in NO_ANSWER_ERRORS
        return True

    def _fetched(self, answer: TopicPartition) -> FetchedOffset:
        partition, offset = answer.partition, max(answer.offset, -1)
        known = set(self._unanswered.get(partition, ()))
        if partition in self._committed:
            known.add(self._committed[partition].offset)
        self._remember(answer)
        epoch = -1 if answer.leader_epoch is None else answer.leader_epoch
        return FetchedOffset(partition, LogPosition(offset, epoch), answer.metadata or "", offset in known)

    def _remember(self, answer: TopicPartition) -> None:
        metadata = CommitMetadata.parse(answer.metadata)
        self._committed[answer.partition] = _Committed(max(answer.offset, -1), metadata)
        self._unanswered.pop(answer.partition, None)
