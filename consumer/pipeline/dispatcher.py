"""What becomes of records that left their lane: parts that are answered, letters that are confirmed."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumer.avro.schema_cache import Schemas
from consumer.kafka.consumer import Source
from consumer.kafka.dead_letters import DeadLetters
from consumer.model import Held, Letter, Skipped
from consumer.pipeline.buffers import Lanes
from consumer.pipeline.partition_buffer import Lane
from consumer.pipeline.reject_policy import Treater
from consumer.pipeline.status_reporter import Status
from consumer.request import Fate, Part, Verdict
from consumer.segment.send_queue import Outbox
from consumer.segment.workers import Workers

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """Whom the loop talks to, in the order in which a record meets them."""

    source: Source
    schemas: Schemas
    treater: Treater
    outbox: Outbox
    workers: Workers
    dead_letters: DeadLetters


class Settling:
    """
    Every part and letter of an open batch is applied to its lane once, and never after the lane is gone.

    It belongs to the loop's thread, as the lanes do.
    """

    def __init__(self, doors: Doors, lanes: Lanes, status: Status, clock: Callable[[], float] = time.monotonic) -> None:
        self._treater, self._outbox, self._workers = doors.treater, doors.outbox, doors.workers
        self._dead_letters, self._lanes, self._status, self._clock = doors.dead_letters, lanes, status, clock

    def take(self, lane: Lane) -> None:
        """Open the lane's next batch and send each part and letter on its way."""
        taken = lane.take(self._treater.treat, self._lanes.batch(lane))
        self._lanes.last(lane)
        self._status.counts.skipped.update(taken.skipped)
        for part in taken.parts:
            self._outbox.put(part)
        for letter in taken.letters:
            self._dead_letters.put(letter)
        if isinstance(lane.blocked, Held):
            self.hold(lane, lane.blocked)

    def settle(self, timeout: float = 0) -> None:
        """Apply what was answered and confirmed, waiting at most `timeout` seconds for the first of it."""
        for request, outcome in self._workers.answered(timeout):
            now = self._clock()
            self._status.answered(request, outcome, now)
            for verdict in self._outbox.judge(request, outcome, now):
                self._apply(verdict)
        reports = self._dead_letters.advance(self._clock(), timeout if self._workers.idle else 0)
        for letter in reports.confirmed:
            self._confirm(letter)
        for letter, reason in reports.refused:
            if not letter.revoked:
                self.hold(self._lanes[letter.message.partition], Held(reason))

    def hold(self, lane: Lane, held: Held) -> None:
        """Let the lane not go past its oldest unsettled record, and say so."""
        lane.blocked = held
        _say(lane, lane.frontier)

    def note_unreadable(self, lane: Lane) -> None:
        """Nothing more comes for this lane, for a reason that somebody has to mend; what it has is delivered."""
        if not lane.unreadable:
            lane.unreadable = True
            _say(lane, lane.position)

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
            self.hold(lane, made)

    def _confirm(self, letter: Letter) -> None:
        if not letter.revoked:
            self._lanes[letter.message.partition].confirm(letter)
            self._status.counts.dead_lettered[letter.reason] += 1

    def _release(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self._outbox.put(part)


def _say(lane: Lane, offset: int | None) -> None:
    log.error(
        "partition blocked: operator action required",
        extra={"partition": lane.partition, "offset": offset, "reason": lane.holds},
    )
