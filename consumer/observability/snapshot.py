"""The counters of the service since its start, and its state after one iteration of the loop."""

import bisect
import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from consumer.waits import Wait

# Upper bounds of the buckets. Seconds: around the responses of a healthy Segment (about 0.1 s) and up to a timeout.
# Events: up to the most that Segment accepts in a batch.
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
EVENTS = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, float("inf"))


@dataclass(slots=True)
class Distribution:
    """
    A histogram of sizes and their sum `total`.

    `counts[i]` is the number of sizes that are at most `bounds[i]` and above the bound before.
    """

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
class Counters:
    """
    Numbers that only grow; they belong to the loop's thread.

    A record that is read again after a drain counts as consumed again. `released` balances that.
    """

    consumed: int = 0
    delivered: int = 0
    released: int = 0
    lost_to_retention: int = 0
    lost_to_truncation: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    request_seconds: Distribution = field(default_factory=lambda: Distribution(SECONDS))
    request_events: Distribution = field(default_factory=lambda: Distribution(EVENTS))
    framings: Counter[str] = field(default_factory=Counter)
    changed_values: Counter[str] = field(default_factory=Counter)
    lookups: Counter[str] = field(default_factory=Counter)
    commits: Counter[str] = field(default_factory=Counter)
    rebalances: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "Counters":
        """The present numbers, for a snapshot that other threads read."""
        return Counters(**{counter.name: copy.copy(getattr(self, counter.name)) for counter in fields(self)})

    @property
    def settled(self) -> int:
        """Records that were delivered, skipped or confirmed in the dead-letter topic."""
        return self.delivered + self.skipped.total() + self.dead_lettered.total()

    @property
    def finished(self) -> int:
        """Records that were settled or released."""
        return self.settled + self.released


class PartitionState(NamedTuple):
    """
    One assigned partition: `lag` is in records behind its end (-1: not known yet), the rest is about its buffer.

    `oldest` is the timestamp of the oldest unsettled record in the buffer, in seconds since 1970; 0 if the buffer is
    empty. `block` is the reason that the partition is blocked, "" if it is not.
    """

    lag: int = -1
    records: int = 0
    memory_bytes: int = 0
    paused: bool = False
    oldest: float = 0.0
    block: str = ""


class Block(NamedTuple):
    """
    A blocked write key or partition; `since` is in seconds since 1970.

    `target` names it for people: `key of <environment>`, `key` if there is only one, or `partition <number>`.
    `reject_reason` and `detail` say why records were rejected, and `settings` names the settings to check. They are
    empty if rejected records are not the cause. `records` has the addresses of the records concerned, as
    "partition:offset". `partition` is None if a write key is blocked.
    """

    target: str
    reason: str
    since: float
    reject_reason: str = ""
    detail: str = ""
    settings: str = ""
    records: str = ""
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The state after one iteration of the loop, taken when no record is between two stages.

    Every record is accounted for:

    consumed == delivered + skipped + dead_lettered + released + waiting + in_flight

    `waiting` counts the buffered records that are not in flight. `in_flight` counts the records of open requests and of
    dead letters that are not confirmed yet. `open_until` says for each environment when its write key may send again.
    `loop_ran_at`, `open_until` and the times of `waits` are in monotonic seconds. `settled_at` is when a record was
    last settled, in seconds since 1970; 0 before the first. `deleted_at` and `truncated_at` are when records were last
    found to be deleted, or lost by a broker, in monotonic seconds. While the member is not in its group,
    `outside_group_since` has that time in monotonic seconds, and `outside_group_reason` what is known of the cause.
    """

    loop_ran_at: float
    counters: Counters = field(default_factory=Counters)
    waiting: int = 0
    in_flight: int = 0
    blocks: Sequence[Block] = ()
    waits: Sequence[Wait] = ()
    open_until: Mapping[str, float] = field(default_factory=dict)
    partitions: Mapping[int, PartitionState] = field(default_factory=dict)
    settled_at: float = 0.0
    deleted_at: float = float("-inf")
    truncated_at: float = float("-inf")
    is_group_member: bool = False
    was_group_member: bool = False
    outside_group_since: float = 0.0
    outside_group_reason: str = ""
    draining: bool = False

    @property
    def blocked(self) -> Mapping[str, int]:
        """How many write keys and partitions are blocked, by reason."""
        return Counter(block.reason for block in self.blocks)

    @property
    def unaccounted(self) -> int:
        """Records that are consumed and in no other number: always 0, or the service has a defect."""
        return self.counters.consumed - self.counters.finished - self.waiting - self.in_flight

    @property
    def oldest(self) -> float:
        """The timestamp of the oldest unsettled buffered record, in seconds since 1970; 0 if no record is buffered."""
        return min((state.oldest for state in self.partitions.values() if state.oldest), default=0.0)


LatestSnapshot = Callable[[], Snapshot]
"""Gives the latest snapshot, on any thread."""
