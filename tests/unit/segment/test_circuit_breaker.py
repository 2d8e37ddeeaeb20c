"""When the next request of a key may be sent: backoff, probes, throttles, and a key that is blocked."""

from consumer.model import Accepted, Misconfigured, Retry
from consumer.segment.circuit_breaker import CircuitBreaker
from consumer.waits import WaitKind
from tests.unit.segment.queues import (
    KEY,
    OTHER,
    answered,
    breaker_of,
    chunk_of,
    chunks_sent,
    denied,
    history_of,
    next_at,
    queue_of,
    sent,
)


def test_failures_back_off_from_half_a_second_to_a_minute() -> None:
    queue = queue_of(chunk_of(1))
    answered(queue, Retry("connect_error"))
    waits, now = [], 0.0
    for _ in range(10):
        waits.append(next_at(queue, now))
        now += waits[-1]
    assert 0.5 <= waits[0] <= 0.76
    assert 1.0 <= waits[1] <= 1.51
    assert all(wait <= 60.01 for wait in waits)
    assert waits[-1] > 59


def test_requests_that_fail_together_count_as_one_failure() -> None:
    queue = queue_of(*(chunk_of(10, partition) for partition in range(8)))
    requests = [sent(queue) for _ in range(8)]
    for request in requests:
        queue.decide(request, Retry("connect_error"), 1.0)
    assert breaker_of(queue).failures == 1


def test_while_a_key_fails_one_request_at_a_time_probes_it() -> None:
    queue = queue_of(*(chunk_of(10, partition) for partition in range(3)))
    answered(queue, Retry("http_500"))
    probe = sent(queue, 10)
    assert queue.next_request(10) is None
    queue.decide(probe, Accepted(), 10)
    assert queue.next_request(10) is not None


def test_a_throttle_is_obeyed_by_all_requests_of_its_key_and_by_no_other() -> None:
    queue = queue_of(chunk_of(10, 0), chunk_of(10, 1), chunk_of(10, 2, OTHER))
    answered(queue, Retry("http_429", 30.0, throttled=True))
    assert sent(queue).key == OTHER
    assert queue.next_request(29.9) is None
    assert sent(queue, 30).key == KEY
    assert sent(queue, 30).key == KEY


def test_throttles_without_a_wait_are_waited_out_longer_each_time_until_one_is_accepted() -> None:
    queue, throttle = queue_of(chunk_of(1, 0)), Retry("http_429", throttled=True)
    waits, now = [], 0.0
    for _ in range(9):
        answered(queue, throttle, now)
        waits.append(breaker_of(queue).open_until - now)
        now += waits[-1]
    assert all(0.5 * 2**number <= wait <= 0.75 * 2**number for number, wait in enumerate(waits[:7]))
    assert waits[7:] == [60, 60]
    answered(queue, Accepted(), now)
    queue.put(chunk_of(1, 0))
    answered(queue, throttle, now)
    assert breaker_of(queue).open_until - now <= 0.75


def test_throttles_of_requests_in_flight_together_count_as_one() -> None:
    queue = queue_of(chunk_of(10, 0), chunk_of(10, 1), chunk_of(10, 2))
    for request in [sent(queue), sent(queue), sent(queue)]:
        queue.decide(request, Retry("http_429", throttled=True), 1)
    assert breaker_of(queue).open_until <= 1.75


def test_a_throttle_that_began_before_an_acceptance_is_waited_out_as_well() -> None:
    queue = queue_of(chunk_of(10, 0), chunk_of(10, 1), chunk_of(10, 2))
    requests = [sent(queue), sent(queue), sent(queue)]
    queue.decide(requests[0], Retry("http_429", throttled=True), 1)
    queue.decide(requests[1], Accepted(), 1)
    queue.decide(requests[2], Retry("http_429", throttled=True), 1)
    assert breaker_of(queue).throttles == 1
    assert breaker_of(queue).open_until >= 1.5


def test_a_chunk_that_failed_often_makes_no_throttle_longer_for_its_key() -> None:
    chunk = chunk_of(1, 0)
    queue = queue_of(chunk, chunk_of(1, 1))
    history_of(queue, chunk).attempts = 9
    answered(queue, Retry("http_429", throttled=True))
    assert breaker_of(queue).open_until <= 0.75


def test_an_acceptance_does_not_cut_a_throttle_short() -> None:
    queue = queue_of(chunk_of(10, 0), chunk_of(10, 1), chunk_of(10, 2))
    first, second = sent(queue), sent(queue)
    queue.decide(first, Retry("http_429", 30.0, throttled=True), 0)
    queue.decide(second, Accepted(), 0)
    assert queue.next_request(29) is None


def test_a_blocked_key_is_probed_with_one_chunk_of_alternating_partitions() -> None:
    first, second = chunk_of(1, 0), chunk_of(1, 1)
    queue = queue_of(first, second)
    assert denied(queue, "http_401") == []
    assert breaker_of(queue).block_reason == "http_401"
    for now, chunk in [(100, first), (200, second)]:
        assert chunks_sent(queue, now, Misconfigured("http_401")) == (chunk,)
        assert chunks_sent(queue, now, Misconfigured("http_401")) == ()
    assert chunks_sent(queue, 300, Accepted()) == (first,)
    assert not breaker_of(queue).block_reason


def test_a_key_that_keeps_failing_is_probed_with_one_partition_at_a_time() -> None:
    """Else an event that is itself the cause would always fail the other events in its request."""
    first, second = chunk_of(1, 0), chunk_of(1, 1)
    queue = queue_of(first, second)
    assert chunks_sent(queue, 0, Retry("http_500")) == (first, second)
    assert [chunks_sent(queue, now, Retry("http_500")) for now in (10, 100, 200, 300)] == [
        (first, second),
        (first,),
        (second,),
        (first,),
    ]


def test_a_key_that_fails_waits_since_its_first_failure_until_its_next_try() -> None:
    queue = queue_of(chunk_of(1))
    assert not queue.waits
    answered(queue, Retry("connect_error"), 5.0)
    answered(queue, Retry("http_503"), 9.0)
    (wait,) = queue.waits
    assert wait == (WaitKind.SEGMENT, KEY.environment, 5.0, "http_503", breaker_of(queue).open_until)
    assert wait.next_try_at > 9.0
    answered(queue, Accepted(), 100.0)
    assert not queue.waits


def test_a_throttle_is_told_from_a_failure() -> None:
    queue = queue_of(chunk_of(1))
    answered(queue, Retry("http_429", 30.0, throttled=True), 5.0)
    assert queue.waits == [(WaitKind.THROTTLED, KEY.environment, 5.0, "http_429", 35.0)]


def test_a_key_without_anything_to_send_waits_for_nothing() -> None:
    queue = queue_of(chunk_of(1, 0))
    answered(queue, Retry("connect_error"))
    queue.forget({0})
    assert not queue.waits


def test_a_blocked_key_is_shown_as_blocked_and_not_as_waiting() -> None:
    queue = queue_of(chunk_of(1))
    denied(queue, "http_401")
    assert queue.statuses[KEY].block_reason == "http_401"
    assert not queue.waits


def test_the_last_failure_says_whether_the_key_is_throttled() -> None:
    breaker = CircuitBreaker()
    breaker.failed("http_503", 0.0, 1.0)
    assert not breaker.is_throttling
    breaker.throttled("http_429", None, 1.0, 2.0)
    assert breaker.is_throttling
    assert breaker.failing_since == 1.0
    breaker.failed("http_503", 2.0, 3.0)
    assert not breaker.is_throttling
