"""The partition buffer when an exception interrupts a change at any of its lines: no unsettled record looks settled."""

import itertools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from consumer.pipeline import buffers, open_chunks, partition_buffer
from consumer.pipeline.backpressure import BufferLimits
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.partition_buffer import PartitionBuffer
from tests.unit.pipeline.records import LIMITS, open_batch, process, record_of, undecodable

Change = Callable[[PartitionBuffer], object]


class Interrupted(Exception):
    """Raised in place of a line of the buffer's module."""


def buffer_of(*kinds: str, waiting: tuple[str, ...] = ()) -> PartitionBuffer:
    """A buffer with a chunk or a dead letter of each of these records, and with waiting records behind them."""
    buffer = PartitionBuffer(0)
    for offset, kind in enumerate(kinds):
        buffer.add([record_of(offset, kind)])
        open_batch(buffer, process, LIMITS)
    if waiting:
        buffer.add([record_of(offset, kind) for offset, kind in enumerate(waiting, len(kinds))])
    return buffer


def open_all(buffer: PartitionBuffer) -> PartitionBuffer:
    open_batch(buffer, process, LIMITS)
    return buffer


def settle(buffer: PartitionBuffer) -> object:
    return buffer.settle(next(iter(buffer.chunks)))


def split(buffer: PartitionBuffer) -> None:
    chunk = next(iter(buffer.chunks))
    buffer.split(chunk, chunk.halves())


def reject(buffer: PartitionBuffer) -> object:
    chunk = next(iter(buffer.chunks))
    return buffer.reject(chunk, undecodable(chunk.events[0].record))


def confirm(buffer: PartitionBuffer) -> object:
    return buffer.confirm(next(iter(buffer._dead_letters)))


def refuse(buffer: PartitionBuffer) -> object:
    return buffer.refuse(next(iter(buffer._dead_letters)), "dead_letter_too_large")


MIXED = ("skip", "event", "other key", "dead letter")
CASES: dict[str, tuple[Callable[[], PartitionBuffer], Change]] = {
    "add": (lambda: buffer_of("event"), lambda buffer: buffer.add([record_of(1), record_of(2)])),
    "advance": (lambda: buffer_of("event"), lambda buffer: buffer.advance(7)),
    "open": (lambda: buffer_of(waiting=MIXED), open_all),
    "open behind open chunks": (lambda: buffer_of("event", "event", waiting=MIXED), open_all),
    "settle the last": (lambda: buffer_of("event", waiting=("event",)), settle),
    "settle the first of two": (lambda: buffer_of("event", "event"), settle),
    "split": (lambda: open_all(buffer_of(waiting=("event", "event", "other key"))), split),
    "reject": (lambda: buffer_of("event", waiting=("event",)), reject),
    "confirm": (lambda: buffer_of("dead letter", waiting=("event",)), confirm),
    "refuse": (lambda: buffer_of("dead letter", waiting=("event",)), refuse),
}


def is_interrupted(change: Callable[[], object], line: int) -> bool:
    """Make the change, with an exception in place of this one of its lines; False if it has fewer lines."""
    lines = itertools.count()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in (partition_buffer.__file__, open_chunks.__file__, buffers.__file__):
            return None
        if event == "line" and next(lines) == line:
            raise Interrupted
        return trace

    sys.settrace(trace)
    try:
        change()
    except Interrupted:
        return True
    finally:
        sys.settrace(None)
    return False


@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_change_makes_nothing_committable_that_is_not_settled(case: str) -> None:
    create, change = CASES[case]
    complete = create()
    before = complete.committable_offset
    change(complete)
    for line in itertools.count():
        buffer = create()
        if not is_interrupted(lambda buffer=buffer: change(buffer), line):  # type: ignore[misc]
            break
        assert buffer.committable_offset in (before, complete.committable_offset), line
    assert line > 1


@pytest.mark.parametrize(
    "change",
    [
        lambda assigned: assigned.move_to_end(0),
        lambda assigned: assigned.assign([2, 3]),
        lambda assigned: assigned.drop([0]),
    ],
)
def test_an_interrupted_change_leaves_each_partition_its_turn_and_can_be_dropped(
    change: Callable[[PartitionBuffers], object],
) -> None:
    for line in itertools.count():
        assigned = PartitionBuffers(BufferLimits(LIMITS, 1_000_000), linger=1.0)
        assigned.assign([0, 1])
        if not is_interrupted(lambda assigned=assigned: change(assigned), line):  # type: ignore[misc]
            break
        unchanged = {0, 1} & {*assigned.partitions}
        assert unchanged <= {*assigned._turn_order}, line
        assigned.drop([0, 1, 2, 3])
        assert not assigned.partitions
    assert line > 0


def test_a_chunk_that_is_not_in_flight_cannot_be_settled() -> None:
    """An assertion finds this defect before anything is changed."""
    buffer = buffer_of("event", "event")
    with pytest.raises(AssertionError):
        buffer.settle(list(buffer.chunks)[1])
    assert (buffer.committable_offset, buffer.in_flight) == (0, 2)
