"""The open chunks of one partition: which of them may be sent now, and which wait behind another one of their key."""

from collections import deque
from collections.abc import Iterator, Sequence, Set

from consumer.model import Chunk, Record, WriteKey
from consumer.pipeline.batch import BatchLimits


class OpenChunks:
    """
    Of each write key only the first chunk may be sent, so the events of a key arrive in their order.

    While a chunk is replaced by its halves, both are here. So an exception in between makes no record look settled.
    """

    def __init__(self) -> None:
        self._queues: dict[WriteKey, deque[Chunk]] = {}
        self.memory_bytes = 0

    def __iter__(self) -> Iterator[Chunk]:
        return (chunk for queue in self._queues.values() for chunk in queue)

    @property
    def keys(self) -> Set[WriteKey]:
        """The write keys that have open chunks."""
        return self._queues.keys()

    @property
    def events(self) -> int:
        return sum(len(chunk.events) for chunk in self)

    @property
    def oldest_records(self) -> list[Record]:
        """The record of the oldest open event of each write key."""
        return [queue[0].events[0].record for queue in self._queues.values() if queue]

    def append(self, chunk: Chunk, limits: BatchLimits) -> bool:
        """
        Put the chunk behind the open ones of its key; whether there are none, so that it may be sent now.

        It becomes a part of the last one if both together are within the limits of a batch.
        """
        self.memory_bytes += chunk.memory_bytes
        queue = self._queues.setdefault(chunk.key, deque())
        if len(queue) > 1 and _fits_behind(queue[-1], chunk, limits):  # the first one may be in flight
            queue[-1] = queue[-1].append(chunk)
        else:
            queue.append(chunk)
        return len(queue) == 1

    def remove(self, chunk: Chunk) -> Chunk | None:
        """The chunk is settled; the chunk of its key that may be sent now, if there is one."""
        queue = self._queue_of(chunk)
        queue.popleft()
        self.memory_bytes -= chunk.memory_bytes
        if queue:
            return queue[0]
        del self._queues[chunk.key]
        return None

    def split(self, chunk: Chunk, halves: Sequence[Chunk]) -> None:
        """Replace the chunk by its halves, of which the first may be sent now."""
        queue = self._queue_of(chunk)
        queue.extendleft(reversed(halves))
        del queue[len(halves)]

    def _queue_of(self, chunk: Chunk) -> deque[Chunk]:
        """The open chunks of its key, of which it is the first."""
        queue = self._queues[chunk.key]
        assert queue[0] is chunk, "only the first chunk of a key is in flight"
        return queue


def _fits_behind(last: Chunk, chunk: Chunk, limits: BatchLimits) -> bool:
    if last.is_half:
        return False
    events = len(last.events) + len(chunk.events)
    return events <= limits.events and last.body_bytes + chunk.body_bytes <= limits.body_bytes
