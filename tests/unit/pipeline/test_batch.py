"""Where a batch ends: at its events, its bytes, a record that cannot be passed, or too many rejected in a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.model import Blocked, Chunk, DeadLetter, Pending, Record, Rejected, Skipped
from consumer.pipeline.batch import BatchLimits, make_batch
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.reject_policy import ProcessedRecord
from consumer.pipeline.rejections import NO_REJECTIONS
from tests.unit.pipeline.records import (
    LIMITS,
    THREE_IN_A_ROW,
    UNDECODABLE,
    chunk_sizes,
    event_of_100_bytes,
    open_batch,
    process,
    record,
    record_of,
)

BATCH = BatchLimits(events=10, body_bytes=1000, rejections=THREE_IN_A_ROW)


@pytest.mark.parametrize(("body_bytes", "events"), [(200, 2), (299, 2), (300, 3), (99, 1)])
def test_a_batch_ends_before_the_event_that_is_too_much_but_has_one(body_bytes: int, events: int) -> None:
    limits = BatchLimits(10, body_bytes, THREE_IN_A_ROW)
    batch = make_batch([record(offset) for offset in range(3)], event_of_100_bytes, limits, NO_REJECTIONS)
    (chunk,) = batch.chunks(0)
    assert len(chunk.events) == batch.record_count == events


@pytest.mark.parametrize(("records", "events"), [(9, 9), (10, 10), (11, 10)])
def test_a_batch_ends_at_its_events(records: int, events: int) -> None:
    batch = make_batch([record(offset) for offset in range(records)], event_of_100_bytes, BATCH, NO_REJECTIONS)
    assert (batch.record_count, [len(chunk.events) for chunk in batch.chunks(0)]) == (events, [events])


@pytest.mark.parametrize("reason", ["a_rule", "it", "z_rule"])
def test_skips_do_not_count_as_events_or_as_rejected_records(reason: str) -> None:
    buffer = PartitionBuffer(0)
    buffer.add([record(offset) for offset in range(30)])

    def skip_20(record: Record) -> ProcessedRecord:
        return Skipped(reason) if record.offset < 20 else event_of_100_bytes(record)

    batch, sendable = open_batch(buffer, skip_20, BATCH)
    assert (batch.skipped[reason], len(sendable[0].events), buffer.waiting) == (20, 10, 0)


@pytest.mark.parametrize(("kind", "blocked"), [("pending", Pending(7)), ("block", Blocked("undecodable"))])
def test_a_record_that_cannot_be_passed_ends_the_batch_before_it(kind: str, blocked: Pending | Blocked) -> None:
    records = [record_of(0), record_of(1, "skip"), record_of(2, kind), record_of(3)]
    batch = make_batch(records, process, LIMITS, NO_REJECTIONS)
    assert (batch.record_count, batch.blocked, batch.skipped.total()) == (2, blocked, 1)
    assert make_batch(records[2:], process, LIMITS, NO_REJECTIONS).record_count == 0


@given(st.lists(st.sampled_from(["skip", "no write key"]), max_size=3))
def test_rejected_records_in_a_row_block_at_the_limit(between: list[str]) -> None:
    buffer = PartitionBuffer(0)
    kinds = ["dead letter", "dead letter", *between, "dead letter", "dead letter", "event"]
    buffer.add([record_of(offset, kind) for offset, kind in enumerate(kinds)])
    batch, _ = open_batch(buffer, process, LIMITS)
    assert buffer.blocked == Blocked("dead_letter_limit", UNDECODABLE, len(kinds) - 2)
    reasons = [dead_letter.rejected.reason for dead_letter in batch.dead_letters]
    assert reasons.count("undecodable") == LIMITS.rejections.in_partition
    assert buffer.waiting == 2


def test_an_event_ends_the_row_of_rejected_records() -> None:
    buffer = PartitionBuffer(0)
    buffer.add([record_of(offset, kind) for offset, kind in enumerate(["dead letter", "dead letter", "event"] * 2)])
    assert len(open_batch(buffer, process, LIMITS).batch.dead_letters) == 4
    assert buffer.blocked is None


@pytest.mark.parametrize("reason", ["empty_value", "undecodable"])
def test_an_event_ends_the_row_of_rejected_records_and_each_reason_counts(reason: str) -> None:
    buffer = PartitionBuffer(0)
    kinds = [reason, reason, "event", reason, reason, reason, reason]
    buffer.add([record(offset) for offset in range(len(kinds))])

    def process_kind(record: Record) -> ProcessedRecord:
        kind = kinds[record.offset]
        if kind == "event":
            return event_of_100_bytes(record)
        return DeadLetter(record, Rejected(kind, "decoding", ""))

    assert len(open_batch(buffer, process_kind, BATCH).batch.dead_letters) == 5
    assert buffer.block == Blocked("dead_letter_limit", Rejected(reason, "decoding", ""), len(kinds) - 1)
    assert buffer.waiting == 1


def test_a_row_of_rejected_records_goes_on_in_the_next_batch() -> None:
    buffer = PartitionBuffer(0)
    for offset in range(LIMITS.rejections.in_partition):
        buffer.add([record_of(offset, "dead letter")])
        (dead_letter,) = open_batch(buffer, process, LIMITS).batch.dead_letters
        buffer.confirm(dead_letter)
    buffer.add([record_of(LIMITS.rejections.in_partition, "dead letter")])
    assert not open_batch(buffer, process, LIMITS).batch.dead_letters
    assert (buffer.block, buffer.waiting) == (
        Blocked("dead_letter_limit", UNDECODABLE, LIMITS.rejections.in_partition),
        1,
    )


def test_an_event_that_does_not_fit_does_not_end_the_row_of_rejected_records() -> None:
    """It is part of the next batch only."""
    kinds = ["event", "event", "dead letter", "dead letter", "large"]
    batch = make_batch([record_of(offset, kind) for offset, kind in enumerate(kinds)], process, LIMITS, NO_REJECTIONS)
    assert (batch.record_count, batch.rejections.of_partition.dead_letters, batch.blocked) == (4, 2, None)


def test_events_that_wait_behind_a_stalled_key_are_appended_to_the_last_chunk_up_to_a_whole_batch() -> None:
    buffer = PartitionBuffer(0)
    offset = 0
    for count, sizes in [(1, [1]), (4, [1, 4]), (3, [1, 7]), (7, [1, 7, 7]), (3, [1, 7, 10]), (1, [1, 7, 10, 1])]:
        buffer.add([record(offset + number) for number in range(count)])
        open_batch(buffer, event_of_100_bytes, BATCH)
        assert chunk_sizes(buffer) == sizes
        offset += count
    chunk: Chunk | None = next(iter(buffer.chunks))
    while chunk is not None:
        assert chunk.memory_bytes == len(chunk.events) * (99 + 1)
        chunk = buffer.settle(chunk)
    assert buffer.open_bytes == 0


def test_they_are_appended_to_the_last_chunk_up_to_the_bytes_of_a_batch() -> None:
    buffer = PartitionBuffer(0)
    limits = BatchLimits(events=100, body_bytes=500, rejections=THREE_IN_A_ROW)
    for offset, sizes in enumerate([[1], [1, 3], [1, 5], [1, 5, 3]]):
        count = (1, 3, 2, 3)[offset]
        buffer.add([record(100 * offset + number) for number in range(count)])
        open_batch(buffer, event_of_100_bytes, limits)
        assert chunk_sizes(buffer) == sizes
