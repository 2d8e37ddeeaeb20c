"""The chunks that wait to be sent, by write key: which share a request, when, and what an outcome means for each."""

import random
from collections import deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from consumer.model import Accepted, BatchRequest, Chunk, Misconfigured, Outcome, Refused, Retry, WriteKey
from consumer.segment.bisection import Bisection, ChunkDecision, ChunkSettled, ChunkSplit, Delivery
from consumer.segment.body import overhead
from consumer.segment.circuit_breaker import CircuitBreaker


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """
    Limits of one request: events, and bytes of its body.

    After `consecutive_refusals` the key is blocked. `events_per_second` is for all requests together, None for no
    limit.
    """

    events: int
    body_bytes: int
    consecutive_refusals: int
    events_per_second: float | None = None


@dataclass(slots=True)
class _KeyQueue:
    """The chunks of one write key that wait. `max_chunk_bytes` is what a request body has room for."""

    breaker: CircuitBreaker
    max_chunk_bytes: int
    waiting: deque[Delivery]


class SendQueue:
    """
    Every chunk from `put` until it is decided or forgotten, and which of them may be sent.

    At most one chunk of a partition and a key is here, because its buffer puts the next one after the last is settled.
    So any choice among the chunks keeps the order. `_deliveries` holds no chunk that is decided or forgotten.
    `_in_flight` keeps the history of a forgotten chunk until its request ends, because the outcome still counts for the
    write key. `_key_order` says which key may send first.
    """

    def __init__(self, keys: Sequence[WriteKey], limits: RequestLimits, jitter: random.Random) -> None:
        self._limits = limits
        self._bisection = Bisection(limits.consecutive_refusals, jitter)
        self._queues = {
            key: _KeyQueue(CircuitBreaker(jitter), limits.body_bytes - overhead(key), deque()) for key in keys
        }
        self._key_order = deque(keys)
        self._deliveries: dict[Chunk, Delivery] = {}
        self._in_flight: dict[BatchRequest, Sequence[Delivery]] = {}
        self._next_send_at = float("-inf")

    @property
    def breakers(self) -> Mapping[WriteKey, CircuitBreaker]:
        return {key: queue.breaker for key, queue in self._queues.items()}

    def stalled(self, now: float) -> frozenset[WriteKey]:
        """The keys that partitions may go on past; none if all keys are stalled, because nothing could be sent then."""
        stalled = frozenset(key for key, queue in self._queues.items() if queue.breaker.is_stalled(now))
        if len(stalled) == len(self._queues):
            return frozenset()
        return stalled

    def put(self, chunk: Chunk) -> None:
        """Let the chunk be sent. A half brings the history of the chunk that it was split from."""
        delivery = self._deliveries.setdefault(chunk, Delivery(chunk))
        self._queues[chunk.key].waiting.append(delivery)

    def forget(self, partitions: Set[int]) -> None:
        """Send no chunk of these partitions again, and decide nothing about those that are in flight."""
        for queue in self._queues.values():
            queue.waiting = deque(delivery for delivery in queue.waiting if delivery.chunk.partition not in partitions)
        for chunk in [chunk for chunk in self._deliveries if chunk.partition in partitions]:
            del self._deliveries[chunk]

    def next_request(self, now: float, full_only: bool = False) -> BatchRequest | None:
        """The next request that may be sent now, if any; with `full_only`, if no other chunk would fit into it."""
        if now < self._next_send_at:
            return None
        for key in self._key_order:
            queue = self._queues[key]
            if not queue.breaker.may_send(now):
                continue
            picked = self._pick(queue, now, full_only)
            if picked:
                self._key_order.remove(key)
                self._key_order.append(key)
                return self._request(key, queue, picked, now)
        return None

    def could_send(self, partitions: Set[int], now: float) -> bool:
        """Whether chunks of these partitions wait for nothing but a free worker."""
        return now >= self._next_send_at and any(
            delivery.chunk.partition in partitions and delivery.not_before <= now
            for queue in self._queues.values()
            if queue.breaker.may_send(now)
            for delivery in queue.waiting
        )

    def decide(self, request: BatchRequest, outcome: Outcome, now: float) -> Sequence[ChunkDecision]:
        """What the outcome means for the chunks of the request; a chunk without a decision waits to be sent again."""
        queue = self._queues[request.key]
        queue.breaker.in_flight -= 1
        deliveries = self._in_flight.pop(request)
        for delivery in deliveries:
            delivery.attempts += 1
        match outcome:
            case Accepted():
                queue.breaker.accepted(now)
                decisions: list[ChunkDecision] = [ChunkSettled(delivery.chunk) for delivery in deliveries]
            case Refused(reason):
                decisions = self._bisection.after_refusal(deliveries, queue.breaker, reason, request.started_at, now)
            case Retry(throttled=True, wait=wait):
                queue.breaker.throttled(wait, request.started_at, now)
                decisions = []
            case Retry() | Misconfigured():
                decisions = self._bisection.after_failure(deliveries, queue.breaker, outcome, request.started_at, now)
        decisions = [decision for decision in decisions if decision.chunk in self._deliveries]
        for decision in decisions:
            self._close(decision)
        queue.waiting.extend(delivery for delivery in deliveries if delivery.chunk in self._deliveries)
        return decisions

    def _close(self, decision: ChunkDecision) -> None:
        """The chunk is decided; its halves, if it has some, go on with its history."""
        delivery = self._deliveries.pop(decision.chunk)
        if isinstance(decision, ChunkSplit):
            for half in decision.halves:
                self._deliveries[half] = delivery.half(half)

    def _pick(self, queue: _KeyQueue, now: float, full_only: bool) -> Sequence[Delivery]:
        """Chunks that share a request: as many as fit, or one that must be alone or that probes a failing key."""
        picked: list[Delivery] = []
        events = body_bytes = 0
        is_full = False
        for delivery in queue.waiting:
            chunk = delivery.chunk
            if delivery.not_before > now:
                continue
            if delivery.is_alone and not picked:
                return [delivery]
            fits = (
                events + len(chunk.events) <= self._limits.events
                and body_bytes + chunk.body_bytes <= queue.max_chunk_bytes
            )
            if delivery.is_alone or (picked and not fits):
                is_full = True
                continue
            picked.append(delivery)
            events += len(chunk.events)
            body_bytes += chunk.body_bytes
            if queue.breaker.probes_with_one_chunk or events >= self._limits.events:
                return picked
        if full_only and not is_full:
            return []
        return picked

    def _request(self, key: WriteKey, queue: _KeyQueue, picked: Sequence[Delivery], now: float) -> BatchRequest:
        chosen = set(picked)
        queue.waiting = deque(delivery for delivery in queue.waiting if delivery not in chosen)
        queue.breaker.in_flight += 1
        chunks = tuple(delivery.chunk for delivery in picked)
        if self._limits.events_per_second:
            events = sum(len(chunk.events) for chunk in chunks)
            self._next_send_at = max(now, self._next_send_at) + events / self._limits.events_per_second
        request = BatchRequest(key, chunks, now, max(delivery.attempts for delivery in picked))
        self._in_flight[request] = picked
        return request
