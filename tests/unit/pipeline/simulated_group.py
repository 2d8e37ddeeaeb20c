"""The simulated group: which records it gives to read, and which commits it accepts, at once or later."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.kafka.records import OffsetReset, ReadResult
from consumer.model import Record
from tests.unit.pipeline.ledger import Offset, PipelineLedger, RecordPlace


class SimulatedClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class SentCommit(NamedTuple):
    """A commit on its way: what is committed, and in which assignment of its partition."""

    offsets: Mapping[int, Offset]
    assignments: Mapping[int, int]


class SimulatedGroup:
    """The consumer. Rebalances happen in `read`, as with the real client."""

    is_group_member = True

    def __init__(self, ledger: PipelineLedger, clock: SimulatedClock) -> None:
        self.ledger, self._clock = ledger, clock
        self.position: dict[int, Offset] = {}
        self.commits = {"ok": 0, "failed": 0}
        self.paused: set[int] = set()
        self.refusals = self.lost = 0
        self.is_slow = False  # to answer commits
        self.goes_on = True  # where the next record to read was deleted
        self.sent: list[SentCommit] = []
        self.rebalances: list[Callable[[], None]] = []
        self.on_assign: Callable[[Sequence[int]], None]
        self.on_revoke: Callable[[Sequence[int]], None]
        self.on_lost: Callable[[Sequence[int]], None]
        self._stored: dict[int, Offset] = {}
        self._unread: set[int] = set()  # because their offset is lost

    def subscribe(self, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def assign(self, partition: int) -> None:
        self.ledger.assignment[partition] += 1
        self.position[partition] = Offset(self.ledger.topic(partition), self.ledger.begin(partition))
        self.on_assign([partition])

    def revoke(self, partition: int, lost: bool) -> None:
        if lost:
            self.on_lost([partition])
        else:
            self.on_revoke([partition])
        self.position.pop(partition)
        self._stored.pop(partition, None)
        self.paused.discard(partition)
        self._unread.discard(partition)
        self.ledger.assignment[partition] += 1

    def read(self, limit: int, timeout: float) -> ReadResult:
        while self.rebalances:
            self.rebalances.pop(0)()
        records: dict[int, list[Record]] = {}
        ends: dict[int, int] = {}
        recreated = [number for number, (topic, _) in self.position.items() if topic != self.ledger.topic(number)]
        read = self.position.keys() - self._unread - self.paused
        resets = [self._reset(partition) for partition in read - set(recreated) if self._is_lost(partition)]
        for partition in read - {reset.partition for reset in resets}:
            topic, begin = self.position[partition]  # of a recreated topic, the last records of the old one still come
            end = len(self.ledger.topics[partition][topic])
            if begin < end:
                records[partition] = [
                    Record(partition, offset, topic, None, b"", (), self._clock(), 100) for offset in range(begin, end)
                ]
                self.position[partition] = Offset(topic, end)
            if partition not in recreated:
                ends[partition] = end
        for partition in recreated:
            self.position[partition] = Offset(self.ledger.topic(partition), 0)
            self._unread.discard(partition)
            self.paused.discard(partition)
        return ReadResult(records, ends, resets, recreated)

    def store(self, offsets: Mapping[int, int]) -> None:
        owned = {partition: offset for partition, offset in offsets.items() if partition in self.position}
        self._stored |= {
            partition: Offset(self.position[partition].topic, offset) for partition, offset in owned.items()
        }

    def commit(self, wait: bool = False) -> None:
        """What is stored is sent with each commit until one is accepted."""
        if self.refusals:
            self.refusals -= 1
            return
        new = {partition: to for partition, to in self._stored.items() if to > self.ledger.committed[partition]}
        for partition, to in new.items():
            self.ledger.check(partition, to)
        if new:
            self.sent.append(SentCommit(new, dict(self.ledger.assignment)))
        while self.sent and (wait or not self.is_slow):
            self.answer_commit(True)

    def answer_commit(self, is_accepted: bool) -> None:
        """The broker's answer to the first commit on its way; one of an assignment that is over is refused."""
        offsets, assignments = self.sent.pop(0)
        for partition, to in offsets.items():
            if is_accepted and self.ledger.assignment[partition] == assignments[partition]:
                self.ledger.commit(partition, to)

    def pause(self, partitions: Iterable[int]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self.paused -= set(partitions)

    def restart(self, partition: int) -> None:
        pass

    def end_offset(self, partition: int) -> int:
        return len(self.ledger.log(partition))

    def _is_lost(self, partition: int) -> bool:
        return self.position[partition].offset < self.ledger.low[partition]

    def _reset(self, partition: int) -> OffsetReset:
        topic, expected = self.position[partition]
        low, end = self.ledger.low[partition], self.end_offset(partition)
        self.lost += low - expected
        if self.goes_on:
            self.ledger.deleted |= {RecordPlace(partition, topic, offset) for offset in range(expected, low)}
            self.position[partition] = Offset(topic, low)
        else:
            self._unread.add(partition)
        return OffsetReset(partition, expected, low, end, self.goes_on)
