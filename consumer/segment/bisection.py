"""Finding the event that Segment refuses, or that keeps failing: its chunk is sent alone, then in halves."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from consumer.model import Chunk, Misconfigured, Retry
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


ChunkDecision = ChunkSettled | ChunkSplit | ChunkRejected
"""What becomes of a chunk; a chunk without a decision is sent again."""


@dataclass(eq=False, slots=True)
class Delivery:
    """
    The history of one chunk. Times are in monotonic seconds.

    `is_alone` bars the chunk from sharing a request. A failure is isolated if other chunks with the key were accepted
    since the chunk failed before: then the chunk is suspected, and not sent again until `not_before`.
    """

    chunk: Chunk
    attempts: int = 0
    is_alone: bool = False
    failed_at: float | None = None
    isolated_failures: int = 0
    isolated_failure_at: float | None = None
    isolated_seconds: float = 0.0
    not_before: float = 0.0

    def half(self, chunk: Chunk) -> "Delivery":
        """The history of a half. Its isolated failures begin at 0 again: they only stretch the waits of the search."""
        return Delivery(
            chunk, self.attempts, is_alone=True, failed_at=self.failed_at, isolated_seconds=self.isolated_seconds
        )

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
            return [_split(delivery)]
        if breaker.consecutive_refusals >= self.consecutive_refusals:
            breaker.block(BlockReason.EVERYTHING_REFUSED, started_at, now)
            return []
        breaker.consecutive_refusals += 1
        return [ChunkRejected(delivery.chunk, reason, delivery.attempts)]

    def after_failure(
        self,
        deliveries: Sequence[Delivery],
        breaker: CircuitBreaker,
        outcome: Retry | Misconfigured,
        started_at: float,
        now: float,
    ) -> list[ChunkDecision]:
        """Open the breaker, unless the failure is isolated to the only chunk; that chunk is given time."""
        isolated = []
        for delivery in deliveries:
            if delivery.note_failure(breaker, self.jitter, now):
                isolated.append(delivery)  # noqa: PERF401 - a comprehension would hide the side effect
        if len(deliveries) > 1 or not isolated:
            if isinstance(outcome, Misconfigured):
                breaker.block(outcome.reason, started_at, now)
            else:
                breaker.failed(started_at, now)
            return []
        (delivery,) = isolated
        if delivery.isolated_seconds < REJECT_AFTER_SECONDS:
            return []
        if len(delivery.chunk.events) > 1:
            return [_split(delivery)]
        return [ChunkRejected(delivery.chunk, f"stuck_{outcome.reason}", delivery.attempts)]


def _split(delivery: Delivery) -> ChunkSplit:
    return ChunkSplit(delivery.chunk, delivery.chunk.halves())
