"""All lanes of this member: who may take a batch, who must not be read for a while, what may be committed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumer.model import Pending, WriteKey
from consumer.pipeline.partition_buffer import Lane
from consumer.request import Limits

BATCHES_WAITING = 4  # a lane with that many is full, with half of them it is read again


@dataclass(frozen=True, slots=True)
class Shares:
    """`batch` is the most that a lane takes at once, `held` bytes are shared by all lanes, `linger` is in seconds."""

    batch: Limits
    held: int
    linger: float


class Lanes:
    """
    One lane for each assigned partition, and no other.

    Each has the same share of what may be held: half of it waiting, half of it made into calls.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._lanes: dict[int, Lane] = {}
        self._stored: dict[int, int] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def __getitem__(self, partition: int) -> Lane:
        return self._lanes[partition]

    def __contains__(self, partition: int) -> bool:
        return partition in self._lanes

    def batch(self, lane: Lane) -> Limits:
        """The limits of this lane's next batch, so that all lanes together keep to what may be held."""
        batch = self._shares.batch
        return Limits(batch.events, min(batch.size, self._half - lane.made), batch.unprocessable)

    @property
    def holding(self) -> Mapping[int, str]:
        """The partitions that hold, and why."""
        return {lane.partition: lane.holds for lane in self if lane.holds}

    def open(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._lanes[partition] = Lane(partition)

    def drop(self, partitions: Iterable[int]) -> int:
        """Forget these lanes; how many records were unsettled in them."""
        gone = [self._lanes.pop(partition) for partition in partitions if partition in self._lanes]
        for lane in gone:
            self._stored.pop(lane.partition, None)
        return sum(lane.drop() for lane in gone)

    def unblock(self, is_pending: Callable[[object], bool]) -> None:
        """Let those lanes go on whose schema is known by now."""
        for lane in self:
            if isinstance(lane.blocked, Pending) and not is_pending(lane.blocked.schema):
                lane.blocked = None

    def full(self, now: float, stalled: frozenset[WriteKey]) -> Sequence[Lane]:
        """Lanes with a whole batch to take."""
        return [lane for lane in self._ready(now, stalled) if self._is_full(lane)]

    def due(self, now: float, stalled: frozenset[WriteKey]) -> Sequence[Lane]:
        """Once one lane has waited for its linger, all that have less than a whole batch: they share a request."""
        ready = self._ready(now, stalled)
        lingered = any(now - lane.waiting_since >= self._shares.linger for lane in ready)
        return [lane for lane in ready if not self._is_full(lane)] if lingered else []

    def until_due(self, now: float, most: float) -> float:
        """Seconds until a lane has waited for its linger, `most` at most and hardly none at least."""
        waiting = [lane.waiting_since for lane in self if lane.ready(now)]
        return max(0.001, min(most, min(waiting, default=now) + self._shares.linger - now))

    def crowded(self) -> Sequence[int]:
        """Partitions not to be read for now."""
        return [lane.partition for lane in self if self._crowds(lane, 1)]

    def relaxed(self) -> Sequence[int]:
        """Partitions to be read again. Between the two a lane stays as it is, since resuming costs a download."""
        return [lane.partition for lane in self if not self._crowds(lane, 2)]

    def last(self, lane: Lane) -> None:
        """The others come first next time."""
        self._lanes[lane.partition] = self._lanes.pop(lane.partition)

    def to_store(self, partitions: Iterable[int]) -> dict[int, int]:
        """Offsets that became committable since the last call."""
        moved: dict[int, int] = {}
        for partition in partitions:
            frontier = self._lanes[partition].frontier if partition in self._lanes else None
            if frontier is not None and frontier != self._stored.get(partition):
                moved[partition] = frontier
        self._stored |= moved
        return moved

    @property
    def partitions(self) -> list[int]:
        return list(self._lanes)

    @property
    def _half(self) -> int:
        return self._shares.held // len(self._lanes) // 2

    def _is_full(self, lane: Lane) -> bool:
        return lane.waiting >= self._shares.batch.events or lane.weight >= self._half

    def _ready(self, now: float, stalled: frozenset[WriteKey]) -> Sequence[Lane]:
        return [lane for lane in self if lane.ready(now, stalled) and lane.made < self._half]

    def _crowds(self, lane: Lane, divisor: int) -> bool:
        events = BATCHES_WAITING * self._shares.batch.events // divisor
        return lane.waiting >= events or lane.weight >= self._half // divisor
