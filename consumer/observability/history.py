"""The last quarter of an hour: throughput and delay over time."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

SAMPLE_SECONDS = 5.0  # between two points
MAX_POINTS = 180  # a quarter of an hour


class _HistoryPoint(NamedTuple):
    """`at` is in seconds since 1970, `settled` in records since the start, `delay` in seconds."""

    at: float
    settled: int
    delay: float


class History:
    """At most `MAX_POINTS` points after the first, each `SAMPLE_SECONDS` after the one before it, or later."""

    def __init__(self) -> None:
        self._points: tuple[_HistoryPoint, ...] = ()

    def add(self, now: float, settled: int, delay: float) -> None:
        """Add a point if the last one is old enough."""
        if not self._points or now - self._points[-1].at >= SAMPLE_SECONDS:
            self._points = (*self._points[-MAX_POINTS:], _HistoryPoint(now, settled, delay))

    def as_dict(self) -> Mapping[str, Sequence[float]]:
        """Records settled per second between two points, and the delay at the later point; oldest first."""
        pairs = list(itertools.pairwise(self._points))
        return {
            "at": [later.at for _, later in pairs],
            "rate": [_rate(earlier, later) for earlier, later in pairs],
            "delay": [round(later.delay, 2) for _, later in pairs],
        }


def _rate(earlier: _HistoryPoint, later: _HistoryPoint) -> float:
    return round((later.settled - earlier.settled) / (later.at - earlier.at), 2)
