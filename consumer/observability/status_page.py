"""What the status page shows, as one JSON value."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from consumer.observability.metrics import age, waits
from consumer.observability.recent_logs import Line
from consumer.observability.snapshot import Counts, Snapshot
from consumer.reasons import hold_meaning

EVERY = 5.0  # seconds between two points
POINTS = 180  # a quarter of an hour
STALE_AFTER = 60.0  # seconds without a turn of the loop

Latest = Callable[[], Snapshot]


class About(NamedTuple):
    """What stays as it is while the service runs; of the address `to` that it delivers to, the host alone is shown."""

    version: str
    topic: str
    group: str
    to: str


class _Point(NamedTuple):
    at: float
    settled: int
    delay: float


class View:
    """Reads the latest snapshot; the loop knows nothing of it."""

    def __init__(self, latest: Latest, about: About, errors: Callable[[], Sequence[Line]]) -> None:
        self.latest = latest
        self._about, self._errors = about, errors
        self._started_at = time.time()
        self._points: tuple[_Point, ...] = ()

    def sample(self) -> None:
        """Keep a point of the present, if it is time for one; called by one thread again and again."""
        now = time.time()
        if not self._points or now - self._points[-1].at >= EVERY:
            snapshot = self.latest()
            point = _Point(now, snapshot.counts.settled, age(snapshot.oldest, now))
            self._points = (*self._points[-POINTS:], point)

    def status(self) -> Mapping[str, Any]:
        """All of it, on any thread."""
        now, snapshot = time.time(), self.latest()
        return {
            **self._about._asdict(),
            "to": urlsplit(self._about.to).hostname,
            "state": state(snapshot, time.monotonic()),
            "now": now,
            "started_at": self._started_at,
            "settled_at": snapshot.settled_at,
            "age": age(snapshot.oldest, now),
            "holds": [{**hold._asdict(), "meaning": hold_meaning(hold.reason)} for hold in snapshot.holds],
            "waits": waits(snapshot),
            "counts": _totals(snapshot.counts) | _places(snapshot),
            "skipped": snapshot.counts.skipped,
            "dead_lettered": snapshot.counts.dead_lettered,
            "requests": snapshot.counts.requests,
            "partitions": _partitions(snapshot, now),
            "history": _history(self._points),
            "errors": [line._asdict() for line in self._errors()],
        }


def state(snapshot: Snapshot, now: float) -> str:
    """The service in one or two words. `now` in monotonic seconds."""
    if now - snapshot.turned_at >= STALE_AFTER:
        return "stuck"
    if snapshot.handing_over:
        return "handing over"
    if not snapshot.joined:
        return "starting"
    return "holding" if snapshot.holds else "running"


def _totals(counts: Counts) -> dict[str, int]:
    return {
        "consumed": counts.consumed,
        "delivered": counts.delivered,
        "skipped": counts.skipped.total(),
        "dead_lettered": counts.dead_lettered.total(),
        "handed_back": counts.handed_back,
        "lost_to_retention": counts.lost_to_retention,
    }


def _places(snapshot: Snapshot) -> dict[str, int]:
    return {"waiting": snapshot.waiting, "in_flight": snapshot.in_flight, "unaccounted": snapshot.unaccounted}


def _partitions(snapshot: Snapshot, now: float) -> list[Mapping[str, object]]:
    return [
        {"partition": number, **held._asdict(), "age": age(held.oldest, now)}
        for number, held in sorted(snapshot.partitions.items())
    ]


def _history(points: Sequence[_Point]) -> Mapping[str, Sequence[float]]:
    """Records settled a second between two points, and the delay at the later one; oldest first."""
    pairs = list(itertools.pairwise(points))
    return {
        "at": [later.at for _, later in pairs],
        "rate": [round((later.settled - before.settled) / (later.at - before.at), 2) for before, later in pairs],
        "delay": [round(later.delay, 2) for _, later in pairs],
    }
