"""The one loop: read `turn` from top to bottom, that is the service."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from consumer.kafka.start_offsets import Reset
from consumer.model import Held, Message
from consumer.pipeline.buffers import Lanes
from consumer.pipeline.dispatcher import Doors, Settling
from consumer.pipeline.partition_buffer import Lane
from consumer.pipeline.status_reporter import Status

log = logging.getLogger(__name__)

READ_LIMIT = 1000
READ_TIMEOUT = 0.05  # seconds; what is answered waits at most that long, what is due does not
COMMIT_EVERY = 1.0
PUBLISH_EVERY = 0.1  # but a hold is told at once; it was half of what an idle member costs
WAIT_IN_HAND_OVER = 0.05


class Loop:
    """
    All that changes belongs to the thread that calls `run`; workers see immutable requests only.

    It never waits for Segment, the registry or a commit, except in a hand-over, and there not beyond its deadline.
    """

    def __init__(
        self,
        doors: Doors,
        lanes: Lanes,
        status: Status,
        hand_over_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._schemas = doors.source, doors.schemas
        self._outbox, self._workers = doors.outbox, doors.workers
        self._settling = Settling(doors, lanes, status, clock)
        self._lanes = lanes
        self._status = status
        self._hand_over_seconds = hand_over_seconds
        self._clock = clock
        self._commit_at = self._publish_at = float("-inf")
        self._told_holding: Mapping[int, str] = {}

    def run(self, stop: Event) -> None:
        """Until `stop` is set; then everything settled is committed and the rest is left to the next owner."""
        self._source.subscribe(self._open, self._revoke, self._lose)
        try:
            while not stop.is_set():
                self.turn()
            self._hand_over(self._lanes.partitions)
        finally:
            self._drop(self._lanes.partitions)  # closing the source revokes: nothing may be left to hand over

    def turn(self) -> None:
        self._read()
        self._settling.settle()  # before dispatching: a lane that was answered can leave in the same turn
        self._dispatch()
        self._commit()
        self._pause()
        if self._clock() >= self._publish_at or self._lanes.holding != self._told_holding:
            self._publish()

    def _read(self) -> None:
        timeout = self._lanes.until_due(self._clock(), READ_TIMEOUT) if self._workers.free else READ_TIMEOUT
        read = self._source.read(READ_LIMIT, timeout)
        for partition, messages in read.messages.items():
            if partition in self._lanes:
                self._add(self._lanes[partition], messages)
        for reset in read.resets:
            self._reset(reset)
        for partition, offset in read.ends.items():
            if partition in self._lanes:
                self._lanes[partition].advance(offset)
        for partition in read.remade:
            self._begin_again(partition)
        for partition in read.unreadable:
            if partition in self._lanes:
                self._settling.note_unreadable(self._lanes[partition])

    def _dispatch(self) -> None:
        self._lanes.unblock(self._schemas.is_pending)
        now = self._clock()
        stalled = self._outbox.stalled(now)
        for lane in self._lanes.full(now, stalled):
            if not self._workers.free:
                break
            self._settling.take(lane)
            self._send(full_only=True)
        for lane in self._lanes.due(now, stalled):
            self._settling.take(lane)
        self._send()

    def _commit(self) -> None:
        now = self._clock()
        if now >= self._commit_at:
            self._commit_at = now + COMMIT_EVERY
            self._source.store(self._lanes.to_store(self._lanes.partitions))
            self._source.commit()

    def _pause(self) -> None:
        self._source.pause(self._lanes.crowded())
        self._source.resume(self._lanes.relaxed())

    def _publish(self, handing_over: bool = False) -> None:
        self._publish_at, self._told_holding = self._clock() + PUBLISH_EVERY, self._lanes.holding
        self._status.publish(self._lanes, self._outbox.paces, self._source, self._clock(), handing_over)

    def _add(self, lane: Lane, messages: Sequence[Message]) -> None:
        if lane.position is not None and messages[0].offset < lane.position:
            self._begin_again(lane.partition)
            lane = self._lanes[lane.partition]
        lane.add(messages)
        self._status.counts.consumed += len(messages)

    def _begin_again(self, partition: int) -> None:
        log.warning("topic recreated, reading the partition from its start", extra={"partition": partition})
        self._drop([partition])
        self._lanes.open([partition])
        self._source.begin_again(partition)

    def _send(self, full_only: bool = False) -> None:
        while self._workers.free and (request := self._outbox.next(self._clock(), full_only)):
            self._workers.start(request)

    def _reset(self, reset: Reset) -> None:
        if reset.partition not in self._lanes:
            return
        lane = self._lanes[reset.partition]
        expected = reset.expected if lane.position is None else lane.position
        address = {"partition": reset.partition, "offset": expected}
        if 0 <= expected < reset.low:
            self._status.counts.lost_to_retention += reset.low - expected
            log.error("records were deleted before they were read", extra={**address, "lost": reset.low - expected})
        if lane.position is not None and reset.high < lane.position:  # which retention does not do
            self._begin_again(reset.partition)
            lane = self._lanes[reset.partition]
        if not reset.goes_on:
            self._settling.hold(lane, Held("no_committed_offset" if expected < 0 else "offset_out_of_range"))

    def _open(self, partitions: Sequence[int]) -> None:
        self._drop(partitions)  # none of them is ours before this, if the client keeps its word
        self._lanes.open(partitions)
        self._status.rebalanced("assigned", partitions)

    def _revoke(self, partitions: Sequence[int]) -> None:
        self._status.rebalanced("revoked", partitions)
        if ours := [partition for partition in partitions if partition in self._lanes]:  # none at the very end
            self._hand_over(ours)
            self._drop(ours)

    def _lose(self, partitions: Sequence[int]) -> None:
        self._status.rebalanced("lost", partitions)
        self._drop(partitions)

    def _hand_over(self, partitions: Sequence[int]) -> None:
        """Open no batch, finish of the open ones what can go at once, commit; the next owner reads the rest again."""
        self._publish(handing_over=True)
        ours, ends_at = set(partitions), self._clock() + self._hand_over_seconds
        try:
            while self._unfinished(ours) and self._clock() < ends_at:
                self._send()
                self._settling.settle(WAIT_IN_HAND_OVER)
        finally:
            self._source.store(self._lanes.to_store(partitions))
            self._source.commit(wait=True)

    def _unfinished(self, partitions: set[int]) -> bool:
        """Whether something is under way, or could go now: the halves of a search, the next part of a key."""
        letters = any(lane.letters for lane in self._lanes if lane.partition in partitions)
        return letters or self._workers.carries(partitions) or self._outbox.could_send(partitions, self._clock())

    def _drop(self, partitions: Sequence[int]) -> None:
        self._status.counts.handed_back += self._lanes.drop(partitions)
        self._outbox.forget_revoked()
