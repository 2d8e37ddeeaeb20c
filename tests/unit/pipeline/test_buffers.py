"""The buffers of all partitions: who is due together, whose turn it is, and what may be committed."""

import pytest

from consumer.kafka.records import LogPosition
from consumer.model import Blocked, Pending
from tests.unit.pipeline.records import LIMITS, open_batch, process, record, record_of
from tests.unit.pipeline.test_backpressure import NO_KEYS, buffers_of


@pytest.mark.parametrize(("seconds", "due"), [(0.0, []), (0.9, []), (1.0, [0, 1]), (50.0, [0, 1])])
def test_all_buffers_are_due_together_one_linger_after_the_last_time(seconds: float, due: list[int]) -> None:
    buffers = buffers_of(3)
    buffers[0].add([record(0)])
    buffers[1].add([record(0, partition=1)])
    assert [buffer.partition for buffer in buffers.due(10.0, NO_KEYS)] == [0, 1]
    buffers.start_linger(10.0)
    assert [buffer.partition for buffer in buffers.due(10.0 + seconds, NO_KEYS)] == due


def test_what_was_read_of_an_assigned_partition_may_be_committed() -> None:
    buffers = buffers_of(2)
    assert buffers.committable([0, 1]) == {}
    buffers[0].advance(7)
    assert buffers.committable([5, 0, 6]) == {0: LogPosition(7)}  # the others have no buffer
    assert buffers.committable([1]) == {}


def test_a_buffer_that_opened_a_batch_comes_last() -> None:
    buffers = buffers_of(3)
    for partition in range(3):
        buffers[partition].add([record(0, partition=partition)])
    buffers.move_to_end(0)
    assert [buffer.partition for buffer in buffers.due(1.0, NO_KEYS)] == [1, 2, 0]
    buffers.drop([2])
    assert [buffer.partition for buffer in buffers.due(1.0, NO_KEYS)] == [1, 0]


def test_a_dropped_partition_counts_all_that_was_unsettled() -> None:
    buffers = buffers_of(1)
    buffers[0].add([record_of(0), record_of(1, "dead letter"), *map(record_of, range(2, 7))])
    batch, (chunk,) = open_batch(buffers[0], process, LIMITS)
    assert (len(chunk.events), len(batch.dead_letters), buffers[0].waiting) == (4, 1, 2)
    assert buffers.drop([0, 5]) == 7
    assert (buffers.get(0), len(buffers), buffers.drop([0])) == (None, 0, 0)


def test_a_partition_that_is_assigned_again_begins_empty() -> None:
    buffers = buffers_of(1)
    buffers[0].add([record_of(0, "dead letter")])
    (dead_letter,) = open_batch(buffers[0], process, LIMITS).batch.dead_letters
    buffers.drop([0])
    buffers.assign([0])
    assert (buffers[0].position, buffers[0].committable_offset, buffers[0].in_flight) == (None, None, 0)
    assert not buffers[0].confirm(dead_letter)
    assert not buffers[0].refuse(dead_letter, "dead_letter_too_large")
    assert not buffers.blocked


def test_a_partition_waits_for_its_schema_and_not_for_another() -> None:
    buffers = buffers_of(3)
    buffers[0].blocked, buffers[1].blocked, buffers[2].blocked = Pending(7), Pending(8), Blocked("undecodable")
    buffers.unblock(lambda schema: schema == 8)
    assert [buffer.blocked for buffer in buffers] == [None, Pending(8), Blocked("undecodable")]
