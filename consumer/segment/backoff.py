"""Exponential backoff: how long to wait after so many failures in a row."""

import random

MIN_BACKOFF_SECONDS = 0.5  # as Segment's own clients wait
MAX_BACKOFF_SECONDS = 60.0
_MAX_DOUBLINGS = 10


def backoff(failures: int, jitter: random.Random) -> float:
    """Seconds before attempt number `failures + 1`: 0.5 doubling to 60, with jitter so that members do not align."""
    doublings = min(failures - 1, _MAX_DOUBLINGS)
    return min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2.0**doublings * jitter.uniform(1, 1.5))
