"""Finding the event that Segment refuses, or that keeps failing: its chunk is sent alone, then in halves."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from consumer.model import Chunk
from consumer.reasons import BlockReason
from consumer.segment.backoff import MAX_BACKOFF_SECONDS, backoff
from consumer.segment.circuit_breaker import CircuitBreaker

REJECT_AFTER_SECONDS = 900.0
"""How long a chunk keeps failing while others with its key succeed until the chunk is taken for the cause."""


class ChunkSettled(NamedTuple):
    """Segment has the chunk."""

    chunk: Chunk


class ChunkSplit(NamedTuple):
    """The chunk is sent in halves, to find the event that is the cause."""

    chunk: Chunk
    halves: tuple[Chunk, Chunk]


class ChunkRejected(NamedTuple):
    """Segment will not accept the one event of this chunk, which was sent `attempts` times."""

    chunk: Chunk
    reason: str
    attempts: int


class ChunkPassed(NamedTuple):
    """The one event of this chunk is denied: the chunk behind it is sent, if there is one, to learn what is denied."""

    chunk: Chunk


class ChunkReturned(NamedTuple):
    """Nothing behind the passed events was accepted: the first of them is sent again, and this chunk waits."""

    chunk: Chunk


ChunkDecision = ChunkSettled | ChunkSplit | ChunkRejected | ChunkPassed | ChunkReturned
"""What becomes of a chunk; a chunk without a decision is sent again."""


@dataclass(eq=False, slots=True)
class Delivery:
    """
    The history of one chunk. Times are in monotonic seconds.

    `is_alone` bars the chunk from sharing a request. A failure is isolated if other chunks with the key were accepted
    since the chunk failed before: then the chunk is suspected, and not sent again until `not_before`.

    `denied_since` is when the search began in which the chunk was denied. `denials` counts the times that its one event
    was denied while the key was right.
    """

    chunk: Chunk
    attempts: int = 0
    is_alone: bool = False
    failed_at: float | None = None
    isolated_failures: int = 0
    isolated_failure_at: float | None = None
    isolated_seconds: float = 0.0
    not_before: float = 0.0
    denied_since: float | None = None
    denials: int = 0

    def half(self, chunk: Chunk) -> "Delivery":
        """The history of a half. Its isolated failures begin at 0 again: they only stretch the waits of the search."""
        return Delivery(
            chunk,
            self.attempts,
            is_alone=True,
            failed_at=self.failed_at,
            isolated_seconds=self.isolated_seconds,
            denied_since=self.denied_since,
        )

    def note_denial(self, breaker: CircuitBreaker, now: float) -> bool:
        """Whether another chunk with the key was accepted since this one failed before, so that the key is right."""
        failed_before, self.failed_at = self.failed_at, now
        if self.denied_since is None:
            self.denied_since = now
        return failed_before is not None and breaker.accepted_at > failed_before

    def forget_denials(self) -> None:
        """The search ended without a result: the next one begins from the start."""
        self.denials = 0
        self.denied_since = self.failed_at = None

    def note_failure(self, breaker: CircuitBreaker, jitter: random.Random, now: float) -> bool:
        """Whether the failure is isolated, so that the chunk itself may be the cause."""
        failed_before, self.failed_at = self.failed_at, now
        if failed_before is None or breaker.accepted_at <= failed_before:
            return False
        self.is_alone = True
        self.isolated_failures += 1
        suspected_since = self.isolated_failure_at
        if suspected_since is None:
            suspected_since = failed_before
        # More than the longest wait is the time of an outage in between, of which the chunk is not the cause.
        self.isolated_seconds += min(now - suspected_since, MAX_BACKOFF_SECONDS)
        self.isolated_failure_at = now
        self.not_before = now + backoff(self.isolated_failures, jitter)
        return True


@dataclass(frozen=True, slots=True)
class Bisection:
    """After `consecutive_refusals` of single events a wrong setting is assumed, and the key is blocked."""

    consecutive_refusals: int
    jitter: random.Random

    def after_refusal(
        self, deliveries: Sequence[Delivery], breaker: CircuitBreaker, reason: str, started_at: float, now: float
    ) -> list[ChunkDecision]:
        """Segment refused something in a request. `deliveries` are the histories of all chunks of the request."""
        if len(deliveries) > 1:
            for delivery in deliveries:
                delivery.is_alone = True
            return []
        (delivery,) = deliveries
        if len(delivery.chunk.events) > 1:
            return [split(delivery)]
        return self.reject(delivery, breaker, reason, started_at, now)

    def reject(
        self, delivery: Delivery, breaker: CircuitBreaker, reason: str, started_at: float, now: float
    ) -> list[ChunkDecision]:
        """Reject this single event, or block the key if too many were rejected in a row."""
        if breaker.consecutive_refusals >= self.consecutive_refusals:
            breaker.block(BlockReason.EVERYTHING_REFUSED, started_at, now)
            return []
        breaker.consecutive_refusals += 1
        return [ChunkRejected(delivery.chunk, reason, delivery.attempts)]

    def after_failure(
        self,
        deliveries: Sequence[Delivery],
        breaker: CircuitBreaker,
        reason: str,
        started_at: float,
        now: float,
    ) -> list[ChunkDecision]:
        """Open the breaker, unless the failure is isolated to the only chunk; that chunk is given time."""
        isolated = []
        for delivery in deliveries:
            if delivery.note_failure(breaker, self.jitter, now):
                isolated.append(delivery)  # noqa: PERF401 - a comprehension would hide the side effect
        if len(deliveries) > 1 or not isolated:
            breaker.failed(reason, started_at, now)
            return []
        (delivery,) = isolated
        if delivery.isolated_seconds < REJECT_AFTER_SECONDS:
            return []
        if len(delivery.chunk.events) > 1:
            return [split(delivery)]
        return [ChunkRejected(delivery.chunk, f"stuck_{reason}", delivery.attempts)]


def split(delivery: Delivery) -> ChunkSplit:
    """Send the chunk in halves."""
    return ChunkSplit(delivery.chunk, delivery.chunk.halves())
