"""The send queue: which chunks share a request, which key is next, and what is forgotten."""

import pytest

from consumer.model import Accepted, Chunk, Misconfigured, Outcome, Refused, Retry
from consumer.segment.bisection import ChunkSettled
from consumer.segment.send_queue import RequestLimits
from tests.unit.segment.queues import (
    KEY,
    LIMITS,
    OTHER,
    answered,
    breaker_of,
    chunk_of,
    chunks_sent,
    history_of,
    queue_of,
    sent,
)


def test_chunks_of_one_key_share_a_request_as_far_as_they_fit() -> None:
    first, second, third = chunk_of(4, 0), chunk_of(5, 1), chunk_of(3, 2)
    queue = queue_of(first, second, third)
    assert sent(queue).chunks == (first, second)
    assert sent(queue).chunks == (third,)
    assert queue.next_request(0) is None


def test_a_body_never_exceeds_its_bytes() -> None:
    first, second = chunk_of(1, 0, size=500), chunk_of(1, 1, size=450)
    assert sent(queue_of(first, second)).chunks == (first,)  # the body around the events counts as well


def test_keys_never_share_a_request_and_take_turns() -> None:
    chunks = [chunk_of(6, partition, key) for partition, key in enumerate([KEY, KEY, OTHER, OTHER])]
    queue = queue_of(*chunks)
    assert [sent(queue).key for _ in range(4)] == [KEY, OTHER, KEY, OTHER]


def test_only_full_requests_are_sent_with_full_only() -> None:
    queue = queue_of(chunk_of(4, 0))
    assert queue.next_request(0, full_only=True) is None
    queue.put(chunk_of(7, 1))
    assert queue.next_request(0, full_only=True) is not None
    assert queue.next_request(0, full_only=True) is None


def test_chunks_of_forgotten_partitions_are_neither_sent_nor_decided() -> None:
    first, second = chunk_of(1, 0), chunk_of(1, 1)
    queue = queue_of(first, second)
    queue.forget({0})
    request = sent(queue)
    assert request.chunks == (second,)
    queue.forget({1})
    assert queue.decide(request, Accepted(), 0) == []
    assert queue.next_request(0) is None
    assert not queue._deliveries
    assert not queue._in_flight


@pytest.mark.parametrize(
    "outcome",
    [Accepted(), Refused("http_400"), Retry("http_500"), Retry("http_429", 1.0, throttled=True), Misconfigured("x")],
    ids=repr,
)
@pytest.mark.parametrize("events", [1, 2])
def test_a_chunk_that_is_forgotten_in_flight_is_gone_and_its_neighbour_is_not(outcome: Outcome, events: int) -> None:
    forgotten, neighbour = chunk_of(events, 0), chunk_of(events, 1)
    queue = queue_of(forgotten, neighbour)
    request = sent(queue)
    assert request.chunks == (forgotten, neighbour)
    queue.forget({0})
    settled = [decision.chunk for decision in queue.decide(request, outcome, 0)]
    assert settled == ([neighbour] if outcome == Accepted() else [])
    successor = chunk_of(events, 0)  # of the next assignment
    queue.put(successor)
    assert history_of(queue, successor).attempts == 0
    sent_later: list[Chunk] = []
    while (later_request := queue.next_request(100)) is not None:
        sent_later += later_request.chunks
        queue.decide(later_request, Accepted(), 100)
    assert {*sent_later} == {neighbour, successor} - {*settled}


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_the_outcome_of_a_forgotten_chunk_still_counts_for_its_key(is_forgotten: bool) -> None:
    """The key is to blame, or not, whoever owns the partition by now."""
    queue = queue_of()

    def send_alone(partition: int, outcome: Outcome, now: float) -> None:
        queue.put(chunk_of(1, partition))
        request = sent(queue, now)
        if is_forgotten:
            queue.forget({partition})
        queue.decide(request, outcome, now)

    for partition in range(LIMITS.consecutive_refusals):
        send_alone(partition, Refused("http_400"), 0)
    assert breaker_of(queue).consecutive_refusals == LIMITS.consecutive_refusals
    send_alone(3, Refused("http_400"), 0)
    assert breaker_of(queue).block_reason == "everything_refused"
    send_alone(4, Accepted(), 100)
    assert not breaker_of(queue).block_reason
    send_alone(5, Retry("connect_error"), 200)
    assert breaker_of(queue).failures == 1


def test_a_failure_that_is_isolated_to_a_forgotten_chunk_opens_no_breaker() -> None:
    suspected = chunk_of(1, 0)
    queue = queue_of(suspected)
    request = sent(queue)
    queue.put(chunk_of(1, 1))
    neighbour = sent(queue)
    queue.decide(request, Retry("http_500"), 10)
    queue.decide(neighbour, Accepted(), 11)
    request = sent(queue, 100)
    queue.forget({0})
    assert queue.decide(request, Retry("http_500"), 101) == []
    assert breaker_of(queue).failures == 0


def test_an_acceptance_settles_each_chunk() -> None:
    first, second = chunk_of(1, 0), chunk_of(1, 1)
    assert answered(queue_of(first, second), Accepted()) == [ChunkSettled(first), ChunkSettled(second)]


def test_a_repeat_says_how_often() -> None:
    queue = queue_of(chunk_of(1))
    assert sent(queue_of(chunk_of(1))).attempts == 0
    assert chunks_sent(queue, 0, Retry("http_500"))
    assert sent(queue, 10).attempts == 1


def test_a_rate_is_kept() -> None:
    limits = RequestLimits(10, 1000, 3, events_per_second=5)
    queue = queue_of(*(chunk_of(10, partition) for partition in range(3)), limits=limits)
    assert queue.next_request(0) is not None
    assert queue.next_request(1.9) is None
    assert queue.next_request(2.0) is not None
    assert queue.next_request(3.9) is None


def test_a_key_that_is_blocked_does_not_stop_the_other() -> None:
    queue = queue_of(chunk_of(1, 0), chunk_of(1, 1, OTHER))
    answered(queue, Misconfigured("http_401"))
    assert sent(queue).key == OTHER
    assert (chunks_sent(queue, 0, Misconfigured("http_401"))) == ()
    assert breaker_of(queue).block_reason
    queue.put(chunk_of(1, 2, OTHER))
    assert sent(queue).key == OTHER


@pytest.mark.parametrize(
    "outcome", [Retry("http_429", 30.0, throttled=True), Retry("read_error"), Misconfigured("http_401")]
)
def test_a_key_stalls_until_it_is_accepted_or_may_send_again(outcome: Outcome) -> None:
    queue = queue_of(chunk_of(1, 0))
    assert queue.stalled(0) == frozenset()
    answered(queue, outcome)
    assert queue.stalled(1) == {KEY}
    if isinstance(outcome, Misconfigured):
        assert chunks_sent(queue, 1, outcome) == ()
        assert queue.stalled(1) == {KEY}
    answered(queue, Accepted(), 100)
    assert queue.stalled(100) == frozenset()


def test_no_key_counts_as_stalled_once_all_keys_are() -> None:
    queue = queue_of(chunk_of(1, 0), chunk_of(1, 0, OTHER))
    answered(queue, Retry("read_error"))
    answered(queue, Retry("read_error"))
    assert queue.stalled(0) == frozenset()
