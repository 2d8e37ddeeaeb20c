"""The consumer group's records in, settled offsets out."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.errors import NoAnswer, ServiceError
from consumer.kafka.client_config import is_fatal, made, shared_config
from consumer.kafka.commits import Commits
from consumer.kafka.end_offsets import Ends
from consumer.kafka.read import Read
from consumer.kafka.records import message_of
from consumer.kafka.start_offsets import Positions, Reset
from consumer.kafka.topic_id import Identity
from consumer.model import Message

log = logging.getLogger(__name__)

UNREADABLE = (KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG)
GATHERING = 0.02  # seconds in which further records are waited for when there is one

Rebalance = Callable[[Sequence[int]], None]


class Source:
    """
    One member of the group, used by one thread only.

    Its client never commits by itself, never skips by itself (a lost offset is an event here), and reports ends.
    """

    def __init__(self, config: Mapping[str, Any], topic: str, from_beginning: bool) -> None:
        self._consumer = made(Consumer, {**config, "on_commit": self._on_commit, "error_cb": self._on_error})
        self._topic = topic
        self._positions = Positions(self._consumer, Identity(config, topic), topic, from_beginning)
        self._paused: set[int] = set()
        self._gone: set[int] = set()  # revoked or lost while records were gathered
        self._asked_ends = Ends(shared_config(config), topic)
        self._fatal: KafkaError | None = None
        self._commits = Commits(self._consumer, self._positions)

    def subscribe(self, on_assign: Rebalance, on_revoke: Rebalance, on_lost: Rebalance) -> None:
        """Join the group. The callbacks run inside `read` and `close`, on the caller's thread."""

        def assigned(_: Consumer, parts: list[TopicPartition]) -> None:
            self._consumer.incremental_assign(self._positions.starts(parts))
            on_assign([part.partition for part in parts])

        def gone(callback: Rebalance) -> Callable[[Consumer, list[TopicPartition]], None]:
            def adapted(_: Consumer, parts: list[TopicPartition]) -> None:
                numbers = [part.partition for part in parts]
                self._gone.update(numbers)
                callback(numbers)
                self._positions.forget(numbers)
                self._commits.forget(numbers)
                self.resume(self._paused.intersection(numbers))  # else they stay paused in their next assignment

            return adapted

        self._consumer.subscribe([self._topic], on_assign=assigned, on_revoke=gone(on_revoke), on_lost=gone(on_lost))

    def read(self, limit: int, timeout: float) -> Read:
        """At most `limit` records, after at most `timeout` seconds; a rebalance happens in here."""
        messages: dict[int, list[Message]] = {}
        ends: dict[int, int] = {}
        unreadable: list[int] = []
        raws: list[Any] = self._consume(1, timeout)  # the client's types allow None for what each record has
        now = time.monotonic()
        if raws:  # the client would wait for the whole limit, and the first record's linger has begun
            raws = self._gathered(raws, limit - 1, min(timeout, GATHERING))
        if self._paused:
            self._asked_ends.ask(self._paused, now)
        for raw in raws:
            if raw.error() is not None:
                self._note(raw, ends, unreadable)
                continue
            message = message_of(raw, now)
            if message.partition in messages:
                messages[message.partition].append(message)
            else:
                messages[message.partition] = [message]
        if self._fatal:
            raise ServiceError(f"the Kafka client cannot go on: {self._fatal.str()}")
        return Read(messages, ends, self._resets(), self._remade(), unreadable)

    def begin_again(self, partition: int) -> None:
        """What comes of the partition from now on is of a topic that was made again."""
        self._positions.begin_again(partition)

    def store(self, offsets: Mapping[int, int]) -> None:
        """Mark offsets for the next commit. Those of partitions that are no longer ours are refused by the client."""
        self._commits.store(offsets)

    def commit(self, wait: bool = False) -> None:
        """Commit what is stored, in the background unless `wait`; a refused commit is made again with the next one."""
        self._commits.commit(wait)

    @property
    def commits(self) -> Mapping[str, int]:
        """How many commits were `ok` and `failed`."""
        return self._commits.counts

    def pause(self, partitions: Iterable[int]) -> None:
        if starting := set(partitions) - self._paused:
            self._consumer.pause([TopicPartition(self._topic, number) for number in starting])
            self._paused |= starting

    def resume(self, partitions: Iterable[int]) -> None:
        if ending := set(partitions) & self._paused:
            self._consumer.resume([TopicPartition(self._topic, number) for number in ending])
            self._paused -= ending

    def end(self, partition: int) -> int:
        """The partition's end as last heard of, without waiting for the broker; -1 if nothing was heard."""
        _, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True) or (-1, -1)
        return max(int(high), self._asked_ends.last(partition)) if partition in self._paused else int(high)

    @property
    def paused(self) -> Set[int]:
        """Partitions that are not read for now."""
        return self._paused

    @property
    def joined(self) -> bool:
        return bool(self._consumer.memberid())

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 if it is not there. Raises NoAnswer if no broker answers in time."""
        try:
            found = self._consumer.list_topics(topic, timeout=1.0).topics[topic]  # asked again and again
        except KafkaException as error:
            self._consumer.poll(0)  # else the client keeps to itself why, until the first read
            raise NoAnswer(f"no answer from Kafka about topic {topic}: {error.args[0].str()}") from None
        return len(found.partitions)

    def close(self) -> None:
        self._consumer.close()

    def _consume(self, limit: int, timeout: float) -> list[Any]:
        try:
            return self._consumer.consume(limit, timeout)
        except KafkaException as error:
            raise ServiceError(f"the Kafka client cannot read: {error.args[0].str()}") from None

    def _gathered(self, first: list[Any], limit: int, timeout: float) -> list[Any]:
        """With what comes behind it, and without what a rebalance in here took away: it may be ours again already."""
        self._gone.clear()
        more = self._consume(limit, timeout)
        return [raw for raw in first if raw.partition() not in self._gone] + more

    def _resets(self) -> Sequence[Reset]:
        resets = self._positions.resets()
        self.resume(reset.partition for reset in resets if reset.goes_on)  # else they stay paused, in silence
        return resets

    def _remade(self) -> Sequence[int]:
        remade = self._positions.remade()
        self.resume(remade)
        return remade

    def _note(self, raw: Any, ends: dict[int, int], unreadable: list[int]) -> None:
        error, partition = raw.error(), raw.partition()
        if error.code() == KafkaError._PARTITION_EOF:
            ends[partition] = raw.offset()
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._positions.lose(partition)
        elif is_fatal(error):
            self._fatal = error
        else:
            if error.code() in UNREADABLE:
                unreadable.append(partition)
            log.warning("Kafka reports an error", extra={"partition": partition, "error": error.str()})

    def _on_commit(self, error: KafkaError | None, parts: list[TopicPartition]) -> None:
        self._commits.report(error, parts)

    def _on_error(self, error: KafkaError) -> None:
        if is_fatal(error):
            self._fatal = error
        else:
            log.warning("Kafka client error, retrying", extra={"error": error.str()})
