"""The service's member of the consumer group: records in, settled offsets out."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.errors import ServiceError
from consumer.kafka.broker_silence import BrokerSilence
from consumer.kafka.client_config import NEVER_CREATE, create_client, is_classic, shared_config
from consumer.kafka.client_errors import ClientErrors, is_of_fetch
from consumer.kafka.client_positions import ClientPositions
from consumer.kafka.commit_metadata import CommitNotes
from consumer.kafka.commits import OffsetCommits
from consumer.kafka.connection_reports import with_explained_log
from consumer.kafka.end_offsets import EndOffsets
from consumer.kafka.errors import client_text, describe, describe_fatal
from consumer.kafka.kept_progress import KeptProgress
from consumer.kafka.log_check import LogCheck
from consumer.kafka.membership import GroupMembership
from consumer.kafka.partition_topics import PartitionTopics
from consumer.kafka.paused_partitions import PausedPartitions
from consumer.kafka.position_sources import PositionSources
from consumer.kafka.records import LogPosition, Progress, ReadResult, to_record
from consumer.kafka.retry_timer import RetryTimer
from consumer.kafka.start_offsets import StartOffsets
from consumer.kafka.topic_id import TopicIdWatcher
from consumer.kafka.unreadable_partitions import UnreadablePartitions
from consumer.model import Record
from consumer.waits import Wait

UNREADABLE_BATCH_ERRORS = (KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG)
FILL_TIMEOUT = 0.02  # seconds to wait for further records once there is one

RebalanceCallback = Callable[[Sequence[int]], None]


class GroupConsumer:
    """One member of the group, used by one thread only. Its client never commits and never skips by itself."""

    def __init__(self, config: Mapping[str, Any], topic: str, from_beginning: bool) -> None:
        self._errors = ClientErrors(config)
        self.last_error, self.known_brokers = self._errors.last_error, self._errors.known_brokers
        self._consumer = create_client(Consumer, {**config, **self._errors.options(), "on_commit": self._on_commit})
        self.topic = topic
        admin_config = {**shared_config(config), **NEVER_CREATE, **self.known_brokers.options()}
        admin = create_client(AdminClient, with_explained_log(admin_config, is_quiet=True))
        topics = self._topics = PartitionTopics(TopicIdWatcher(admin, topic))
        self.take_admin_reports = topics.recreated  # before the first read, which takes them, too
        self._silence = BrokerSilence(lambda: self._errors.cause, time.monotonic())
        self._commit_notes = CommitNotes(topics.metadata)
        self._commits = OffsetCommits(self._consumer, topic, self._commit_notes.of_partition)
        client, log_check = ClientPositions(self._consumer, topic), LogCheck(config, admin, topic)
        self._kept_progress = KeptProgress()
        sources = PositionSources(client, topics, self._commits, log_check, self._kept_progress)
        self._start_offsets = StartOffsets(sources, RetryTimer(), from_beginning)
        self._paused = PausedPartitions(self._consumer, topic, EndOffsets(admin, topic))
        self._unreadable = UnreadablePartitions(self._start_offsets, topics)
        self._removed: set[int] = set()  # revoked or lost while a read was filled
        self._membership = GroupMembership(self._consumer, admin, config["group.id"], is_classic(config))

    def subscribe(self, on_assign: RebalanceCallback, on_revoke: RebalanceCallback, on_lost: RebalanceCallback) -> None:
        """Join the group. The callbacks run inside `read` and `close`, on the caller's thread."""

        def assign(_: Consumer, topic_partitions: list[TopicPartition]) -> None:
            self._membership.was_assigned = True
            if self._membership.is_leaving:  # nothing is read any more
                return
            self._consumer.incremental_assign(self._start_offsets.start_positions(topic_partitions))
            on_assign([topic_partition.partition for topic_partition in topic_partitions])

        def removal(callback: RebalanceCallback) -> Callable[[Consumer, list[TopicPartition]], None]:
            def remove(_: Consumer, topic_partitions: list[TopicPartition]) -> None:
                partitions = [topic_partition.partition for topic_partition in topic_partitions]
                self._removed.update(partitions)
                try:
                    callback(partitions)
                finally:
                    self._start_offsets.forget(partitions)
                    self._unreadable.forget(partitions)
                self.resume(partitions)  # else they stay paused in their next assignment

            return remove

        self._consumer.subscribe([self.topic], on_assign=assign, on_revoke=removal(on_revoke), on_lost=removal(on_lost))

    def read(self, limit: int, timeout: float) -> ReadResult:
        """At most `limit` records, after at most `timeout` seconds; a rebalance happens in here."""
        records: dict[int, list[Record]] = {}
        ends, unreadable = dict[int, int](), dict[int, int]()
        messages: list[Any] = self._consume(1, timeout)  # Any: the client's types allow None for what each record has
        now = time.monotonic()
        if messages:  # the client would wait for `limit` messages, and nothing that was read waits for so long
            messages = self._fill(messages, limit - 1, min(timeout, FILL_TIMEOUT))
        self._paused.ask_for_ends(now)
        for message in messages:
            if message.error() is not None:
                self._handle_error(message, ends, unreadable)
            elif not self._kept_progress.is_settled(message.partition(), message.offset()):
                records.setdefault(message.partition(), []).append(to_record(message))
        if self._errors.fatal:
            raise ServiceError(f"the Kafka client cannot continue: {describe_fatal(self._errors.fatal)}")
        start_resets, recreated = self._start_offsets.resets(), self._start_offsets.recreated()
        silent_at = max(self._errors.unreachable_at, self._topics.unanswered_at)
        self._silence.note(now if records else self._topics.answered_at, silent_at, now)
        self._start_offsets.retry()
        self._unreadable.update([*records, *ends], self.paused, now)
        resets = self._start_offsets.resets()
        # A partition that was moved would stay paused without a report.
        self.resume([*recreated, *(reset.partition for reset in resets if reset.goes_on)])
        return ReadResult(records, ends, resets, start_resets, recreated, unreadable)

    def keep(self, progress: Mapping[int, Progress]) -> None:
        """What is settled of lost partitions, by partition, in case that they are assigned again."""
        self._kept_progress.keep(progress)

    def restart(self, partition: int) -> None:
        """The records of the partition are of a recreated topic from now on."""
        self._start_offsets.restart(partition)

    def note_blocks(self, blocks: Mapping[int, str]) -> None:
        """The partitions that are blocked now, with the reason. The next commit tells the group's other readers."""
        self._commit_notes.blocks = blocks

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        """Commit positions, by partition, in the background. The next call commits what does not succeed."""
        self._commits.commit(self._start_offsets.assigned(positions))

    def commit_and_wait(self, positions: Mapping[int, LogPosition], seconds: float) -> bool:
        """Commit positions, by partition, and wait until the broker has them; False if it has not within `seconds`."""
        return self._commits.commit_and_wait(self._start_offsets.assigned(positions), seconds)

    @property
    def commits(self) -> Mapping[str, int]:
        """How many commits were `ok` and `failed`."""
        return self._commits.counts

    @property
    def waits(self) -> Sequence[Wait]:
        """What the brokers do not do now: they do not answer, give no records of a partition, or refuse commits."""
        return [*self._silence.waits, *self._unreadable.waits(time.monotonic()), *self._commits.waits]

    def pause(self, partitions: Iterable[int]) -> None:
        self._paused.pause(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self._paused.resume(partitions)

    def end_offset(self, partition: int) -> int:
        """The partition's end in the latest answer, without waiting for the broker; -1 without an answer."""
        return self._paused.end_offset(partition)

    @property
    def paused(self) -> Set[int]:
        """Partitions that are not fetched for now."""
        return self._paused.partitions

    @property
    def is_group_member(self) -> bool:
        return self._membership.is_member

    def partition_count(self, topic: str) -> int:
        """How many partitions a topic has, 0 if it does not exist. Raises NotPermitted, and NoAnswer in time."""
        return self._errors.ask_partition_count(self._consumer, topic)

    def close(self) -> None:
        self._membership.leave()

    def _consume(self, limit: int, timeout: float) -> list[Any]:
        try:
            return self._consumer.consume(limit, timeout)
        except KafkaException as error:
            raise ServiceError(f"the Kafka client cannot read: {client_text(error.args[0])}") from None

    def _fill(self, messages: list[Any], limit: int, timeout: float) -> list[Any]:
        """The messages, with at most `limit` more behind them."""
        # If a rebalance removes a partition in here, its messages are dropped: the partition may be assigned again
        # before the rebalance ends, from a lower offset.
        self._removed.clear()
        further_messages = self._consume(limit, timeout)
        return [message for message in messages if message.partition() not in self._removed] + further_messages

    def _handle_error(self, message: Any, ends: dict[int, int], unreadable: dict[int, int]) -> None:
        error, partition = message.error(), message.partition()
        if error.code() == KafkaError._PARTITION_EOF:
            ends[partition] = message.offset()
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._start_offsets.mark_lost(partition)
            self._unreadable.note_stopped(partition)
        else:
            if error.code() in UNREADABLE_BATCH_ERRORS:
                unreadable[partition] = message.offset()
            elif is_of_fetch(message):
                self._unreadable.note_error(partition, describe(error), time.monotonic())
            self._errors.report_message(message)

    def _on_commit(self, error: KafkaError | None, topic_partitions: list[TopicPartition]) -> None:
        self._commits.report(error, topic_partitions)
