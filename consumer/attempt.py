"""One HTTP attempt that has ended, as its observers see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from consumer.model import Accepted, BatchRequest, Outcome


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    A request that was sent once, and what became of it.

    `status` is the HTTP status, None if no response arrived. `body_bytes` is the size of the body as it was sent.
    `started_ns` and `ended_ns` are nanoseconds since 1970.
    """

    request: BatchRequest
    outcome: Outcome
    status: int | None
    body_bytes: int
    started_ns: int
    ended_ns: int

    @property
    def is_accepted(self) -> bool:
        return isinstance(self.outcome, Accepted)

    @property
    def reason(self) -> str:
        """Why the request was not accepted; "" if it was."""
        return "" if isinstance(self.outcome, Accepted) else self.outcome.reason

    @property
    def event_count(self) -> int:
        return sum(len(chunk.events) for chunk in self.request.chunks)

    @property
    def offsets(self) -> Mapping[str, str]:
        """The offsets of the records by partition, as "first-last". In between can be records of other requests."""
        return {
            str(chunk.partition): f"{chunk.events[0].record.offset}-{chunk.events[-1].record.offset}"
            for chunk in self.request.chunks
        }


ObserveAttempt = Callable[[Attempt], None]
"""It is called on the thread of the attempt, before the outcome counts. So what it waits for, the records wait for."""
