"""A log line from time to time with what a member did since the line before, and what it holds now."""

import logging
from collections.abc import Iterable

from consumer.observability.snapshot import Counters, Snapshot

log = logging.getLogger(__name__)


class LogSummary:
    """Each record that is settled is counted in one line. A member without records logs lines with zeros."""

    def __init__(self, interval: float, now: float) -> None:
        """`interval` is in seconds; 0 for no lines. The first line comes one interval after `now`."""
        self._interval = interval
        self._logged_at = now
        self._logged = Counters()

    def log_if_due(self, snapshot: Snapshot, now: float) -> None:
        """Log a line if the interval is over. `now` is in monotonic seconds."""
        if not self._interval or now - self._logged_at < self._interval:
            return
        fields = {"seconds": round(now - self._logged_at), **_settled(snapshot.counters, self._logged)}
        log.info("summary", extra={**fields, **_state(snapshot)})
        self._logged_at, self._logged = now, snapshot.counters


def _settled(counters: Counters, before: Counters) -> dict[str, int]:
    """The records that were settled since `before`, and the requests that were not accepted."""
    return {
        "delivered": counters.delivered - before.delivered,
        "skipped": counters.skipped.total() - before.skipped.total(),
        "dead_lettered": counters.dead_lettered.total() - before.dead_lettered.total(),
        "failed_requests": _failed(counters) - _failed(before),
    }


def _failed(counters: Counters) -> int:
    return counters.requests.total() - counters.requests["accepted"]


def _state(snapshot: Snapshot) -> dict[str, int | None]:
    """What the member holds now. The lag is None while it is not known for each of the partitions."""
    return {
        "lag": _sum_if_known(state.lag for state in snapshot.partitions.values()),
        "waiting": snapshot.waiting,
        "in_flight": snapshot.in_flight,
        "blocked": len(snapshot.blocks),
        "assigned": len(snapshot.partitions),
    }


def _sum_if_known(lags: Iterable[int]) -> int | None:
    known = list(lags)
    return sum(known) if min(known, default=0) >= 0 else None
