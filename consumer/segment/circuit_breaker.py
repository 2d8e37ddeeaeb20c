"""When the next request of one write key may go: what Segment asked for, backing off, holding."""

import random
from dataclasses import dataclass, field

SHORTEST_WAIT = 0.5  # seconds, as Segment's own clients wait
LONGEST_WAIT = 60.0


def backoff(failures: int, jitter: random.Random) -> float:
    """Seconds before try number `failures + 1`: 0.5 doubling to 60, spread so that members do not go in step."""
    return min(LONGEST_WAIT, SHORTEST_WAIT * 2.0 ** min(failures - 1, 10) * jitter.uniform(1, 1.5))


@dataclass(slots=True)
class Pace:
    """
    The state of one write key. Times in monotonic seconds.

    While it fails or holds, one request at a time finds out whether that is over, and the first acceptance ends it.
    `holding` names the mistake of ours that it holds for, "" if it does not.
    """

    jitter: random.Random = field(default_factory=random.Random)
    under_way: int = 0
    failures: int = 0
    throttles: int = 0
    refused_in_a_row: int = 0
    failed_at: float = float("-inf")
    throttled_at: float = float("-inf")
    accepted_at: float = float("-inf")
    probe_at: float = float("-inf")
    throttled_until: float = float("-inf")
    holding: str = ""
    holding_since: float = 0.0

    @property
    def waits_until(self) -> float:
        """When the next request may go; in the past where nothing is in its way."""
        return max(self.throttled_until, self.probe_at) if self.failures else self.throttled_until

    @property
    def is_in_doubt(self) -> bool:
        """Whether a probe is to be of one lane: in company, one event with a fault of its own would fail them all."""
        return bool(self.holding) or self.failures > 1

    def may_send(self, now: float) -> bool:
        if now < self.throttled_until:
            return False
        return not self.failures or (now >= self.probe_at and not self.under_way)

    def stalls(self, now: float) -> bool:
        """Whether nothing but a probe may be sent with this key."""
        return bool(self.failures) or now < self.throttled_until

    def accepted(self, now: float) -> None:
        self.accepted_at = now
        self.failures = self.throttles = self.refused_in_a_row = 0
        self.holding = ""

    def throttled(self, wait: float | None, started_at: float, now: float) -> None:
        """Segment asked to wait so many seconds, or did not say for how long: longer each time, as for a failure."""
        if started_at >= self.throttled_at or not self.throttles:
            self.throttles += 1
            self.throttled_at = now
        self.throttled_until = max(self.throttled_until, now + (wait or backoff(self.throttles, self.jitter)))

    def failed(self, started_at: float, now: float) -> None:
        """A request that started at `started_at` failed. Those that were under way together count as one failure."""
        if started_at >= self.failed_at or not self.failures:
            self.failures += 1
            self.failed_at = now
            self.probe_at = now + backoff(self.failures, self.jitter)

    def hold(self, reason: str, started_at: float, now: float) -> None:
        if not self.holding:
            self.holding_since = now
        self.holding = reason
        self.failed(started_at, now)
