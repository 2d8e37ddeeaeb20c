"""Chunks, and a send queue whose requests are answered at once."""

import random
from collections.abc import Sequence

from consumer.model import BatchRequest, Chunk, Misconfigured, Outcome, Record, Retry, TrackEvent, WriteKey
from consumer.segment.bisection import ChunkDecision, Delivery
from consumer.segment.circuit_breaker import CircuitBreaker
from consumer.segment.send_queue import RequestLimits, SendQueue

KEY, OTHER = WriteKey("production", "k" * 32), WriteKey("development", "d" * 32)
LIMITS = RequestLimits(events=10, body_bytes=1000, consecutive_refusals=3)


def chunk_of(count: int, partition: int = 0, key: WriteKey = KEY, size: int = 10, start: int = 0) -> Chunk:
    """So many events of `size` bytes."""
    events = [
        TrackEvent(Record(partition, offset, 0, None, b"", ()), key, b"x" * size)
        for offset in range(start, start + count)
    ]
    return Chunk.of(partition, key, tuple(events))


def queue_of(*chunks: Chunk, limits: RequestLimits = LIMITS) -> SendQueue:
    queue = SendQueue([KEY, OTHER], limits, random.Random(1))
    for chunk in chunks:
        queue.put(chunk)
    return queue


def sent(queue: SendQueue, now: float = 0.0) -> BatchRequest:
    request = queue.next_request(now)
    assert request is not None
    return request


def answered(queue: SendQueue, outcome: Outcome, now: float = 0.0) -> Sequence[ChunkDecision]:
    """Send the next request and decide on its outcome, both at `now`."""
    return queue.decide(sent(queue, now), outcome, now)


def denied(queue: SendQueue, reason: str, now: float = 0.0) -> Sequence[ChunkDecision]:
    """Deny the next request, and then the request without events that asks whether the key is denied."""
    decisions = answered(queue, Misconfigured(reason), now)
    control = sent(queue, now)
    assert not control.chunks
    return [*decisions, *queue.decide(control, Misconfigured(reason), now)]


def chunks_sent(queue: SendQueue, now: float, outcome: Outcome) -> tuple[Chunk, ...]:
    """The chunks of the next request, which has this outcome."""
    request = sent(queue, now)
    queue.decide(request, outcome, now)
    return request.chunks


def next_at(queue: SendQueue, after: float, step: float = 0.01, within: float = 400.0) -> float:
    """How long after `after` the queue would send something again. What it sends then fails."""
    now = after
    while (request := queue.next_request(now)) is None:
        now += step
        assert now < after + within
    queue.decide(request, Retry("connect_error"), now)
    return now - after


def breaker_of(queue: SendQueue) -> CircuitBreaker:
    return queue.breakers[KEY]


def history_of(queue: SendQueue, chunk: Chunk) -> Delivery:
    return queue._deliveries[chunk]
