"""The simulated group: what it gives to read, and which commits it takes, at once or by and by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.kafka.read import Read
from consumer.kafka.start_offsets import Reset
from consumer.model import Message
from tests.unit.pipeline.ledger import Books, Offset, Place


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sent(NamedTuple):
    """A commit on its way: what is committed, and in which assignment of its partition."""

    offsets: Mapping[int, Offset]
    assignments: Mapping[int, int]


class Group:
    """The source. Rebalances happen in `read`, as with the real client."""

    joined = True

    def __init__(self, books: Books, clock: Clock) -> None:
        self.books, self._clock = books, clock
        self.position: dict[int, Offset] = {}
        self.commits = {"ok": 0, "failed": 0}
        self.paused: set[int] = set()
        self.refusals = self.lost = 0
        self.is_slow = False  # to answer commits
        self.goes_on = True  # where what it had to read next was deleted
        self.sent: list[Sent] = []
        self.rebalances: list[Callable[[], None]] = []
        self.on_assign: Callable[[Sequence[int]], None]
        self.on_revoke: Callable[[Sequence[int]], None]
        self.on_lost: Callable[[Sequence[int]], None]
        self._stored: dict[int, Offset] = {}
        self._unread: set[int] = set()  # as their offset is lost

    def subscribe(self, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def assign(self, partition: int) -> None:
        self.books.assignment[partition] += 1
        self.position[partition] = Offset(self.books.topic(partition), self.books.begin(partition))
        self.on_assign([partition])

    def revoke(self, partition: int, lost: bool) -> None:
        (self.on_lost if lost else self.on_revoke)([partition])
        self.position.pop(partition)
        self._stored.pop(partition, None)
        self.paused.discard(partition)
        self._unread.discard(partition)
        self.books.assignment[partition] += 1

    def read(self, limit: int, timeout: float) -> Read:
        while self.rebalances:
            self.rebalances.pop(0)()
        messages: dict[int, list[Message]] = {}
        ends: dict[int, int] = {}
        remade = [part for part, (topic, _) in self.position.items() if topic != self.books.topic(part)]
        read = self.position.keys() - self._unread - self.paused
        resets = [self._reset(partition) for partition in read - set(remade) if self._is_lost(partition)]
        for partition in read - {reset.partition for reset in resets}:
            topic, begin = self.position[partition]  # of one made again the old one's last records still come
            end = len(self.books.topics[partition][topic])
            if begin < end:
                those = range(begin, end)
                made = [Message(partition, offset, topic, None, b"", (), self._clock(), 100) for offset in those]
                messages[partition], self.position[partition] = made, Offset(topic, end)
            if partition not in remade:
                ends[partition] = end
        for partition in remade:
            self.position[partition] = Offset(self.books.topic(partition), 0)
            self._unread.discard(partition)
            self.paused.discard(partition)
        return Read(messages, ends, resets, remade)

    def store(self, offsets: Mapping[int, int]) -> None:
        mine = {partition: offset for partition, offset in offsets.items() if partition in self.position}
        self._stored |= {
            partition: Offset(self.position[partition].topic, offset) for partition, offset in mine.items()
        }

    def commit(self, wait: bool = False) -> None:
        """What is stored goes again with each commit until one is taken."""
        if self.refusals:
            self.refusals -= 1
            return
        new = {partition: to for partition, to in self._stored.items() if to > self.books.committed[partition]}
        for partition, to in new.items():
            self.books.check(partition, to)
        if new:
            self.sent.append(Sent(new, dict(self.books.assignment)))
        while self.sent and (wait or not self.is_slow):
            self.answer_commit(True)

    def answer_commit(self, taken: bool) -> None:
        """The broker's answer to the first commit on its way; one of an assignment that is over is refused."""
        offsets, assignments = self.sent.pop(0)
        for partition, to in offsets.items():
            if taken and self.books.assignment[partition] == assignments[partition]:
                self.books.commit(partition, to)

    def pause(self, partitions: Iterable[int]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self.paused -= set(partitions)

    def begin_again(self, partition: int) -> None:
        pass

    def end(self, partition: int) -> int:
        return len(self.books.log(partition))

    def _is_lost(self, partition: int) -> bool:
        return self.position[partition].offset < self.books.low[partition]

    def _reset(self, partition: int) -> Reset:
        topic, expected = self.position[partition]
        low, end = self.books.low[partition], self.end(partition)
        self.lost += low - expected
        if self.goes_on:
            self.books.deleted |= {Place(partition, topic, offset) for offset in range(expected, low)}
            self.position[partition] = Offset(topic, low)
        else:
            self._unread.add(partition)
        return Reset(partition, expected, low, end, self.goes_on)
