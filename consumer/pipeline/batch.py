"""The next batch of a partition: what its first waiting records become."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from consumer.model import Blocked, Chunk, DeadLetter, Pending, Record, Skipped, TrackEvent, WriteKey
from consumer.pipeline.reject_policy import Discarded, ProcessedRecord, RejectedRecord
from consumer.pipeline.rejections import EVENT_MADE, RejectionLimits, Rejections

ProcessRecord = Callable[[Record], ProcessedRecord]


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The limits of one batch: events, bytes of their bodies, and rejected records before it blocks."""

    events: int
    body_bytes: int
    rejections: RejectionLimits


@dataclass(slots=True)
class Batch:
    """
    What the first `record_count` waiting records of a partition became.

    `blocked` says why the record behind them cannot be part of a batch, None if it can. `rejections` are the rejected
    records that count for the next record, those of earlier batches included.
    """

    rejections: Rejections
    record_count: int = 0
    events: dict[WriteKey, list[TrackEvent]] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    blocked: Pending | Blocked | None = None

    def chunks(self, partition: int) -> list[Chunk]:
        """A chunk for each write key."""
        return [Chunk.of(partition, key, tuple(events)) for key, events in self.events.items()]


def make_batch(records: Iterable[Record], process: ProcessRecord, limits: BatchLimits, rejections: Rejections) -> Batch:
    """
    Process records until the batch is full, a record cannot be passed, or no record is left.

    Nothing but the batch is changed, so a record that is not part of it is processed again with the next batch.
    """
    batch = Batch(rejections)
    event_count = body_bytes = 0
    for record in records:
        processed = process(record)
        if isinstance(processed, TrackEvent):
            body_bytes += len(processed.body) + 1
            if body_bytes > limits.body_bytes and event_count:
                break
            event_count += 1
            batch.events.setdefault(processed.key, []).append(processed)
            batch.rejections = EVENT_MADE
        elif isinstance(processed, Skipped):
            batch.skipped[processed.reason] += 1
        elif isinstance(processed, DeadLetter | Discarded):
            if not _add_rejected(batch, processed, record.offset, limits.rejections):
                break
        else:
            batch.blocked = processed
            break
        batch.record_count += 1
        if event_count == limits.events:
            break
    batch.rejections = batch.rejections.after_skips(batch.skipped)  # once, because most records may be skipped
    return batch


def _add_rejected(batch: Batch, processed: RejectedRecord, offset: int, limits: RejectionLimits) -> bool:
    """Whether the record is part of the batch; False if it is one too many, which blocks the partition."""
    rejections = batch.rejections.after_skips(batch.skipped).after(processed)
    blocked = rejections.block(limits, processed.rejected)
    if blocked is not None:
        batch.blocked = blocked._replace(offset=offset)
        return False
    batch.rejections = rejections
    if isinstance(processed, DeadLetter):
        batch.dead_letters.append(processed)
    else:
        batch.skipped[processed.rejected.reason] += 1
    return True
