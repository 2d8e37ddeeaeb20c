"""The chunks that wait to be sent, by write key: which share a request, when, and what an outcome means for each."""

import random
from collections import deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from consumer.model import (
    Accepted,
    BatchRequest,
    Chunk,
    Misconfigured,
    Outcome,
    Refused,
    Retry,
    WriteKey,
)
from consumer.segment.bisection import (
    Bisection,
    ChunkDecision,
    ChunkPassed,
    ChunkSettled,
    ChunkSplit,
    Delivery,
)
from consumer.segment.body import overhead
from consumer.segment.circuit_breaker import CircuitBreaker
from consumer.segment.denials import Denials
from consumer.segment.key_queue import KeyQueue, KeyStatus
from consumer.waits import Wait


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
        self._denials = Denials(self._bisection)
        self._queues = {
            key: KeyQueue(CircuitBreaker(jitter), limits.events, limits.body_bytes - overhead(key)) for key in keys
        }
        self._key_order = deque(keys)
        self._deliveries: dict[Chunk, Delivery] = {}
        self._in_flight: dict[BatchRequest, Sequence[Delivery]] = {}
        self._next_send_at = float("-inf")

    @property
    def breakers(self) -> Mapping[WriteKey, CircuitBreaker]:
        return {key: queue.breaker for key, queue in self._queues.items()}

    @property
    def statuses(self) -> Mapping[WriteKey, KeyStatus]:
        return {
            key: queue.status([delivery for delivery in self._deliveries.values() if delivery.chunk.key == key])
            for key, queue in self._queues.items()
        }

    @property
    def waits(self) -> Sequence[Wait]:
        """What Segment prevents now, for each key that has something to send."""
        busy = {delivery.chunk.key for delivery in self._deliveries.values()}
        return [wait for key in busy for wait in self._queues[key].waits(key.environment)]

    def stalled(self, now: float) -> frozenset[WriteKey]:
        """
        The keys that partitions may go on past.

        If all keys are stalled, nothing could be sent, except behind an event that is denied.
        """
        stalled = frozenset(key for key, queue in self._queues.items() if queue.is_stalled(now))
        if len(stalled) == len(self._queues):
            return frozenset(key for key, queue in self._queues.items() if queue.accepts_batches_behind)
        return stalled

    def put(self, chunk: Chunk) -> None:
        """Let the chunk be sent. A half brings the history of the chunk that it was split from."""
        delivery = self._deliveries.setdefault(chunk, Delivery(chunk))
        self._queues[chunk.key].put(delivery)

    def forget(self, partitions: Set[int]) -> None:
        """Send no chunk of these partitions again, and decide nothing about those that are in flight."""
        for queue in self._queues.values():
            queue.forget(partitions)
        for chunk in [chunk for chunk in self._deliveries if chunk.partition in partitions]:
            del self._deliveries[chunk]

    def next_request(self, now: float, full_only: bool = False) -> BatchRequest | None:
        """The next request that may be sent now, if any; with `full_only`, if no other chunk would fit into it."""
        if now < self._next_send_at:
            return None
        for key in self._key_order:
            queue = self._queues[key]
            picked: Sequence[Delivery] = ()
            if queue.may_send(now):
                picked = queue.take(now, full_only)
            if picked or queue.may_ask(now):
                self._key_order.remove(key)
                self._key_order.append(key)
                return self._request(key, queue, picked, now)
        return None

    def could_send(self, partitions: Set[int], now: float) -> bool:
        """Whether chunks of these partitions wait for nothing but a free worker."""
        return now >= self._next_send_at and any(queue.could_send(partitions, now) for queue in self._queues.values())

    def decide(self, request: BatchRequest, outcome: Outcome, now: float) -> Sequence[ChunkDecision]:
        """What the outcome means for the chunks of the request; a chunk without a decision waits to be sent again."""
        queue = self._queues[request.key]
        queue.breaker.in_flight -= 1
        deliveries = self._in_flight.pop(request)
        for delivery in deliveries:
            delivery.attempts += 1
        decisions = self._decisions(queue, request, deliveries, outcome, now)
        decisions = [decision for decision in decisions if decision.chunk in self._deliveries]
        for decision in decisions:
            self._close(decision)
        if isinstance(outcome, Refused | Retry):
            queue.waiting.extend(self._remaining(deliveries))
        return decisions

    def _decisions(
        self, queue: KeyQueue, request: BatchRequest, deliveries: Sequence[Delivery], outcome: Outcome, now: float
    ) -> Sequence[ChunkDecision]:
        started_at = request.started_at
        if not request.chunks:
            return self._denials.after_control(queue, outcome, started_at, now)
        match outcome:
            case Accepted():
                queue.breaker.accepted(now)
                # First what is denied: nothing of it is sent again when the chunk behind it is settled.
                denied = self._denials.after_acceptance(queue, started_at, now)
                return denied + [ChunkSettled(delivery.chunk) for delivery in deliveries]
            case Refused(reason):
                return self._bisection.after_refusal(deliveries, queue.breaker, reason, started_at, now)
            case Retry(reason, throttled=True, wait=wait):
                queue.breaker.throttled(reason, wait, started_at, now)
                return []
            case Retry(reason):
                return self._bisection.after_failure(deliveries, queue.breaker, reason, started_at, now)
            case Misconfigured(reason):
                is_alone = len(deliveries) == 1
                return self._denials.after_denial(queue, self._remaining(deliveries), is_alone, reason, started_at, now)

    def _remaining(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Those that are neither decided nor forgotten."""
        return [delivery for delivery in deliveries if delivery.chunk in self._deliveries]

    def _close(self, decision: ChunkDecision) -> None:
        """
        The chunk is decided; its halves, if it has some, go on with its history.

        A returned chunk begins anew when it is put again, and may be a part of a larger one then.
        """
        if isinstance(decision, ChunkPassed):
            return
        delivery = self._deliveries.pop(decision.chunk)
        if isinstance(decision, ChunkSplit):
            for half in decision.halves:
                self._deliveries[half] = delivery.half(half)

    def _request(self, key: WriteKey, queue: KeyQueue, picked: Sequence[Delivery], now: float) -> BatchRequest:
        queue.breaker.in_flight += 1
        chunks = tuple(delivery.chunk for delivery in picked)
        if self._limits.events_per_second:
            events = sum(len(chunk.events) for chunk in chunks)
            self._next_send_at = max(now, self._next_send_at) + events / self._limits.events_per_second
        request = BatchRequest(key, chunks, now, max((delivery.attempts for delivery in picked), default=0))
        self._in_flight[request] = picked
        return request
