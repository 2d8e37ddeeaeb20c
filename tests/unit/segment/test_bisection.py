"""The search for one event that is refused, or that keeps failing: what an outcome does to each chunk."""

import pytest

from consumer.model import Accepted, Outcome, Refused, Retry
from consumer.segment.bisection import (
    REJECT_AFTER_SECONDS,
    ChunkDecision,
    ChunkRejected,
    ChunkSettled,
    ChunkSplit,
)
from tests.unit.segment.queues import LIMITS, answered, breaker_of, chunk_of, history_of, queue_of, sent


def test_a_refusal_is_split_by_partition_then_in_halves_then_rejected() -> None:
    first, second = chunk_of(2, 0), chunk_of(1, 1)
    queue = queue_of(first, second)
    assert answered(queue, Refused("http_400")) == []
    (split,) = answered(queue, Refused("http_400"))
    assert isinstance(split, ChunkSplit)
    assert split.chunk is first
    assert [half.events for half in split.halves] == [first.events[:1], first.events[1:]]
    assert answered(queue, Refused("http_400")) == [ChunkRejected(second, "http_400", 2)]


def test_halves_inherit_the_history_of_their_chunk() -> None:
    """All of it but the waits, so that the search is quick."""
    chunk = chunk_of(3)
    queue = queue_of(chunk)
    history = history_of(queue, chunk)
    history.attempts, history.failed_at, history.isolated_seconds = 4, 7.0, 800.0
    history.isolated_failures, history.isolated_failure_at = 5, 7.0
    (split,) = answered(queue, Refused("http_400"), 100)
    assert isinstance(split, ChunkSplit)
    assert chunk not in queue._deliveries
    assert [len(half.events) for half in split.halves] == [1, 2]
    for half in split.halves:
        assert half.is_half
        queue.put(half)
        delivery = history_of(queue, half)
        assert (delivery.attempts, delivery.failed_at, delivery.isolated_seconds) == (5, 7.0, 800.0)
        assert (delivery.isolated_failures, delivery.isolated_failure_at, delivery.not_before) == (0, None, 0.0)
        assert delivery.is_alone
        request = sent(queue, 100)
        assert (request.chunks, request.attempts) == ((half,), 5)


def test_everything_refused_blocks_and_rejects_no_more_than_the_limit() -> None:
    queue = queue_of(*(chunk_of(1, partition) for partition in range(5)))
    rejected = 0
    now = 0.0
    for _ in range(40):
        now += 100
        request = queue.next_request(now)
        if request is not None:
            rejected += len(queue.decide(request, Refused("http_400"), now))
    assert rejected == LIMITS.consecutive_refusals
    assert breaker_of(queue).block_reason == "everything_refused"


def test_an_acceptance_between_refusals_starts_the_count_anew() -> None:
    queue = queue_of()
    for number in range(3 * LIMITS.consecutive_refusals):
        queue.put(chunk_of(1, number))
        assert answered(queue, Accepted() if number % 3 == 2 else Refused("http_400"))
    assert not breaker_of(queue).block_reason


@pytest.mark.parametrize("outcome", [Retry("http_500"), Retry("read_error")], ids=["500", "reset"])
def test_a_chunk_that_keeps_failing_among_others_is_taken_for_the_cause_after_its_time(outcome: Outcome) -> None:
    bad = chunk_of(2, 0)
    queue = queue_of(bad)
    decisions: list[ChunkDecision] = []
    now, attempts = 0.0, 0
    while not decisions:
        now += 0.25
        queue.put(chunk_of(1, 1, start=int(now * 4)))
        while (request := queue.next_request(now)) is not None:
            if bad in request.chunks:
                attempts += 1
                decisions = list(queue.decide(request, outcome, now))
            else:
                for decision in queue.decide(request, Accepted(), now):
                    assert isinstance(decision, ChunkSettled)
        assert now < 2 * REJECT_AFTER_SECONDS
    (split,) = decisions
    assert isinstance(split, ChunkSplit)
    assert split.chunk is bad
    assert REJECT_AFTER_SECONDS <= now <= REJECT_AFTER_SECONDS + 70
    assert attempts < 40
    assert not breaker_of(queue).block_reason


def test_a_chunk_that_fails_alone_waits_twice_as_long_each_time_from_half_a_second() -> None:
    bad = chunk_of(2, 0)
    queue, now, waits = queue_of(bad), 0.0, list[float]()
    while len(waits) < 4:
        now += 0.01
        queue.put(chunk_of(1, 1))
        while (request := queue.next_request(now)) is not None:
            is_bad = bad in request.chunks
            queue.decide(request, Retry("http_500") if is_bad else Accepted(), now)
            if is_bad and history_of(queue, bad).isolated_failures:
                waits.append(history_of(queue, bad).not_before - now)
    assert all(0.5 * 2**number <= wait <= 0.75 * 2**number for number, wait in enumerate(waits))


def test_the_time_of_an_outage_counts_for_no_chunk() -> None:
    """Two failures among successes, with an outage in between, are not a quarter of an hour of them."""
    bad, good = chunk_of(1, 0), chunk_of(1, 1)
    queue = queue_of(bad)
    first = sent(queue)
    queue.put(good)
    second = sent(queue)
    assert queue.decide(first, Retry("http_503"), 10) == []
    assert len(queue.decide(second, Accepted(), 10.1)) == 1
    assert answered(queue, Retry("http_503"), 20) == []
    history = history_of(queue, bad)
    assert (history.isolated_failures, history.isolated_seconds) == (1, 10)
    now = 20.0
    while now < 20 + 2 * REJECT_AFTER_SECONDS:
        now += 60
        assert answered(queue, Retry("connect_error"), now) == []
    queue.put(chunk_of(1, 1))
    for _ in range(3):
        now += 100
        request = sent(queue, now)
        decisions = queue.decide(request, Retry("http_503") if bad in request.chunks else Accepted(), now)
        assert bad not in [decision.chunk for decision in decisions]
    assert history.isolated_failures == 2
    assert history.isolated_seconds <= 120


def test_an_outage_is_taken_for_the_fault_of_no_chunk() -> None:
    queue = queue_of(chunk_of(1, 0), chunk_of(1, 1))
    now = 0.0
    while now < 3 * REJECT_AFTER_SECONDS:
        now += 1
        request = queue.next_request(now)
        if request is not None:
            assert queue.decide(request, Retry("connect_error"), now) == []
    assert [len(answered(queue, Accepted(), now + 61)) for _ in range(2)] == [1, 1]


def test_a_single_event_is_rejected_after_a_quarter_of_an_hour_with_the_reason_of_its_last_failure() -> None:
    chunk = chunk_of(1, 0)
    queue = queue_of(chunk)
    history_of(queue, chunk).isolated_seconds = 840.0
    answered(queue, Retry("http_500"), 0)
    breaker_of(queue).accepted(1)
    assert answered(queue, Retry("read_error"), 59) == []
    assert history_of(queue, chunk).isolated_seconds == 899.0
    breaker_of(queue).accepted(60)
    assert answered(queue, Retry("http_502"), 60) == [ChunkRejected(chunk, "stuck_http_502", 3)]


@pytest.mark.parametrize(("accepted_at", "isolated_failures"), [(9.0, 0), (10.0, 0), (10.1, 1)])
def test_a_failure_is_isolated_if_others_were_accepted_after_the_failure_before(
    accepted_at: float, isolated_failures: int
) -> None:
    chunk = chunk_of(1)
    queue = queue_of(chunk)
    answered(queue, Retry("http_500"), 10.0)
    breaker_of(queue).accepted(accepted_at)
    answered(queue, Retry("http_500"), 20.0)
    assert history_of(queue, chunk).isolated_failures == isolated_failures
