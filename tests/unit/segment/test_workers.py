"""The workers: each request that was started has one outcome, whatever its attempt raises."""

import pytest

from consumer.model import Accepted, BatchRequest, Chunk, Outcome, Record, Retry, TrackEvent, WriteKey
from consumer.segment.workers import Workers
from tests.support import wait_until

KEY = WriteKey("", "secret")
SECRET = "data of a record"


def request(partition: int) -> BatchRequest:
    event = TrackEvent(Record(partition, 0, 0, None, b"", ()), KEY, b"{}")
    return BatchRequest(KEY, (Chunk.of(partition, KEY, (event,)),), 0.0)


class Panic(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize("error", [KeyError, RecursionError, MemoryError, Panic])
def test_an_attempt_that_raises_is_made_again_and_stops_no_other(error: type[BaseException]) -> None:
    def attempt(request: BatchRequest) -> Outcome:
        if request.chunks[0].partition == 1:
            raise error(SECRET)
        return Accepted()

    workers, requests = Workers(attempt, 2), [request(partition) for partition in range(3)]
    outcomes: dict[int, Outcome] = {}

    def all_answered() -> bool:
        for answered, outcome in workers.answered(0.1):
            outcomes[answered.chunks[0].partition] = outcome
        return len(outcomes) == len(requests)

    for started in requests:
        workers.start(started)
    wait_until(all_answered, "all requests to have an outcome")
    workers.close()
    # No line of our own code: the attempt is one of this test.
    assert outcomes == {0: Accepted(), 1: Retry("internal_error", detail=error.__name__), 2: Accepted()}
    assert workers.idle
