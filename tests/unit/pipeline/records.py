"""Records, and how the tests of the pipeline open a batch of them, as the dispatcher does."""

from typing import NamedTuple

from consumer.model import (
    Blocked,
    Chunk,
    DeadLetter,
    Pending,
    Record,
    Rejected,
    Skipped,
    TrackEvent,
    WriteKey,
)
from consumer.pipeline.batch import Batch, BatchLimits, ProcessRecord, make_batch
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.reject_policy import ProcessedRecord
from consumer.pipeline.rejections import RejectionLimits, Rejections

PRODUCTION, DEVELOPMENT = WriteKey("production", "a"), WriteKey("development", "b")
THREE_IN_A_ROW = RejectionLimits(in_partition=3)
UNDECODABLE = Rejected("undecodable", "decoding", "")
LIMITS = BatchLimits(events=4, body_bytes=100, rejections=THREE_IN_A_ROW)
MEMORY_BYTES = 10  # of a record whose value is its kind


class OpenedBatch(NamedTuple):
    """A batch, and those of its chunks that may be sent at once."""

    batch: Batch
    sendable: list[Chunk]


def record(offset: int, value: bytes = b"", memory_bytes: int = 1, partition: int = 0) -> Record:
    return Record(partition, offset, 0, None, value, (), memory_bytes)


def event_of_100_bytes(record: Record) -> TrackEvent:
    """An event of 99 bytes, which are 100 with the separator."""
    return TrackEvent(record, PRODUCTION, b"x" * 99)


def open_batch(buffer: PartitionBuffer, process: ProcessRecord, limits: BatchLimits, now: float = 0.0) -> OpenedBatch:
    batch = make_batch(buffer.waiting_records, process, limits, Rejections(buffer.rejections))
    return OpenedBatch(batch, buffer.open(batch, limits, now))


def offsets_of(chunk: Chunk) -> list[int]:
    return [event.record.offset for event in chunk.events]


def chunk_sizes(buffer: PartitionBuffer) -> list[int]:
    """The number of events of each open chunk."""
    return [len(chunk.events) for chunk in buffer.chunks]


def record_of(offset: int, kind: str = "event") -> Record:
    return record(offset, kind.encode(), MEMORY_BYTES)


def process(record: Record) -> ProcessedRecord:
    """What the kind of the record says."""
    match record.value:
        case b"event":
            return TrackEvent(record, PRODUCTION, b"x" * 10)
        case b"other key":
            return TrackEvent(record, DEVELOPMENT, b"x" * 10)
        case b"large":
            return TrackEvent(record, PRODUCTION, b"x" * 150)
        case b"skip":
            return Skipped("no_user_id")
        case b"pending":
            return Pending(7)
        case b"block":
            return Blocked("undecodable")
        case b"no write key":
            return DeadLetter(record, Rejected("no_write_key", "mapping", ""))
    return undecodable(record)


def undecodable(record: Record) -> DeadLetter:
    return DeadLetter(record, UNDECODABLE)
