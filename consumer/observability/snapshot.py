"""What the service has done since its start, and what one turn of its loop looked like."""

import bisect
import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

# Upper bounds. Seconds: around the answers of a healthy Segment (some 0.1 s) and up to a timeout. Events: up to the
# most that a batch may have.
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
EVENTS = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, float("inf"))


@dataclass(slots=True)
class Distribution:
    """How large things were: `counts[i]` of them at most `bounds[i]` and more than the bound before."""

    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * len(self.bounds)

    def add(self, size: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, size)] += 1
        self.total += size

    def __copy__(self) -> "Distribution":
        return Distribution(self.bounds, self.counts.copy(), self.total)


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
    request_seconds: Distribution = field(default_factory=lambda: Distribution(SECONDS))
    request_events: Distribution = field(default_factory=lambda: Distribution(EVENTS))
    framed: Counter[str] = field(default_factory=Counter)
    lookups: Counter[str] = field(default_factory=Counter)
    commits: Counter[str] = field(default_factory=Counter)
    rebalances: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "Counts":
        """The numbers of now, for a snapshot that other threads read."""
        return Counts(**{f.name: copy.copy(getattr(self, f.name)) for f in fields(self)})

    @property
    def settled(self) -> int:
        """Records that were delivered, skipped or set aside."""
        return self.delivered + self.skipped.total() + self.dead_lettered.total()

    @property
    def finished(self) -> int:
        """Records that the service is done with."""
        return self.settled + self.handed_back


class Held(NamedTuple):
    """
    One assigned partition: records behind its end (-1: not known yet), and what of it is in memory.

    `oldest` is the own time of its oldest unsettled record, in seconds since 1970; 0 where none is in memory.
    """

    lag: int = -1
    records: int = 0
    size: int = 0
    paused: bool = False
    oldest: float = 0.0


class Hold(NamedTuple):
    """Who holds, a key by its environment or a partition, for which reason, and since when (seconds since 1970)."""

    who: str
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    One turn of the loop, taken when nothing is between two places, so that every record is accounted for:

    consumed == delivered + skipped + dead_lettered + handed_back + waiting + in_flight

    `waiting` are the records in lanes, `in_flight` those of open requests and of dead letters not yet confirmed.
    `waits` says for each environment's key when it may send again. That and `turned_at` are in monotonic seconds,
    `settled_at` (when a record was settled last) in seconds since 1970, 0 before the first.
    """

    turned_at: float
    counts: Counts = field(default_factory=Counts)
    waiting: int = 0
    in_flight: int = 0
    holds: Sequence[Hold] = ()
    waits: Mapping[str, float] = field(default_factory=dict)
    partitions: Mapping[int, Held] = field(default_factory=dict)
    settled_at: float = 0.0
    joined: bool = False
    handing_over: bool = False

    @property
    def holding(self) -> Mapping[str, int]:
        """How many keys and partitions hold, by reason."""
        return Counter(hold.reason for hold in self.holds)

    @property
    def unaccounted(self) -> int:
        """Records that are nowhere: always 0, else the service itself is wrong."""
        return self.counts.consumed - self.counts.finished - self.waiting - self.in_flight

    @property
    def oldest(self) -> float:
        """The own time of the oldest unsettled record in memory, in seconds since 1970; 0 where there is none."""
        return min((held.oldest for held in self.partitions.values() if held.oldest), default=0.0)
