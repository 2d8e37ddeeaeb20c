"""The simulation of a backlog, in cases whose result can be computed by hand."""

import pytest

from bench.drain import Segment, Service, drain


def test_a_member_is_as_fast_as_its_core() -> None:
    result = drain(1_000_000, Service(1, cpu=20e-6), Segment(0.01))
    assert result.seconds == pytest.approx(20, rel=0.01)
    assert result.requests == 2000


def test_two_are_twice_as_fast() -> None:
    assert drain(1_000_000, Service(2, cpu=20e-6), Segment(0.01)).seconds == pytest.approx(10, rel=0.01)


def test_with_slow_answers_the_number_of_requests_in_flight_is_the_limit() -> None:
    assert drain(1_000_000, Service(1, cpu=20e-6), Segment(1.0)).seconds == pytest.approx(1_000_000 / 4000, rel=0.01)


def test_a_service_below_the_limit_is_never_throttled() -> None:
    result = drain(1_000_000, Service(1, 20e-6, events_per_second=5000), Segment(0.1, 5000, 10.0))
    assert (result.requests, result.throttled) == (2000, 0)
    assert result.seconds == pytest.approx(200, rel=0.01)


def test_a_service_above_the_limit_waits_as_long_as_segment_says() -> None:
    """The allowance of a second is used up in a fifth of a second; then the service waits for ten seconds."""
    result = drain(1_000_000, Service(1, 20e-6), Segment(0.1, 5000, 10.0))
    assert result.throttled == pytest.approx(1_000_000 / 5500, rel=0.05)
    assert result.seconds > 1800
