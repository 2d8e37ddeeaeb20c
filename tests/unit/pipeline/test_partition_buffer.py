"""The partition buffer: whatever happens, an offset is committable only when every record below it is settled."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.kafka.records import LogPosition
from consumer.model import Blocked, Chunk, DeadLetter, Pending, Rejected, WriteKey
from consumer.pipeline.batch import make_batch
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.rejections import NO_REJECTIONS, PartitionRejections
from tests.unit.pipeline.records import (
    DEVELOPMENT,
    LIMITS,
    MEMORY_BYTES,
    PRODUCTION,
    offsets_of,
    open_batch,
    process,
    record_of,
    undecodable,
)

KEYS = PRODUCTION, DEVELOPMENT
KINDS = st.sampled_from(["event", "event", "event", "other key", "large", "skip", "dead letter", "no write key"])


class PartitionBufferMachine(RuleBasedStateMachine):
    """A buffer under every schedule of reads, batches, splits, rejections and outcomes, and of keys that stall."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = PartitionBuffer(0)
        self.end = 0
        self.unsettled: set[int] = set()
        self.stalled: frozenset[WriteKey] = frozenset()
        self.sendable: list[Chunk] = []
        self.dead_letters: list[DeadLetter] = []
        self.accepted: dict[WriteKey, list[int]] = {key: [] for key in KEYS}

    @rule(kinds=st.lists(KINDS, min_size=1, max_size=9), gap=st.integers(0, 3))
    def read(self, kinds: list[str], gap: int) -> None:
        start = self.end + gap  # compaction and transaction markers leave gaps
        self.buffer.add([record_of(offset, kind) for offset, kind in enumerate(kinds, start)])
        self.end = start + len(kinds)
        self.unsettled.update(range(start, self.end))

    @rule(gap=st.integers(0, 3))
    def reach_the_end(self, gap: int) -> None:
        self.end += gap
        self.buffer.advance(self.end)

    @rule(keys=st.frozensets(st.sampled_from(KEYS), max_size=1))
    def stall(self, keys: frozenset[WriteKey]) -> None:
        self.stalled = keys

    @precondition(lambda self: self.buffer.is_ready(0.0, self.stalled))
    @rule()
    def open_batch(self) -> None:
        waiting = [record.offset for record in self.buffer.waiting_records]
        open_keys, open_offsets = set(self.buffer.chunks.keys), self.open_offsets()
        batch, sendable = open_batch(self.buffer, process, LIMITS)
        event_offsets = self.open_offsets() - open_offsets
        unsettled = event_offsets | {dead_letter.record.offset for dead_letter in batch.dead_letters}
        batch_offsets = set(waiting[: len(waiting) - self.buffer.waiting])
        assert unsettled <= batch_offsets
        assert len(batch_offsets) == len(unsettled) + batch.skipped.total() == batch.record_count
        assert len(event_offsets) <= LIMITS.events
        assert {chunk.key for chunk in sendable} == self.buffer.chunks.keys - open_keys
        self.unsettled -= batch_offsets - unsettled
        self.sendable += sendable
        self.dead_letters += batch.dead_letters

    @precondition(lambda self: self.sendable)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        chunk = self.sendable.pop(data.draw(st.integers(0, len(self.sendable) - 1)))
        self.accepted[chunk.key] += offsets_of(chunk)
        self.unsettled -= set(offsets_of(chunk))
        self._may_send(self.buffer.settle(chunk))

    @precondition(lambda self: any(len(chunk.events) > 1 for chunk in self.sendable))
    @rule()
    def split(self) -> None:
        chunk = next(chunk for chunk in self.sendable if len(chunk.events) > 1)
        self.sendable.remove(chunk)
        halves = chunk.halves()
        self.buffer.split(chunk, halves)
        self.sendable.append(halves[0])

    @precondition(lambda self: any(len(chunk.events) == 1 for chunk in self.sendable))
    @rule()
    def reject(self) -> None:
        chunk = next(chunk for chunk in self.sendable if len(chunk.events) == 1)
        self.sendable.remove(chunk)
        dead_letter = DeadLetter(chunk.events[0].record, Rejected("http_400", "delivery", ""))
        self.dead_letters.append(dead_letter)
        self._may_send(self.buffer.reject(chunk, dead_letter))

    @precondition(lambda self: self.dead_letters)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        dead_letter = self.dead_letters.pop(data.draw(st.integers(0, len(self.dead_letters) - 1)))
        assert self.buffer.confirm(dead_letter)
        self.unsettled.remove(dead_letter.record.offset)

    @precondition(lambda self: self.unsettled)
    @rule(data=st.data())
    def report_on_a_dead_letter_of_an_earlier_assignment(self, data: st.DataObject) -> None:
        """Its record may be one that is unsettled in this assignment as well."""
        record = record_of(data.draw(st.sampled_from(sorted(self.unsettled))))
        dead_letter, former_block = undecodable(record), self.buffer.block
        assert not self.buffer.confirm(dead_letter)
        assert not self.buffer.refuse(dead_letter, "dead_letter_too_large")
        assert self.buffer.block == former_block

    @invariant()
    def nothing_unsettled_is_below_the_committable_offset(self) -> None:
        committable = self.buffer.committable_offset
        if committable is not None:
            assert all(offset >= committable for offset in self.unsettled)
        if not self.unsettled and self.buffer.position is not None:
            assert committable == self.buffer.position == self.end

    @invariant()
    def every_record_is_in_one_place(self) -> None:
        assert self.buffer.waiting + self.buffer.in_flight == len(self.unsettled)
        assert self.buffer.unconfirmed_dead_letters == len(self.dead_letters)
        assert self.buffer.waiting_bytes == MEMORY_BYTES * self.buffer.waiting
        assert self.buffer.open_bytes == sum(chunk.memory_bytes for chunk in self.chunks())

    @invariant()
    def a_chunk_fits_into_a_request(self) -> None:
        for chunk in self.chunks():
            assert len(chunk.events) <= LIMITS.events
            assert chunk.body_bytes <= LIMITS.body_bytes or len(chunk.events) == 1

    @invariant()
    def a_chunk_knows_its_sizes(self) -> None:
        """However it was put together."""
        for chunk in self.chunks():
            assert chunk.body_bytes == sum(len(event.body) + 1 for event in chunk.events)
            assert chunk.memory_bytes == sum(len(event.body) + MEMORY_BYTES for event in chunk.events)

    @invariant()
    def order_is_kept_for_each_key(self) -> None:
        for offsets in self.accepted.values():
            assert offsets == sorted(offsets)
        assert len({chunk.key for chunk in self.sendable}) == len(self.sendable)

    def chunks(self) -> list[Chunk]:
        return list(self.buffer.chunks)

    def open_offsets(self) -> set[int]:
        return {offset for chunk in self.chunks() for offset in offsets_of(chunk)}

    def _may_send(self, chunk: Chunk | None) -> None:
        if chunk is not None:
            self.sendable.append(chunk)


TestPartitionBuffer = PartitionBufferMachine.TestCase


def test_a_record_that_blocks_stays_where_it_is() -> None:
    for kind, blocked in (("pending", Pending(7)), ("block", Blocked("undecodable"))):
        buffer = PartitionBuffer(0)
        buffer.add([record_of(0), record_of(1, kind), record_of(2)])
        (chunk,) = open_batch(buffer, process, LIMITS).sendable
        buffer.settle(chunk)
        assert (buffer.blocked, buffer.committable_offset, buffer.waiting) == (blocked, 1, 2)
        assert not buffer.is_ready(0)


def test_making_a_batch_changes_nothing_in_the_buffer_before_it_is_opened() -> None:
    """Also where a record stops the batch."""
    for last in ("event", "pending", "block", "large"):
        buffer = PartitionBuffer(0)
        buffer.add([record_of(offset, kind) for offset, kind in enumerate(["dead letter", "skip", "event", last])])
        make_batch(buffer.waiting_records, process, LIMITS, NO_REJECTIONS)
        assert [record.offset for record in buffer.waiting_records] == [0, 1, 2, 3]
        assert (buffer.waiting_bytes, buffer.open_bytes, buffer.in_flight) == (4 * MEMORY_BYTES, 0, 0)
        assert (buffer.blocked, buffer.rejections, buffer.committable_offset) == (None, PartitionRejections(), 0)
        assert buffer.is_ready(0)


def test_a_dead_letter_that_is_refused_blocks_the_partition_and_is_not_waited_for() -> None:
    buffer = PartitionBuffer(0)
    buffer.add([record_of(0, "dead letter"), record_of(1, "dead letter"), record_of(2)])
    refused, confirmed = open_batch(buffer, process, LIMITS).batch.dead_letters
    assert buffer.refuse(refused, "dead_letter_too_large")
    assert buffer.block == Blocked("dead_letter_too_large", offset=0)
    assert (buffer.unconfirmed_dead_letters, buffer.in_flight) == (1, 3)
    assert buffer.confirm(confirmed)
    assert (buffer.unconfirmed_dead_letters, buffer.committable_offset) == (0, 0)


def test_an_end_moves_the_position_forward_only() -> None:
    buffer = PartitionBuffer(0)
    for end, position in [(0, 0), (7, 7), (5, 7), (8, 8)]:
        buffer.advance(end)
        assert buffer.position == buffer.committable_offset == position


def test_the_epoch_of_a_position_is_that_of_the_last_record_before_it() -> None:
    """Without it, or with an older one, a log that lost records would not be noticed at the next assignment."""
    buffer = PartitionBuffer(0)
    buffer.add([record_of(0, "skip")._replace(leader_epoch=4), record_of(1, "skip")._replace(leader_epoch=5)])
    assert buffer.committable == LogPosition(0, 4)
    open_batch(buffer, process, LIMITS)
    assert buffer.committable == LogPosition(2, 5)
    buffer.advance(2)  # the end of the partition, with nothing in between
    assert buffer.committable == LogPosition(2, 5)
    buffer.advance(3)
    assert buffer.committable == LogPosition(3, -1)
