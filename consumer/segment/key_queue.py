"""What belongs to one write key: its circuit breaker, the chunks that wait for it, and those that were denied."""

from collections import deque
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from consumer.model import RecordAddress
from consumer.segment.bisection import Delivery
from consumer.segment.circuit_breaker import CircuitBreaker
from consumer.waits import Wait, WaitKind


class KeyStatus(NamedTuple):
    """
    What is shown of a write key: why it is blocked ("": it is not), and until when nothing is sent with it.

    `records` are concerned if it is blocked: those that are denied, or else the first unsettled one of each partition.
    """

    block_reason: str
    open_until: float
    records: Sequence[RecordAddress]


@dataclass(slots=True)
class KeyQueue:
    """
    Each chunk of the key that may be sent is in `waiting`, in flight, or `questioned`.

    A denied chunk is questioned until it is known whether the key or the content is denied, and nothing else is sent
    meanwhile. A `passed` chunk is a single denied event, while the chunks behind it in its partition are sent.
    `max_events` and `max_chunk_bytes` are what a request has room for. In `searched_partitions` passing more events
    would show nothing, until the next acceptance. `denial` is the reason of the last denial.
    """

    breaker: CircuitBreaker
    max_events: int
    max_chunk_bytes: int
    waiting: deque[Delivery] = field(default_factory=deque)
    questioned: list[Delivery] = field(default_factory=list)
    denial: str = ""
    passed: list[Delivery] = field(default_factory=list)
    searched_partitions: set[int] = field(default_factory=set)

    def put(self, delivery: Delivery) -> None:
        if delivery in self.passed:
            self.passed.remove(delivery)
        self.waiting.append(delivery)

    def answer(self) -> list[Delivery]:
        """The chunks that were questioned; the question is answered."""
        questioned, self.questioned = self.questioned, []
        return questioned

    def forget(self, partitions: Set[int]) -> None:
        self.waiting = deque(_others(self.waiting, partitions))
        self.questioned = _others(self.questioned, partitions)
        self.passed = _others(self.passed, partitions)
        self.searched_partitions -= partitions

    @property
    def accepts_batches_behind(self) -> bool:
        """Whether the key is right, and one of its chunks needs others behind it, to learn what is denied."""
        return bool(self.breaker.block_reason) and not self.breaker.failures

    def status(self, deliveries: Sequence[Delivery]) -> KeyStatus:
        """What is shown of the key. `deliveries` are all of the key that are not decided."""
        records: Sequence[RecordAddress] = ()
        if self.breaker.block_reason:
            denied = [delivery for delivery in deliveries if delivery.denials]
            records = sorted(delivery.chunk.events[0].record.address for delivery in denied)
            records = records or _first_of_partitions(deliveries)
        return KeyStatus(self.breaker.block_reason, self.breaker.open_until, records)

    def waits(self, environment: str) -> Sequence[Wait]:
        """Why the chunks of the key are not sent; nothing if it is blocked, which is shown by itself."""
        breaker = self.breaker
        if breaker.block_reason or not (breaker.failures or breaker.throttles):
            return ()
        kind = WaitKind.THROTTLED if breaker.is_throttling else WaitKind.SEGMENT
        return [Wait(kind, environment, breaker.failing_since, breaker.failure, breaker.open_until)]

    def is_stalled(self, now: float) -> bool:
        return bool(self.questioned) or self.breaker.is_stalled(now)

    def may_send(self, now: float) -> bool:
        return not self.questioned and self.breaker.may_send(now)

    def may_ask(self, now: float) -> bool:
        """Whether the request without events may be sent now, of which the answer decides about the denied chunks."""
        return bool(self.questioned) and not self.breaker.in_flight and now >= self.breaker.throttled_until

    def could_send(self, partitions: Set[int], now: float) -> bool:
        """Whether a chunk of these partitions waits for nothing but a free worker."""
        return self.may_send(now) and any(
            delivery.chunk.partition in partitions and delivery.not_before <= now for delivery in self.waiting
        )

    def take(self, now: float, full_only: bool) -> Sequence[Delivery]:
        """Remove the chunks of the next request from those that wait."""
        picked = self._pick(now, full_only)
        chosen = set(picked)
        self.waiting = deque(delivery for delivery in self.waiting if delivery not in chosen)
        return picked

    def _pick(self, now: float, full_only: bool) -> Sequence[Delivery]:
        """Chunks that share a request: as many as fit, or one that must be alone or that probes a failing key."""
        picked: list[Delivery] = []
        events = body_bytes = 0
        is_full = False
        for delivery in self.waiting:
            chunk = delivery.chunk
            if delivery.not_before > now:
                continue
            if delivery.is_alone and not picked:
                return [delivery]
            fits = (
                events + len(chunk.events) <= self.max_events and body_bytes + chunk.body_bytes <= self.max_chunk_bytes
            )
            if delivery.is_alone or (picked and not fits):
                is_full = True
                continue
            picked.append(delivery)
            events += len(chunk.events)
            body_bytes += chunk.body_bytes
            if self.breaker.probes_with_one_chunk or events >= self.max_events:
                return picked
        if full_only and not is_full:
            return []
        return picked


def _first_of_partitions(deliveries: Iterable[Delivery]) -> list[RecordAddress]:
    first: dict[int, RecordAddress] = {}
    for address in sorted(delivery.chunk.events[0].record.address for delivery in deliveries):
        first.setdefault(address.partition, address)
    return list(first.values())


def _others(deliveries: Iterable[Delivery], partitions: Set[int]) -> list[Delivery]:
    return [delivery for delivery in deliveries if delivery.chunk.partition not in partitions]
