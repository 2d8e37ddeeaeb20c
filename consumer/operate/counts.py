"""What the service has done since its start, and what one turn of its loop looked like."""

import bisect
import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

# Upper bounds in seconds, around the answers of a healthy Segment (some 0.1 s) and up to a timeout.
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))


@dataclass(slots=True)
class Durations:
    """How long things took: `counts[i]` of them at most `BOUNDS[i]` seconds and more than the bound before."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def copy(self) -> "Durations":
        return Durations(self.counts.copy(), self.total)


@dataclass(slots=True)
class Counts:
    """
    Numbers that only grow, owned by the loop's thread.

    A record read again after a hand-over counts as consumed again; `handed_back` balances that.
    """

    consumed: int = 0
    delivered: int = 0
    handed_back: int = 0
    lost_to_retention: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    request_seconds: Durations = field(default_factory=Durations)
    framed: Counter[str] = field(default_factory=Counter)
    lookups: Counter[str] = field(default_factory=Counter)
    commits: Counter[str] = field(default_factory=Counter)
    rebalances: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "Counts":
        """The numbers of now, for a snapshot that other threads read."""
        ours = {f.name: copy.copy(getattr(self, f.name)) for f in fields(self)}
        return Counts(**ours | {"request_seconds": self.request_seconds.copy()})

    @property
    def finished(self) -> int:
        """Records that the service is done with."""
        return self.delivered + self.skipped.total() + self.dead_lettered.total() + self.handed_back


class Held(NamedTuple):
    """One assigned partition: records behind its end (-1: not known yet), and what of it is in memory."""

    lag: int = -1
    records: int = 0
    size: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    One turn of the loop, taken when nothing is between two places, so that every record is accounted for:

    consumed == delivered + skipped + dead_lettered + handed_back + waiting + in_flight

    `waiting` are the records in lanes, `in_flight` those of open requests and of dead letters not yet confirmed.
    `holding` counts, by reason, the keys and partitions that hold. `turned_at` is in monotonic seconds, `settled_at`
    (when a record was settled last) in seconds since 1970, 0 before the first.
    """

    turned_at: float
    counts: Counts = field(default_factory=Counts)
    waiting: int = 0
    in_flight: int = 0
    holding: Mapping[str, int] = field(default_factory=dict)
    partitions: Mapping[int, Held] = field(default_factory=dict)
    settled_at: float = 0.0
    joined: bool = False
    handing_over: bool = False

    @property
    def unaccounted(self) -> int:
        """Records that are nowhere: always 0, else the service itself is wrong."""
        return self.counts.consumed - self.counts.finished - self.waiting - self.in_flight
