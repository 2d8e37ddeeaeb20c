"""The buffer of one partition: its unsettled records, from its assignment to its revocation."""

from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter

from consumer.kafka.records import LogPosition, Progress
from consumer.model import Blocked, Chunk, DeadLetter, Pending, Record, WriteKey
from consumer.pipeline.batch import Batch, BatchLimits
from consumer.pipeline.open_chunks import OpenChunks
from consumer.pipeline.rejections import ENDED_BY_SUCCESS, PartitionRejections
from consumer.reasons import BlockReason

_offset = attrgetter("offset")

MAX_BYPASS_SECONDS = 12 * 3600.0
"""
How long a partition goes on past a stalled write key. What it delivers meanwhile is sent again after a restart, and
Segment recognises repeats for about a day.
"""


class PartitionBuffer:
    """
    Records enter in the order of their offsets, and everything below `committable_offset` is settled.

    Each unsettled record is in exactly one place: waiting, in an open chunk, or in an open dead letter. One batch is
    open at a time, and further ones only past write keys that stall. Of the open chunks only the first of each write
    key may be sent. So order is kept, and the committable offset is computed and not tracked.

    While a record changes its place, it is in both. So an exception in between makes no record look settled.
    """

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self._end: LogPosition | None = None  # behind the last record that was read
        self.blocked: Pending | Blocked | None = None
        self.unreadable_at: int | None = None  # the client cannot unpack what comes next
        self.waiting_bytes = 0  # of memory
        self._waiting: deque[Record] = deque()
        self.chunks = OpenChunks()
        self._dead_letters: set[DeadLetter] = set()
        self._refused_dead_letters: set[DeadLetter] = set()
        self.rejections = PartitionRejections()

    @property
    def position(self) -> int | None:
        """The offset behind the last record that was read, None before anything was read."""
        if self._end is None:
            return None
        return self._end.offset

    @property
    def oldest(self) -> Record | None:
        """The unsettled record with the lowest offset, if any is unsettled."""
        unsettled = self.chunks.oldest_records
        unsettled += [dead_letter.record for dead_letter in self._dead_letters]
        if self._waiting:
            unsettled.append(self._waiting[0])
        return min(unsettled, key=_offset, default=None)

    @property
    def committable(self) -> LogPosition | None:
        """What may be committed: the place of the oldest unsettled record. None before anything was read."""
        if self._end is None:
            return None
        return self._committable_before(self._end)

    @property
    def committable_offset(self) -> int | None:
        """The offset that may be committed, None before anything was read."""
        committable = self.committable
        if committable is None:
            return None
        return committable.offset

    @property
    def progress(self) -> Progress | None:
        """What is settled of the partition. None before anything was read."""
        if self._end is None:
            return None
        end = self._waiting[0].offset if self._waiting else self._end.offset
        opened = [event.record for chunk in self.chunks for event in chunk.events]
        opened += [dead_letter.record for dead_letter in self._dead_letters]
        offsets = frozenset(record.offset for record in opened)
        return Progress(self._committable_before(self._end), end, offsets)

    def _committable_before(self, end: LogPosition) -> LogPosition:
        oldest = self.oldest
        if oldest is None:
            return end
        return LogPosition(oldest.offset, oldest.leader_epoch)

    @property
    def open_bytes(self) -> int:
        """The memory of the open chunks."""
        return self.chunks.memory_bytes

    @property
    def waiting(self) -> int:
        """How many records wait to be made into events."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """How many records are in open chunks and open dead letters."""
        return self.chunks.events + len(self._dead_letters)

    @property
    def unconfirmed_dead_letters(self) -> int:
        """How many dead letters the topic may still confirm."""
        return len(self._dead_letters) - len(self._refused_dead_letters)

    @property
    def block(self) -> Blocked | None:
        """Why the partition is blocked until an operator acts; None if it is not."""
        if isinstance(self.blocked, Blocked):
            return self.blocked
        if self.unreadable_at is not None:
            return Blocked(BlockReason.UNREADABLE_BATCH, offset=self.unreadable_at)
        return None

    @property
    def waits_for_restart(self) -> bool:
        """Whether the partition is blocked until the next start, whatever happens meanwhile."""
        return isinstance(self.blocked, Blocked) and self.blocked.reason not in ENDED_BY_SUCCESS

    @property
    def waiting_records(self) -> Iterable[Record]:
        """The records that wait, in the order of their offsets."""
        return self._waiting

    def is_ready(self, now: float, stalled: frozenset[WriteKey] = frozenset()) -> bool:
        """Whether the next batch may be opened: all that is open waits for stalled keys, not bypassed for too long."""
        if not self._waiting or self._dead_letters or self.blocked is not None:
            return False
        bypassed_since = now if self.chunks.bypassed_since is None else self.chunks.bypassed_since
        return self.chunks.keys <= stalled and now - bypassed_since < MAX_BYPASS_SECONDS

    def add(self, records: Sequence[Record]) -> None:
        """Take in records that were just read, at least one, in the order of their offsets."""
        self._waiting.extend(records)
        self.waiting_bytes += sum([record.memory_bytes for record in records])
        self._end = LogPosition(records[-1].offset + 1, records[-1].leader_epoch)
        self.unreadable_at = None

    def advance(self, offset: int) -> None:
        """Nothing is left to read below `offset`: the partition's end, past transaction markers and compacted gaps."""
        if self._end is None or offset > self._end.offset:
            self._end = LogPosition(offset)  # without an epoch: a marker of a later leader can be between
        self.unreadable_at = None

    def open(self, batch: Batch, limits: BatchLimits, now: float) -> list[Chunk]:
        """Open a batch that was made of the first waiting records; the chunks that may be sent now."""
        self.blocked = batch.blocked
        self.rejections = batch.rejections.of_partition
        self._dead_letters.update(batch.dead_letters)
        sendable = []
        for chunk in batch.chunks(self.partition):
            if self.chunks.append(chunk, limits):
                sendable.append(chunk)  # noqa: PERF401 - a comprehension would hide the side effect
        self.chunks.note_batch(now)
        for _ in range(batch.record_count):
            self.waiting_bytes -= self._waiting.popleft().memory_bytes
        return sendable

    def settle(self, chunk: Chunk) -> Chunk | None:
        """The chunk is settled; the chunk that may be sent now, if there is one."""
        return self.chunks.remove(chunk)

    def split(self, chunk: Chunk, halves: Sequence[Chunk]) -> None:
        """Replace the chunk by its halves, of which the first may be sent now."""
        self.chunks.split(chunk, halves)

    def reject(self, chunk: Chunk, dead_letter: DeadLetter) -> Chunk | None:
        """The one event of this chunk becomes a dead letter; the chunk that may be sent now, if there is one."""
        self._dead_letters.add(dead_letter)
        return self.settle(chunk)

    def confirm(self, dead_letter: DeadLetter) -> bool:
        """The dead-letter topic holds this dead letter. False if it is of an earlier assignment and does not count."""
        if dead_letter not in self._dead_letters:
            return False
        self._dead_letters.remove(dead_letter)
        return True

    def refuse(self, dead_letter: DeadLetter, reason: str) -> bool:
        """The topic will never accept this dead letter. False if it is of an earlier assignment and does not count."""
        if dead_letter not in self._dead_letters:
            return False
        self._refused_dead_letters.add(dead_letter)
        self.blocked = Blocked(reason, offset=dead_letter.record.offset)
        return True
