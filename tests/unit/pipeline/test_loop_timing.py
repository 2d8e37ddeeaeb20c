"""How long an iteration may wait for records, and how often it publishes what it did."""

import pytest

from consumer.model import Blocked
from consumer.pipeline.buffers import PartitionBuffers
from tests.unit.pipeline.pipeline_world import PipelineWorld
from tests.unit.pipeline.records import record
from tests.unit.pipeline.test_backpressure import buffers_of


def buffers_with_records(*read_at: float) -> PartitionBuffers:
    """Buffers with a linger of a second, each with a record that was read then."""
    buffers = buffers_of(len(read_at), linger=1.0)
    for partition, seconds in enumerate(read_at):
        buffers[partition].add([record(0, read_at=seconds, partition=partition)])
    return buffers


@pytest.mark.parametrize(("now", "seconds"), [(10.0, 0.5), (10.6, 0.4), (10.97, 0.03), (11.0, 0.001), (20.0, 0.001)])
def test_a_read_ends_when_the_first_buffer_is_due_and_never_spins(now: float, seconds: float) -> None:
    assert buffers_with_records(10.0, 10.9).seconds_until_due(now, 0.5) == pytest.approx(seconds)


def test_nothing_is_due_where_nothing_waits_or_goes_on() -> None:
    assert buffers_of(2, linger=1.0).seconds_until_due(10.0, 0.5) == 0.5
    buffers = buffers_with_records(0.0)
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
    world.group.give(0, b"a")
    world.run_once()
    world.run_once(0.99)
    assert world.timeouts == [0.05, 0.05, pytest.approx(0.01)]


def test_without_a_free_worker_nothing_can_be_due() -> None:
    world = TimedWorld()
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
