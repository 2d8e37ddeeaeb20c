"""Settled offsets out: what is stored for the next commit, and what came of it."""

import logging
import time
from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.kafka.start_offsets import Positions

log = logging.getLogger(__name__)

# A commit that meets a rebalance is refused, and not because of its offsets. (A broker reads one request of a
# connection at a time: a commit that is sent while the member joins is answered when all have joined, as of the past
# generation.)
PASSING = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError.STALE_MEMBER_EPOCH)
AGAIN_FOR = 3.0  # seconds
AGAIN_AFTER = 0.1


class Commits:
    """
    An offset is committed by storing it, as the client refuses to store for a partition that is no longer ours.

    But what is stored only ever moves forward, in the client's eyes. An offset below the one that it committed before,
    or the same one of another topic, belongs to a topic that was made again or has lost records: it is committed by
    itself, until the broker has it. (The partition was assigned anew for that, at which the client forgets what was
    stored.)
    """

    def __init__(self, consumer: Consumer, positions: Positions) -> None:
        self._consumer, self._positions = consumer, positions
        self._committed: dict[int, TopicPartition] = {}
        self._steps_back: dict[int, TopicPartition] = {}
        self.counts = {"ok": 0, "failed": 0}

    def store(self, offsets: Mapping[int, int]) -> None:
        """Mark offsets for the next commit."""
        for partition, offset in offsets.items():
            part = self._positions.offset(partition, offset)
            self._steps_back.pop(partition, None)
            if self._is_step_back(part):
                self._steps_back[partition] = part
                continue
            try:
                self._consumer.store_offsets(offsets=[part])
            except KafkaException as error:
                log.info("offset not stored", extra={"partition": partition, "error": error.args[0].name()})

    def commit(self, wait: bool) -> None:
        """
        Commit what is marked. A refused commit is a warning: the same offset or a later one goes next time.

        With `wait` there may be no next time: then it goes again while a rebalance is all that is in its way.
        """
        commit = self._commit_now if wait else self._commit_soon
        if self._steps_back:
            commit(offsets=list(self._steps_back.values()))
        commit()

    def forget(self, partitions: Iterable[int]) -> None:
        """They are no longer ours."""
        for partition in partitions:
            self._steps_back.pop(partition, None)

    def report(self, error: KafkaError | None, parts: Iterable[TopicPartition]) -> None:
        """What came of a commit."""
        errors = [error] if error else [part.error for part in parts if part.error]
        if not errors:
            self.counts["ok"] += 1
            for part in parts:
                if part.offset >= 0:  # those with nothing new are named as well, without an offset
                    self._take_in(part)
        elif errors[0].code() != KafkaError._NO_OFFSET:  # that one says: nothing new to commit
            self.counts["failed"] += 1
            log.warning("commit refused; it is made again with the next one", extra={"error": errors[0].str()})

    def _commit_soon(self, **offsets: list[TopicPartition]) -> None:
        try:
            self._consumer.commit(asynchronous=True, **offsets)
        except KafkaException as error:
            self.report(error.args[0], [])

    def _commit_now(self, **offsets: list[TopicPartition]) -> None:
        ends_at = time.monotonic() + AGAIN_FOR
        while True:
            try:
                return self.report(None, self._consumer.commit(asynchronous=False, **offsets))
            except KafkaException as refused:
                error = refused.args[0]
            if error.code() not in PASSING or time.monotonic() > ends_at:
                return self.report(error, [])
            time.sleep(AGAIN_AFTER)  # the client's own threads take part in the rebalance meanwhile

    def _is_step_back(self, part: TopicPartition) -> bool:
        before = self._committed.get(part.partition)
        if before is None or part.offset > before.offset:
            return False
        return part.offset < before.offset or (part.metadata or "") != (before.metadata or "")

    def _take_in(self, part: TopicPartition) -> None:
        self._committed[part.partition] = part
        step = self._steps_back.get(part.partition)
        if step and step.offset == part.offset:
            del self._steps_back[part.partition]
