"""The exact limits of buffers: when a partition is paused and resumed, and how much may be open, and for how long."""

from functools import partial

import pytest

from consumer.model import Record, TrackEvent, WriteKey
from consumer.pipeline.backpressure import BufferLimits
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.partition_buffer import PartitionBuffer
from tests.unit.pipeline.records import DEVELOPMENT, PRODUCTION, THREE_IN_A_ROW, event_of_100_bytes, open_batch, record

KEYS = PRODUCTION, DEVELOPMENT
BATCH = BatchLimits(events=10, body_bytes=1000, rejections=THREE_IN_A_ROW)
NO_KEYS: frozenset[WriteKey] = frozenset()


def buffers_of(partitions: int, memory_bytes: int = 1000, linger: float = 1.0) -> PartitionBuffers:
    buffers = PartitionBuffers(BufferLimits(BATCH, memory_bytes), linger)
    buffers.assign(range(partitions))
    return buffers


@pytest.mark.parametrize(("waited", "is_ready"), [(43_199.0, True), (43_200.0, False), (50_000.0, False)])
def test_a_buffer_bypasses_a_key_for_twelve_hours_from_the_first_batch_of_another(
    waited: float, is_ready: bool
) -> None:
    buffer = PartitionBuffer(0)
    buffer.add([record(0), record(1)])
    for offset, key, now in [(2, PRODUCTION, 50.0), (3, DEVELOPMENT, 100.0), (4, DEVELOPMENT, 5000.0)]:
        open_batch(buffer, partial(_event_of, key), BATCH, now)
        buffer.add([record(offset)])
    assert buffer.is_ready(100.0 + waited, frozenset(KEYS)) is is_ready


def _event_of(key: WriteKey, record: Record) -> TrackEvent:
    return TrackEvent(record, key, b"{}")


def test_a_buffer_with_nothing_open_is_ready_whatever_stalls() -> None:
    buffer = PartitionBuffer(0)
    assert not buffer.is_ready(0.0)
    buffer.add([record(0)])
    assert buffer.is_ready(0.0)
    assert buffer.is_ready(0.0, frozenset(KEYS))


@pytest.mark.parametrize(
    ("count", "memory_bytes", "is_over_limit", "is_below_threshold"),
    [
        (19, 1, False, True),
        (20, 1, False, False),
        (39, 1, False, False),
        (40, 1, True, False),
        (1, 124, False, True),
        (1, 125, False, False),
        (1, 249, False, False),
        (1, 250, True, False),
        (1, 251, True, False),
    ],
)
def test_a_partition_is_paused_with_four_batches_or_half_its_share_and_resumed_with_half_of_that(
    count: int, memory_bytes: int, is_over_limit: bool, is_below_threshold: bool
) -> None:
    buffers = buffers_of(2)  # 500 bytes each, half of them waiting
    buffers[0].add([record(offset, memory_bytes=memory_bytes) for offset in range(count)])
    assert (0 in buffers.over_limit()) is is_over_limit
    assert (0 in buffers.below_resume_threshold()) is is_below_threshold
    assert 1 in buffers.below_resume_threshold()


@pytest.mark.parametrize(
    ("count", "memory_bytes", "is_full"),
    [(9, 1, False), (10, 1, True), (1, 249, False), (1, 250, True), (1, 251, True)],
)
def test_a_buffer_is_full_with_a_batch_or_half_its_share(count: int, memory_bytes: int, is_full: bool) -> None:
    buffers = buffers_of(2)
    buffers[0].add([record(offset, memory_bytes=memory_bytes) for offset in range(count)])
    assert [buffer.partition for buffer in buffers.full(0.0, NO_KEYS)] == ([0] if is_full else [])


def test_what_is_open_is_subtracted_from_the_bytes_of_the_next_batch() -> None:
    buffers = buffers_of(1, memory_bytes=1200)
    assert buffers.batch_limits(buffers[0]) == BatchLimits(10, 600, THREE_IN_A_ROW)
    buffers[0].add([record(0), record(1)])
    open_batch(buffers[0], event_of_100_bytes, BATCH)
    assert buffers[0].open_bytes == 2 * (99 + 1)
    assert buffers.batch_limits(buffers[0]) == BatchLimits(10, 400, THREE_IN_A_ROW)


@pytest.mark.parametrize(("memory_bytes", "is_ready"), [(200, False), (202, True)])
def test_no_batch_is_opened_when_half_the_share_is_in_open_chunks(memory_bytes: int, is_ready: bool) -> None:
    buffers = buffers_of(1, memory_bytes)
    buffers[0].add([record(0)])
    open_batch(buffers[0], event_of_100_bytes, BATCH)
    assert buffers[0].open_bytes == 100
    buffers[0].add([record(offset, memory_bytes=200) for offset in range(1, 3)])
    full = buffers.full(0.0, frozenset([PRODUCTION]))
    assert [buffer.partition for buffer in full] == ([0] if is_ready else [])
