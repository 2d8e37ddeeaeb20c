"""When the next request of one write key may be sent: closed, open while it backs off, half-open for one probe."""

import random
from dataclasses import dataclass, field

from consumer.segment.backoff import backoff


@dataclass(slots=True)
class CircuitBreaker:
    """
    The state of one write key. Times are in monotonic seconds.

    After a failure one request at a time probes whether the failure is over, and the first acceptance closes the
    breaker. `block_reason` says which setting is wrong while the key is blocked, "" while it is not. `failure` is the
    reason of the last failure or throttling, and `failing_since` the time of the first of those in a row.
    `is_throttling` says whether the last one was a throttling.
    """

    jitter: random.Random = field(default_factory=random.Random)
    in_flight: int = 0
    failures: int = 0
    throttles: int = 0
    consecutive_refusals: int = 0
    failed_at: float = float("-inf")
    throttled_at: float = float("-inf")
    accepted_at: float = float("-inf")
    probe_at: float = float("-inf")
    throttled_until: float = float("-inf")
    block_reason: str = ""
    failure: str = ""
    failing_since: float = float("-inf")
    is_throttling: bool = False

    @property
    def open_until(self) -> float:
        """When the next request may be sent; in the past if nothing prevents it."""
        if self.failures:
            return max(self.throttled_until, self.probe_at)
        return self.throttled_until

    @property
    def probes_with_one_chunk(self) -> bool:
        """Whether a probe carries one chunk: with several, one event that is itself the cause would fail them all."""
        return bool(self.block_reason) or self.failures > 1

    def may_send(self, now: float) -> bool:
        if now < self.throttled_until:
            return False
        return not self.failures or (now >= self.probe_at and not self.in_flight)

    def is_stalled(self, now: float) -> bool:
        """Whether nothing but a probe may be sent with this key."""
        return bool(self.failures or self.block_reason) or now < self.throttled_until

    def accepted(self, now: float) -> None:
        self.accepted_at = now
        self.failures = self.throttles = self.consecutive_refusals = 0
        self.block_reason = ""

    def passed(self) -> None:
        """A request without events passed, so that the key is right and the path is open; no event was accepted."""
        self.failures = 0
        self.block_reason = ""

    def throttled(self, reason: str, wait: float | None, started_at: float, now: float) -> None:
        """Segment asked to wait `wait` seconds; None if it did not say how long: then each wait is longer."""
        self._note_failure(reason, now)
        self.is_throttling = True
        if started_at >= self.throttled_at or not self.throttles:
            self.throttles += 1
            self.throttled_at = now
        self.throttled_until = max(self.throttled_until, now + (wait or backoff(self.throttles, self.jitter)))

    def failed(self, reason: str, started_at: float, now: float) -> None:
        """A request that started at `started_at` failed. Requests that were in flight together count as one failure."""
        self._note_failure(reason, now)
        self.is_throttling = False
        if started_at >= self.failed_at or not self.failures:
            self.failures += 1
            self.failed_at = now
            self.probe_at = now + backoff(self.failures, self.jitter)

    def block(self, reason: str, started_at: float, now: float) -> None:
        """A setting is wrong: probe with one chunk at a time until it is fixed."""
        self.block_reason = reason
        self.failed(reason, started_at, now)

    def _note_failure(self, reason: str, now: float) -> None:
        if not self.failures and not self.throttles:
            self.failing_since = now
        self.failure = reason
