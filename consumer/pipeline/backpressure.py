"""Backpressure: how much each partition may buffer, and at how much it is paused and resumed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.partition_buffer import PartitionBuffer

MAX_WAITING_BATCHES = 4  # a buffer with that many is paused, and resumed with half of them


@dataclass(frozen=True, slots=True)
class BufferLimits:
    """
    `batch` is the most that a partition opens at once, and all buffers together share `memory_bytes`.

    Each buffer has the same share of the memory: half of it for waiting records, half of it for open chunks.
    """

    batch: BatchLimits
    memory_bytes: int

    def batch_limits(self, buffer: PartitionBuffer, buffers: int) -> BatchLimits:
        """The limits of the next batch of this one of `buffers` buffers."""
        body_bytes = min(self.batch.body_bytes, self._half_share(buffers) - buffer.open_bytes)
        return BatchLimits(self.batch.events, body_bytes, self.batch.rejections)

    def may_open_batch(self, buffer: PartitionBuffer, buffers: int) -> bool:
        """Whether there is memory for another open chunk."""
        return buffer.open_bytes < self._half_share(buffers)

    def has_full_batch(self, buffer: PartitionBuffer, buffers: int) -> bool:
        return self._holds(buffer, 1, self._half_share(buffers))

    def over_limit(self, buffers: Collection[PartitionBuffer]) -> Sequence[int]:
        """The partitions to pause."""
        count = len(buffers)
        return [
            buffer.partition for buffer in buffers if self._holds(buffer, MAX_WAITING_BATCHES, self._half_share(count))
        ]

    def below_resume_threshold(self, buffers: Collection[PartitionBuffer]) -> Sequence[int]:
        """The partitions to resume. In between a partition stays as it is, because each resume costs a download."""
        count = len(buffers)
        return [
            buffer.partition
            for buffer in buffers
            if not self._holds(buffer, MAX_WAITING_BATCHES // 2, self._half_share(count) // 2)
        ]

    def _half_share(self, buffers: int) -> int:
        return self.memory_bytes // buffers // 2

    def _holds(self, buffer: PartitionBuffer, batches: int, memory_bytes: int) -> bool:
        """Whether so many batches, or so many bytes, of records wait."""
        return buffer.waiting >= batches * self.batch.events or buffer.waiting_bytes >= memory_bytes
