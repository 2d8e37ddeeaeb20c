"""The one loop: read `turn` from top to bottom, that is the service."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from consumer.aside import Treater
from consumer.delivery.outbox import Outbox
from consumer.delivery.workers import Workers
from consumer.kafka.dead_letters import DeadLetters
from consumer.kafka.source import Reset, Source
from consumer.lane import Lane
from consumer.lanes import Lanes
from consumer.model import Fate, Held, Letter, Message, Part, Skipped, Verdict
from consumer.reading.schemas import Schemas
from consumer.status import Status

log = logging.getLogger(__name__)

READ_LIMIT = 1000
READ_TIMEOUT = 0.02  # seconds; what is due and what is answered waits at most that long
COMMIT_EVERY = 1.0
WAIT_IN_HAND_OVER = 0.05


@dataclass(frozen=True, slots=True)
class Doors:
    """Whom the loop talks to, in the order in which a record meets them."""

    source: Source
    schemas: Schemas
    treater: Treater
    outbox: Outbox
    workers: Workers
    dead_letters: DeadLetters


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
        self._source, self._treater, self._schemas = doors.source, doors.treater, doors.schemas
        self._outbox, self._workers, self._dead_letters = doors.outbox, doors.workers, doors.dead_letters
        self._lanes = lanes
        self._status = status
        self._hand_over_seconds = hand_over_seconds
        self._clock = clock
        self._commit_at = float("-inf")

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
        self._settle()  # before dispatching: a lane that was answered can leave in the same turn
        self._dispatch()
        self._commit()
        self._pause()
        self._publish()

    def _read(self) -> None:
        read = self._source.read(READ_LIMIT, READ_TIMEOUT)
        for reset in read.resets:
            self._reset(reset)
        for partition, messages in read.messages.items():
            if partition in self._lanes:
                self._add(self._lanes[partition], messages)
        for partition, offset in read.ends.items():
            if partition in self._lanes:
                self._lanes[partition].advance(offset)

    def _dispatch(self) -> None:
        self._lanes.unblock(self._schemas.is_pending)
        for lane in self._lanes.full():
            if not self._workers.free:
                return
            self._take(lane)
            self._send(full_only=True)
        for lane in self._lanes.due(self._clock()):
            self._take(lane)
        self._send()

    def _settle(self, timeout: float = 0) -> None:
        for request, outcome in self._workers.answered(timeout):
            now = self._clock()
            self._status.answered(request, outcome, now)
            for verdict in self._outbox.judge(request, outcome, now):
                self._apply(verdict)
        reports = self._dead_letters.advance(self._clock(), timeout if self._workers.idle else 0)
        for letter in reports.confirmed:
            self._confirm(letter)
        for letter in reports.too_large:
            if not letter.revoked:
                self._hold(self._lanes[letter.message.partition], Held("dead_letter_too_large"))

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
        self._status.publish(self._lanes, self._outbox.paces, self._source, self._clock(), handing_over)

    def _add(self, lane: Lane, messages: Sequence[Message]) -> None:
        if lane.position is not None and messages[0].offset < lane.position:
            log.warning("offsets restart: the topic was made again", extra={"partition": lane.partition})
            self._drop([lane.partition])
            self._lanes.open([lane.partition])
            lane = self._lanes[lane.partition]
        lane.add(messages)
        self._status.counts.consumed += len(messages)

    def _take(self, lane: Lane) -> None:
        taken = lane.take(self._treater.treat, self._lanes.batch)
        self._lanes.last(lane)
        self._status.counts.skipped.update(taken.skipped)
        for part in taken.parts:
            self._outbox.put(part)
        for letter in taken.letters:
            self._dead_letters.put(letter)
        if isinstance(lane.blocked, Held):
            self._hold(lane, lane.blocked)

    def _send(self, full_only: bool = False) -> None:
        while self._workers.free and (request := self._outbox.next(self._clock(), full_only)):
            self._workers.start(request)

    def _apply(self, verdict: Verdict) -> None:
        part, fate, reason = verdict
        lane = self._lanes[part.partition]
        if fate is Fate.SETTLED:
            self._status.counts.delivered += len(part.calls)
            self._release(lane.settle(part))
        elif fate is Fate.SPLIT:
            self._release(lane.split(part))
        else:
            self._set_aside(lane, part, reason)

    def _set_aside(self, lane: Lane, part: Part, reason: str) -> None:
        made = self._treater.refused(part, reason)
        if isinstance(made, Letter):
            self._release(lane.set_aside(part, made))
            self._dead_letters.put(made)
        elif isinstance(made, Skipped):
            self._status.counts.skipped[made.reason] += 1
            self._release(lane.settle(part))
        else:
            self._hold(lane, made)

    def _release(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self._outbox.put(part)

    def _confirm(self, letter: Letter) -> None:
        if not letter.revoked:
            self._lanes[letter.message.partition].confirm(letter)
            self._status.counts.dead_lettered[letter.reason] += 1

    def _hold(self, lane: Lane, held: Held) -> None:
        lane.blocked = held
        log.error(
            "partition holds until somebody decides",
            extra={"partition": lane.partition, "offset": lane.frontier, "reason": held.reason},
        )

    def _reset(self, reset: Reset) -> None:
        if reset.partition not in self._lanes:
            return
        lane = self._lanes[reset.partition]
        expected = reset.expected if lane.position is None else lane.position
        address = {"partition": reset.partition, "offset": expected}
        if 0 <= expected < reset.low:
            self._status.counts.lost_to_retention += reset.low - expected
            log.error("records were deleted before they were read", extra={**address, "lost": reset.low - expected})
        if not reset.goes_on:
            self._hold(lane, Held("no_committed_offset" if expected < 0 else "offset_out_of_range"))

    def _open(self, partitions: Sequence[int]) -> None:
        self._drop(partitions)  # none of them is ours before this, if the client keeps its word
        self._lanes.open(partitions)
        self._status.rebalanced("assigned", partitions)

    def _revoke(self, partitions: Sequence[int]) -> None:
        self._status.rebalanced("revoked", partitions)
        self._hand_over(partitions)
        self._drop(partitions)

    def _lose(self, partitions: Sequence[int]) -> None:
        self._status.rebalanced("lost", partitions)
        self._drop(partitions)

    def _hand_over(self, partitions: Sequence[int]) -> None:
        """Start nothing, wait for what is under way, commit what is settled; the next owner reads the rest again."""
        self._publish(handing_over=True)
        ends_at = self._clock() + self._hand_over_seconds
        while self._under_way(set(partitions)) and self._clock() < ends_at:
            self._settle(WAIT_IN_HAND_OVER)
        self._source.store(self._lanes.to_store(partitions))
        self._source.commit(wait=True)

    def _under_way(self, partitions: set[int]) -> bool:
        letters = any(lane.letters for lane in self._lanes if lane.partition in partitions)
        return letters or self._workers.carries(partitions)

    def _drop(self, partitions: Sequence[int]) -> None:
        self._status.counts.handed_back += self._lanes.drop(partitions)
