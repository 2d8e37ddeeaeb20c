"""When what was read is sent, how long an iteration may wait for records, and how often it publishes what it did."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.model import (
    Accepted,
    BatchRequest,
    Blocked,
    MappedRecord,
    Misconfigured,
    Outcome,
    Record,
    Retry,
    TrackEvent,
    WriteKey,
)
from tests.unit.pipeline.pipeline_world import EVENTS, KEY, PipelineWorld
from tests.unit.pipeline.records import record
from tests.unit.pipeline.test_backpressure import buffers_of


@pytest.mark.parametrize(("now", "seconds"), [(10.0, 0.5), (10.6, 0.4), (10.97, 0.03), (11.0, 0.001), (20.0, 0.001)])
def test_a_read_ends_when_what_waits_is_due_and_never_spins(now: float, seconds: float) -> None:
    buffers = buffers_of(2)
    buffers.start_linger(10.0)
    buffers[1].add([record(0, partition=1)])
    assert buffers.seconds_until_due(now, 0.5) == pytest.approx(seconds)


def test_nothing_is_due_where_nothing_waits_or_goes_on() -> None:
    buffers = buffers_of(2)
    assert buffers.seconds_until_due(10.0, 0.5) == 0.5
    buffers[0].add([record(0)])
    buffers[0].blocked = Blocked("an operator acts")
    assert buffers.seconds_until_due(10.0, 0.5) == 0.5


class TimedWorld(PipelineWorld):
    """It remembers how long each read would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float] = []
        read = self.group.read

        def read_timed(limit: int, timeout: float) -> object:
            self.timeouts.append(timeout)
            return read(limit, timeout)

        self.group.read = read_timed  # type: ignore[assignment,method-assign]


def test_the_loop_waits_for_no_record_beyond_the_linger() -> None:
    world = TimedWorld()
    world.run_once()
    world.start_linger()
    world.group.give(0, b"a")
    world.run_once(0.1)
    world.run_once(0.89)
    assert world.timeouts == [0.05, 0.05, pytest.approx(0.01)]


def test_without_a_free_worker_nothing_can_be_due() -> None:
    world = TimedWorld()
    world.start_linger()
    world.group.give(0, b"a")
    world.run_once()
    world.workers.count = 0
    world.run_once(5.0)
    assert world.timeouts[-1] == 0.05


def test_what_was_done_is_published_ten_times_a_second_and_a_block_at_once() -> None:
    world = PipelineWorld()
    world.run_once()
    before = world.reporter.latest()
    world.run_once(0.05)
    assert world.reporter.latest() is before
    world.run_once(0.05)
    assert world.reporter.latest() is not before
    world.group.fail_to_unpack(0)
    world.run_once()
    world.group.fail_to_unpack(0)
    world.run_once()
    world.group.fail_to_unpack(0)
    world.run_once()
    assert world.reporter.latest().blocked == {"unreadable_batch": 1}


OTHER = WriteKey("other", "secret")
TICK = 0.125  # seconds; sums of it are exact


class RequestLog(PipelineWorld):
    """A world with a linger of a second that remembers when each request was sent, and how many events it had."""

    def __init__(self, partitions: int = 1, keys: Sequence[WriteKey] = (KEY,)) -> None:
        super().__init__(partitions=partitions, keys=keys)
        self.requests: list[tuple[float, int]] = []
        start = self.workers.start

        def start_noted(request: BatchRequest) -> None:
            self.requests.append((self.clock.now, len(request.bodies)))
            start(request)

        self.workers.start = start_noted  # type: ignore[method-assign]

    def map(self, record: Record) -> MappedRecord:
        if record.value == b"other":
            return TrackEvent(record, OTHER, b"{}")
        return super().map(record)

    def accept_all(self) -> None:
        while self.workers.in_flight:
            self.workers.answer(Accepted())

    def run_for(self, seconds: float) -> None:
        """Iterations in which Segment answers at once."""
        for _ in range(round(seconds / TICK)):
            self.run_once(TICK)
            self.accept_all()


def test_the_first_record_of_a_quiet_topic_is_sent_in_the_iteration_that_reads_it() -> None:
    world = RequestLog()
    world.run_for(0.5)
    world.group.give(0, b"a")
    world.run_once(TICK)
    assert world.requests == [(0.625, 1)]


def test_a_burst_waits_for_the_rest_of_the_linger_and_shares_a_request() -> None:
    world = RequestLog(partitions=3)
    for number in range(5):
        world.group.give(number % 3, b"a", start=number)
        world.run_for(TICK)
    world.run_for(2.0)
    assert world.requests == [(0.125, 1), (1.125, 4)]
    world.group.give(0, b"a", start=9)
    world.run_for(TICK)
    assert world.requests[2:] == [(2.75, 1)]  # more than a linger after the last request


def test_a_full_batch_waits_for_no_linger_and_starts_none() -> None:
    world = RequestLog(partitions=2)
    world.start_linger()
    world.group.give(0, *[b"a"] * (EVENTS - 1))
    world.run_for(TICK)
    assert not world.requests
    world.group.give(0, b"a", start=EVENTS - 1)
    world.run_for(TICK)
    assert world.requests == [(0.25, EVENTS)]
    world.run_for(1.0)
    world.group.give(0, *[b"a"] * EVENTS, start=EVENTS)
    world.run_for(TICK)
    world.group.give(1, b"a")
    world.run_for(TICK)
    assert world.requests[1:] == [(1.375, EVENTS), (1.5, 1)]


def test_quiet_partitions_cost_one_request_per_linger_however_many_they_are() -> None:
    world = RequestLog(partitions=96)
    for number in range(80):
        world.group.give(number % 96, b"a", start=number)
        world.group.give((number + 50) % 96, b"skip", start=number)
        world.run_for(2 * TICK)
    assert [sent_at for sent_at, _ in world.requests] == [0.125 + second for second in range(20)]


@pytest.mark.parametrize("value", [b"skip", b"undecodable", b"unknown schema"])
def test_what_needs_no_request_starts_no_linger(value: bytes) -> None:
    world = RequestLog(partitions=2)
    world.group.give(0, value)
    world.run_once(TICK)
    assert not world.requests
    world.group.give(1, b"a")
    world.run_once(TICK)
    assert world.requests == [(0.25, 1)]


def test_a_record_is_sent_as_soon_as_its_schema_is_known() -> None:
    world = RequestLog(partitions=2)
    world.group.give(0, b"unknown schema")
    world.run_for(TICK)
    world.schemas.pending = False
    world.run_for(TICK)
    assert world.requests == [(0.25, 1)]
    world.group.give(1, b"a")
    world.run_for(2.0)
    assert world.requests[1:] == [(1.25, 1)]


@pytest.mark.parametrize("outcome", [Retry("http_429", 5.0, throttled=True), Misconfigured("http_401")])
def test_what_is_read_while_a_key_stalls_shares_few_requests_when_it_goes_on(outcome: Outcome) -> None:
    world = RequestLog(partitions=4)
    world.group.give(0, b"a")
    world.run_once(TICK)
    world.workers.answer(outcome)
    for number in range(40):  # five seconds
        world.group.give(1 + number % 3, b"a", start=number)
        world.run_once(TICK)
        for _ in range(len(world.workers.in_flight)):
            world.workers.answer(outcome)
    assert len(world.requests) <= 6  # what the breaker allows, and not one for each record
    world.run_for(70.0)
    assert world.reporter.counters.delivered == 41
    assert len(world.requests) <= 6 + 10


def test_a_stalled_key_does_not_make_the_other_key_send_more_often() -> None:
    world = RequestLog(keys=(KEY, OTHER))
    world.group.give(0, b"a")
    world.run_once(TICK)
    world.workers.answer(Retry("http_429", 60.0, throttled=True))
    for number in range(24):  # three seconds
        world.group.give(0, b"a" if number % 2 else b"other", start=1 + number)
        world.run_for(TICK)
    assert world.requests[1:] == [(1.125, 4), (2.125, 4), (3.125, 4)]


def test_what_is_read_while_a_request_waits_for_its_retry_shares_the_retry() -> None:
    world = RequestLog(partitions=3)
    world.group.give(0, b"a")
    world.run_once(TICK)
    world.workers.answer(Retry("http_429", 3.0, throttled=True))
    for partition in (1, 2):
        world.group.give(partition, b"a")
        world.run_once(TICK)
    world.run_for(4.0)
    assert world.requests == [(0.125, 1), (3.25, 3)]


def test_a_retry_waits_for_no_linger() -> None:
    world = RequestLog(partitions=2)
    world.group.give(0, b"a")
    world.run_once(TICK)
    world.workers.answer(Retry("http_503"))
    world.run_once(0)
    world.run_once(0.75)  # longer than the first backoff
    assert world.requests == [(0.125, 1), (0.875, 1)]
    world.accept_all()
    world.group.give(1, b"a")
    world.run_for(1.0)
    assert world.requests[2:] == [(1.125, 1)]  # and a retry starts none


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.05, 0.3, 0.9, 1.0, 1.7]),
        st.integers(0, 2),
        st.sampled_from([b"a", b"a", b"skip", b"undecodable", b"unknown schema"]),
        st.booleans(),
        st.integers(1, 3),
    ),
    max_size=EVENTS - 1,  # fewer than a batch, so that no request is full
)


@given(steps=STEPS)
def test_records_that_are_merely_due_cost_one_request_a_linger(
    steps: list[tuple[float, int, bytes, bool, int]],
) -> None:
    """Whatever is read, in whatever order Segment, the registry and the dead-letter topic answer."""
    world = RequestLog(partitions=3)
    for offset, (seconds, partition, value, is_answered, iterations) in enumerate(steps):
        world.group.give(partition, value, start=offset)
        world.run_once(seconds)
        for _ in range(iterations):
            world.run_once(0.02)
        if is_answered:
            world.accept_all()
            world.dead_letters.confirm()
            world.schemas.pending = not world.schemas.pending
    world.schemas.pending = False
    for _ in range(4):
        world.run_for(1.1)
        world.dead_letters.confirm()
    times = [sent_at for sent_at, _ in world.requests]
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(times))
    assert sum(events for _, events in world.requests) == sum(
        value in (b"a", b"unknown schema") for _, _, value, _, _ in steps
    )
