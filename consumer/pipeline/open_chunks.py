"""The open chunks of one partition: which of them may be sent now, and which wait behind another one of their key."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence, Set

from consumer.model import Chunk, Record, WriteKey
from consumer.pipeline.batch import BatchLimits


class OpenChunks:
    """
    Of each write key only the first chunk may be sent, so the events of a key arrive in their order.

    The first chunk may be passed if its one event is denied: then the chunk behind it is the one that may be sent. A
    passed chunk is sent again if nothing is left behind it, or if all of the key return, before a chunk behind them was
    accepted.

    While a chunk is replaced by its halves, both are here. So an exception in between makes no record look settled.
    """

    def __init__(self) -> None:
        self._queues: dict[WriteKey, deque[Chunk]] = {}
        self._passed: Counter[WriteKey] = Counter()  # how many chunks of the key, from its first one on
        self.memory_bytes = 0
        self.bypassed_since: float | None = None  # since when keys may deliver past another, in monotonic seconds

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
        queue, passed = self._queues.setdefault(chunk.key, deque()), self._passed[chunk.key]
        if len(queue) > passed + 1 and _fits_behind(queue[-1], chunk, limits):  # the first of them may be in flight
            queue[-1] = queue[-1].append(chunk)
        else:
            queue.append(chunk)
        return len(queue) == passed + 1

    def note_batch(self, now: float) -> None:
        """A batch was opened. Behind chunks of the same key it delivers nothing before they are decided."""
        if len(self._queues) > 1 and self.bypassed_since is None:
            self.bypassed_since = now

    def remove(self, chunk: Chunk) -> Chunk | None:
        """The chunk is settled; the chunk of its key that may be sent now, if there is one that could not before."""
        key, queue = chunk.key, self._queues[chunk.key]
        place, passed = queue.index(chunk), self._passed[key]
        assert place <= passed, "only one chunk of a key is in flight"
        del queue[place]
        self.memory_bytes -= chunk.memory_bytes
        if not queue:
            del self._queues[key]
        if not self._queues:
            self.bypassed_since = None
        if place < passed:
            self._passed[key] -= 1
            return None
        if queue and len(queue) == passed:  # the chunk behind the passed ones did not show what is denied
            self._passed[key] -= 1
        return self._sendable(key)

    def split(self, chunk: Chunk, halves: Sequence[Chunk]) -> None:
        """Replace the chunk by its halves, of which the first may be sent now."""
        queue, place = self._queue_of(chunk), self._passed[chunk.key]
        for half in reversed(halves):
            queue.insert(place + 1, half)
        del queue[place]

    def pass_over(self, chunk: Chunk) -> Chunk:
        """Go on behind this chunk if there is another; the chunk that may be sent now."""
        if len(self._queue_of(chunk)) > self._passed[chunk.key] + 1:
            self._passed[chunk.key] += 1
        return self._sendable(chunk.key) or chunk

    def return_passed(self, key: WriteKey) -> Chunk:
        """Nothing of the key is passed any more; the chunk that may be sent now."""
        self._passed[key] = 0
        return self._queues[key][0]

    def _sendable(self, key: WriteKey) -> Chunk | None:
        queue, passed = self._queues.get(key, ()), self._passed[key]
        return queue[passed] if len(queue) > passed else None

    def _queue_of(self, chunk: Chunk) -> deque[Chunk]:
        """The open chunks of its key, of which it is the one that may be sent."""
        queue = self._queues[chunk.key]
        assert queue[self._passed[chunk.key]] is chunk, "only one chunk of a key is in flight"
        return queue


def _fits_behind(last: Chunk, chunk: Chunk, limits: BatchLimits) -> bool:
    if last.is_half:
        return False
    events = len(last.events) + len(chunk.events)
    return events <= limits.events and last.body_bytes + chunk.body_bytes <= limits.body_bytes
