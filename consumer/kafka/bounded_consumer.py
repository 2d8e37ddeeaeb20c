"""A group's source that ends where its topic ended when it was started."""

from collections.abc import Mapping
from typing import Any

from consumer.kafka.consumer import Source
from consumer.kafka.read import Read


class BoundedSource(Source):
    """Nothing that was written after the start is read, so what it makes its readers write never comes round again."""

    def __init__(self, config: Mapping[str, Any], topic: str, ends: Mapping[int, int]) -> None:
        """`ends`: by partition, the offset before which it ends."""
        super().__init__(config, topic, from_beginning=True)
        self._ends = ends
        self._settled: dict[int, int] = {}
        self.done = False
        """Whether all that is to be read of this member's partitions is settled, and stored."""

    def read(self, limit: int, timeout: float) -> Read:
        read = super().read(limit, timeout)
        within = {
            number: [message for message in messages if message.offset < self._end(number)]
            for number, messages in read.messages.items()
        }
        beyond = {number for number, messages in read.messages.items() if len(within[number]) < len(messages)}
        ends = {number: self._end(number) for number in {*read.ends, *beyond}}
        return Read({number: messages for number, messages in within.items() if messages}, ends, read.resets)

    def store(self, offsets: Mapping[int, int]) -> None:
        super().store(offsets)
        self._settled |= offsets
        ours = [part.partition for part in self._consumer.assignment()]
        self.done = bool(ours) and all(self._settled.get(number, -1) >= self._end(number) for number in ours)

    def _end(self, partition: int) -> int:
        return self._ends.get(partition, 0)
