"""When to repeat the questions that the brokers did not answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUESTION_TIMEOUT = 1.0  # seconds for each question of a retry
INTERVAL = 1.0  # seconds
MAX_WAITING_SHARE = 0.2


class RetryTimer:
    """
    Once a second, but the questions take at most a fifth of the time: the loop stands still while it waits.

    Otherwise a broker that never answers would stop the delivery of all partitions.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due_at = float("-inf")

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._due_at

    @contextmanager
    def question(self) -> Iterator[None]:
        """A block that asks and waits for the answer."""
        asked_at = self._clock()
        yield
        waited = self._clock() - asked_at
        self._due_at = self._clock() + max(INTERVAL, waited * (1 / MAX_WAITING_SHARE - 1))

    def reset(self) -> None:
        """There is a new question, which is due at once."""
        self._due_at = float("-inf")
