"""The threads that make attempts; each sees one immutable request and nothing else."""

from collections.abc import Callable, Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from consumer.internal_errors import describe
from consumer.model import BatchRequest, Outcome, Retry
from consumer.reasons import Reason


class AttemptClient(Protocol):
    """Makes attempts, on any thread: Segment's client, or one that sends nothing."""

    def attempt(self, request: BatchRequest) -> Outcome: ...
    def close(self) -> None: ...


class Workers:
    """At most `count` requests are in flight; `answered` gives the outcome of each started request once."""

    def __init__(self, attempt: Callable[[BatchRequest], Outcome], count: int) -> None:
        self._attempt = attempt
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="attempt")
        self._in_flight: dict[Future[Outcome], BatchRequest] = {}

    @property
    def free(self) -> bool:
        return len(self._in_flight) < self._count

    @property
    def idle(self) -> bool:
        return not self._in_flight

    def start(self, request: BatchRequest) -> None:
        self._in_flight[self._pool.submit(self._attempt, request)] = request

    def answered(self, timeout: float = 0) -> Sequence[tuple[BatchRequest, Outcome]]:
        """The requests that ended, with their outcomes. Waits at most `timeout` seconds for the first of them."""
        if timeout:
            wait(self._in_flight, timeout, FIRST_COMPLETED)
        ended = [future for future in self._in_flight if future.done()]
        return [(self._in_flight.pop(future), _outcome(future)) for future in ended]

    def carries(self, partitions: Set[int]) -> bool:
        """Whether a request with chunks of these partitions is in flight."""
        return any(chunk.partition in partitions for request in self._in_flight.values() for chunk in request.chunks)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _outcome(attempt: Future[Outcome]) -> Outcome:
    """The outcome of an attempt that ended. An exception says nothing about the events, so they are sent again."""
    error = attempt.exception()
    if error is None:
        return attempt.result()
    return Retry(Reason.INTERNAL_ERROR, detail=describe(error))
