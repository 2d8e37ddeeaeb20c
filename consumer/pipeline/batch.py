"""The next batch of a partition: what its first waiting records become."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from consumer.model import Blocked, Chunk, DeadLetter, Pending, ProcessedRecord, Record, Skipped, TrackEvent, WriteKey
from consumer.reasons import BlockReason, Reason

ProcessRecord = Callable[[Record], ProcessedRecord]


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The limits of one batch: events, bytes of their bodies, and rejected records in a row before it blocks."""

    events: int
    body_bytes: int
    consecutive_dead_letters: int


@dataclass(slots=True)
class Batch:
    """
    What the first `record_count` waiting records of a partition became.

    `blocked` says why the record behind them cannot be part of a batch, None if it can. `consecutive_dead_letters` is
    how many records in a row were rejected up to here, records of earlier batches included.
    """

    consecutive_dead_letters: int
    record_count: int = 0
    events: dict[WriteKey, list[TrackEvent]] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    blocked: Pending | Blocked | None = None

    def chunks(self, partition: int) -> list[Chunk]:
        """A chunk for each write key."""
        return [Chunk.of(partition, key, tuple(events)) for key, events in self.events.items()]


def make_batch(
    records: Iterable[Record], process: ProcessRecord, limits: BatchLimits, consecutive_dead_letters: int
) -> Batch:
    """
    Process records until the batch is full, a record cannot be passed, or no record is left.

    Nothing but the batch is changed, so a record that is not part of it is processed again with the next batch.
    """
    batch = Batch(consecutive_dead_letters)
    event_count = body_bytes = 0
    for record in records:
        processed = process(record)
        if isinstance(processed, TrackEvent):
            body_bytes += len(processed.body) + 1
            if body_bytes > limits.body_bytes and event_count:
                break
            event_count += 1
            batch.events.setdefault(processed.key, []).append(processed)
            batch.consecutive_dead_letters = 0
        elif isinstance(processed, Skipped):
            batch.skipped[processed.reason] += 1
        elif isinstance(processed, DeadLetter):
            if not _add_dead_letter(batch, processed, limits):
                break
        else:
            batch.blocked = processed
            break
        batch.record_count += 1
        if event_count == limits.events:
            break
    return batch


def _add_dead_letter(batch: Batch, dead_letter: DeadLetter, limits: BatchLimits) -> bool:
    """Whether the dead letter is part of the batch; False if it is one too many, which blocks the partition."""
    # A missing write key is a wrong setting and says nothing about the stream, so it is not counted.
    if dead_letter.rejected.reason != Reason.NO_WRITE_KEY:
        batch.consecutive_dead_letters += 1
    if batch.consecutive_dead_letters > limits.consecutive_dead_letters:
        batch.blocked = Blocked(BlockReason.DEAD_LETTER_LIMIT)
        return False
    batch.dead_letters.append(dead_letter)
    return True
