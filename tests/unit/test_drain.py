"""The simulation of a backlog, where what comes out can be worked out by hand."""

import pytest

from bench.drain import Segment, Service, drain


def test_a_member_is_as_fast_as_its_core() -> None:
    took = drain(1_000_000, Service(1, cpu=20e-6), Segment(0.01))
    assert took.seconds == pytest.approx(20, rel=0.01)
    assert took.requests == 2000


def test_two_are_twice_as_fast() -> None:
    assert drain(1_000_000, Service(2, cpu=20e-6), Segment(0.01)).seconds == pytest.approx(10, rel=0.01)


def test_a_slow_answer_makes_the_requests_under_way_the_limit() -> None:
    assert drain(1_000_000, Service(1, cpu=20e-6), Segment(1.0)).seconds == pytest.approx(1_000_000 / 4000, rel=0.01)


def test_who_is_polite_is_never_throttled() -> None:
    took = drain(1_000_000, Service(1, 20e-6, events_per_second=5000), Segment(0.1, 5000, 10.0))
    assert (took.requests, took.throttled) == (2000, 0)
    assert took.seconds == pytest.approx(200, rel=0.01)


def test_who_is_not_waits_as_it_is_told() -> None:
    """Each second's worth is used up in a fifth of a second; then it is quiet for ten."""
    took = drain(1_000_000, Service(1, 20e-6), Segment(0.1, 5000, 10.0))
    assert took.throttled == pytest.approx(1_000_000 / 5500, rel=0.05)
    assert took.seconds > 1800
