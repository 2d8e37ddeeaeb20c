"""When records were last lost."""

from consumer.observability.snapshot import Counters


class Losses:
    """When the counts of lost records last grew, in monotonic seconds."""

    def __init__(self) -> None:
        self._deleted = self._truncated = 0
        self.deleted_at = self.truncated_at = float("-inf")

    def note(self, counters: Counters, now: float) -> None:
        if counters.lost_to_retention > self._deleted:
            self._deleted, self.deleted_at = counters.lost_to_retention, now
        if counters.lost_to_truncation > self._truncated:
            self._truncated, self.truncated_at = counters.lost_to_truncation, now
