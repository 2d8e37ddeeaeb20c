"""The content of the status page, as one JSON value."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from consumer.observability.group_watch import GroupReport
from consumer.observability.metrics import age, retry_waits
from consumer.observability.recent_logs import LogLine
from consumer.observability.snapshot import Counters, LatestSnapshot, Snapshot
from consumer.outside_text import outside_value
from consumer.reasons import block_meaning

SAMPLE_SECONDS = 5.0  # between two points of the history
MAX_POINTS = 180  # a quarter of an hour
STALE_SECONDS = 60.0  # without an iteration of the loop


class ServiceInfo(NamedTuple):
    """The facts that do not change while the service runs. The page shows only the host of `endpoint`."""

    version: str
    topic: str
    group: str
    endpoint: str


class _HistoryPoint(NamedTuple):
    """`at` is in seconds since 1970, `settled` in records since the start, `delay` in seconds."""

    at: float
    settled: int
    delay: float


class StatusPage:
    """Reads the latest snapshot from other threads than the loop's; the loop does not know the page."""

    def __init__(
        self,
        latest: LatestSnapshot,
        info: ServiceInfo,
        recent_errors: Callable[[], Sequence[LogLine]],
        group: Callable[[], GroupReport] = dict,
    ) -> None:
        """`group` gives what is known of the whole group, without waiting; nothing by default."""
        self.latest, self.group = latest, group
        self._info, self._recent_errors = info, recent_errors
        self._started_at = time.time()
        self._points: tuple[_HistoryPoint, ...] = ()

    def sample(self) -> None:
        """Add a point to the history if the last one is `SAMPLE_SECONDS` old. One thread calls this repeatedly."""
        now = time.time()
        if not self._points or now - self._points[-1].at >= SAMPLE_SECONDS:
            snapshot = self.latest()
            point = _HistoryPoint(now, snapshot.counters.settled, age(snapshot.oldest, now))
            self._points = (*self._points[-MAX_POINTS:], point)

    def status(self) -> Mapping[str, Any]:
        """The whole content. Any thread may call this."""
        now, snapshot = time.time(), self.latest()
        content = {
            "version": self._info.version,
            "topic": self._info.topic,
            "group": self._info.group,
            "to": urlsplit(self._info.endpoint).hostname,
            "state": state(snapshot, time.monotonic()),
            "now": now,
            "started_at": self._started_at,
            "settled_at": snapshot.settled_at,
            "age": age(snapshot.oldest, now),
            "blocks": [{**block._asdict(), "meaning": block_meaning(block.reason)} for block in snapshot.blocks],
            "retry_waits": retry_waits(snapshot),
            "counts": _totals(snapshot.counters) | _unsettled(snapshot),
            "skipped": _by_text(snapshot.counters.skipped),
            "dead_lettered": _by_text(snapshot.counters.dead_lettered),
            "requests": _by_text(snapshot.counters.requests),
            "partitions": _partitions(snapshot, now),
            "history": _history(self._points),
            "errors": [line._asdict() for line in self._recent_errors()],
        }
        return {name: outside_value(value) for name, value in content.items()}


def state(snapshot: Snapshot, now: float) -> str:
    """The state of the service in one word. `now` is in monotonic seconds."""
    if now - snapshot.loop_ran_at >= STALE_SECONDS:
        return "stuck"
    if snapshot.draining:
        return "draining"
    if not snapshot.is_group_member:
        return "starting"
    if snapshot.blocks:
        return "blocked"
    return "running"


def _totals(counters: Counters) -> dict[str, int]:
    return {
        "consumed": counters.consumed,
        "delivered": counters.delivered,
        "skipped": counters.skipped.total(),
        "dead_lettered": counters.dead_lettered.total(),
        "released": counters.released,
        "lost_to_retention": counters.lost_to_retention,
        "lost_to_truncation": counters.lost_to_truncation,
    }


def _unsettled(snapshot: Snapshot) -> dict[str, int]:
    return {"waiting": snapshot.waiting, "in_flight": snapshot.in_flight, "unaccounted": snapshot.unaccounted}


def _by_text(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts with plain strings as keys, because JSON objects cannot have members of an enum as keys."""
    return {str(word): count for word, count in counts.items()}


def _partitions(snapshot: Snapshot, now: float) -> list[Mapping[str, object]]:
    return [
        {"partition": partition, **partition_state._asdict(), "age": age(partition_state.oldest, now)}
        for partition, partition_state in sorted(snapshot.partitions.items())
    ]


def _history(points: Sequence[_HistoryPoint]) -> Mapping[str, Sequence[float]]:
    """Records settled per second between two points, and the delay at the later point; oldest first."""
    pairs = list(itertools.pairwise(points))
    return {
        "at": [later.at for _, later in pairs],
        "rate": [_rate(earlier, later) for earlier, later in pairs],
        "delay": [round(later.delay, 2) for _, later in pairs],
    }


def _rate(earlier: _HistoryPoint, later: _HistoryPoint) -> float:
    return round((later.settled - earlier.settled) / (later.at - earlier.at), 2)
