"""The threads that make attempts; they see an immutable request and nothing else."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from consumer.request import Outcome, Request


class Workers:
    """At most `count` requests are under way; whoever starts one gets its outcome from `answered`."""

    def __init__(self, attempt: Callable[[Request], Outcome], count: int) -> None:
        self._attempt = attempt
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="attempt")
        self._under_way: dict[Future[Outcome], Request] = {}

    @property
    def free(self) -> bool:
        return len(self._under_way) < self._count

    @property
    def idle(self) -> bool:
        return not self._under_way

    def start(self, request: Request) -> None:
        self._under_way[self._pool.submit(self._attempt, request)] = request

    def answered(self, timeout: float = 0) -> Sequence[tuple[Request, Outcome]]:
        """Requests that ended, at most `timeout` seconds from now."""
        if timeout:
            wait(self._under_way, timeout, FIRST_COMPLETED)
        done = [future for future in self._under_way if future.done()]
        return [(self._under_way.pop(future), future.result()) for future in done]

    def carries(self, partitions: set[int]) -> bool:
        """Whether a request with calls of these partitions is under way."""
        return any(part.partition in partitions for request in self._under_way.values() for part in request.parts)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
