"""The buffers of all assigned partitions: whose turn it is to open a batch, and what may be committed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from consumer.kafka.records import LogPosition, Progress
from consumer.model import Blocked, Pending, WriteKey
from consumer.pipeline.backpressure import BufferLimits
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.rejections import ENDED_BY_SUCCESS, MemberRejections


class PartitionBuffers:
    """
    One buffer for each assigned partition, and no other.

    `_turn_order` says which partition may open a batch first: the one whose last batch is the longest ago. It is
    replaced and never changed, so that an error at any line leaves it whole. `_due_at` says from when on buffers with
    less than a batch may open one, in monotonic seconds.
    """

    def __init__(self, limits: BufferLimits, linger: float) -> None:
        """`linger`: seconds from a request with less than a batch of records to the next one."""
        self._limits, self._linger = limits, linger
        self._due_at = float("-inf")
        self._buffers: dict[int, PartitionBuffer] = {}
        self._turn_order: list[int] = []

    def __iter__(self) -> Iterator[PartitionBuffer]:
        return iter(self._buffers.values())

    def __len__(self) -> int:
        return len(self._buffers)

    def __getitem__(self, partition: int) -> PartitionBuffer:
        return self._buffers[partition]

    def get(self, partition: int) -> PartitionBuffer | None:
        return self._buffers.get(partition)

    @property
    def partitions(self) -> list[int]:
        return list(self._buffers)

    @property
    def blocked(self) -> Mapping[int, Blocked]:
        """The partitions that are blocked until an operator acts, with the reason."""
        return {buffer.partition: buffer.block for buffer in self if buffer.block}

    def assign(self, partitions: Iterable[int]) -> None:
        """Begin with an empty buffer for each of these partitions, which have none."""
        for partition in partitions:
            self._buffers[partition] = PartitionBuffer(partition)
            self._turn_order = [*self._turn_order, partition]

    def drop(self, partitions: Iterable[int]) -> int:
        """Forget these partitions, because another member owns them now; how many of their records were unsettled."""
        unsettled = 0
        for partition in partitions:
            buffer = self._buffers.pop(partition, None)
            if buffer is not None:
                unsettled += buffer.waiting + buffer.in_flight
                self._turn_order = self._turns_of_others(partition)
        return unsettled

    def advance(self, ends: Mapping[int, int]) -> None:
        """Nothing is left to read below these ends, by partition."""
        for partition, end in ends.items():
            if partition in self._buffers:
                self._buffers[partition].advance(end)

    def unblock(self, is_pending: Callable[[object], bool]) -> None:
        """Let a partition go on if the schema that it waits for is known by now."""
        for buffer in self:
            if isinstance(buffer.blocked, Pending) and not is_pending(buffer.blocked.schema):
                buffer.blocked = None

    def resume(self, rejections: MemberRejections) -> Mapping[int, Blocked]:
        """End the blocks for rejected records of the whole member if it may reject more; the blocks that ended."""
        if not rejections.may_reject_more(self._limits.batch.rejections):
            return {}
        ended = {partition: block for partition, block in self.blocked.items() if block.reason in ENDED_BY_SUCCESS}
        for partition in ended:
            self._buffers[partition].blocked = None
        return ended

    def batch_limits(self, buffer: PartitionBuffer) -> BatchLimits:
        """The limits of this partition's next batch, so that all buffers together stay within the memory."""
        return self._limits.batch_limits(buffer, len(self))

    def full(self, now: float, stalled: frozenset[WriteKey]) -> Sequence[PartitionBuffer]:
        """The buffers that have a whole batch to open."""
        return [buffer for buffer in self._ready(now, stalled) if self._limits.has_full_batch(buffer, len(self))]

    def due(self, now: float, stalled: frozenset[WriteKey]) -> Sequence[PartitionBuffer]:
        """All buffers with less than a batch, once the last request of such buffers is a linger ago: they share one."""
        if now < self._due_at:
            return []
        return [buffer for buffer in self._ready(now, stalled) if not self._limits.has_full_batch(buffer, len(self))]

    def start_linger(self, now: float) -> None:
        """Buffers that were due have events to send; the next ones are due a linger later."""
        self._due_at = now + self._linger

    def seconds_until_due(self, now: float, at_most: float) -> float:
        """Seconds until the records that wait are due: `at_most` at most, a millisecond at least."""
        if not any(buffer.is_ready(now) for buffer in self):
            return at_most
        return max(0.001, min(at_most, self._due_at - now))

    def move_to_end(self, partition: int) -> None:
        """The other partitions open their batches first next time."""
        self._turn_order = [*self._turns_of_others(partition), partition]

    def over_limit(self) -> Sequence[int]:
        """The partitions to pause."""
        return self._limits.over_limit(self._buffers.values())

    def below_resume_threshold(self) -> Sequence[int]:
        """The partitions to resume."""
        return self._limits.below_resume_threshold(self._buffers.values())

    def committable(self, partitions: Iterable[int]) -> dict[int, LogPosition]:
        """What may be committed of these partitions, as far as anything of them was read."""
        positions: dict[int, LogPosition] = {}
        for partition in partitions:
            buffer = self._buffers.get(partition)
            position = buffer.committable if buffer is not None else None
            if position is not None:
                positions[partition] = position
        return positions

    def progress(self, partitions: Iterable[int]) -> dict[int, Progress]:
        """What is settled of these partitions, as far as anything of them was read."""
        progress: dict[int, Progress] = {}
        for partition in partitions:
            buffer = self._buffers.get(partition)
            of_partition = buffer.progress if buffer is not None else None
            if of_partition is not None:
                progress[partition] = of_partition
        return progress

    def _turns_of_others(self, partition: int) -> list[int]:
        return [other for other in self._turn_order if other != partition]

    def _ready(self, now: float, stalled: frozenset[WriteKey]) -> Sequence[PartitionBuffer]:
        ready = []
        for partition in self._turn_order:
            buffer = self._buffers[partition]
            if buffer.is_ready(now, stalled) and self._limits.may_open_batch(buffer, len(self)):
                ready.append(buffer)
        return ready
