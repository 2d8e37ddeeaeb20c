"""The simulated group: which records it gives to read, and which commits it accepts, at once or later."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from consumer.kafka.known_brokers import KnownBrokers
from consumer.kafka.records import LogPosition, OffsetReset, Progress, ReadResult
from consumer.model import Record
from consumer.waits import Wait
from tests.unit.pipeline.ledger import Offset, PipelineLedger, RecordPlace


class SimulatedClock:
    """Like a real clock it shows no time twice, so that of two outcomes each knows which came first."""

    now = 1000.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


class SentCommit(NamedTuple):
    """A commit on its way: what is committed, and in which assignment of its partition."""

    offsets: Mapping[int, Offset]
    assignments: Mapping[int, int]


class KeptProgress(NamedTuple):
    """What was settled when the partition was lost. `known`: what the group may have committed by then."""

    topic: int
    progress: Progress
    known: Set[Offset]


class SimulatedGroup:
    """The consumer. Rebalances happen in `read`, as with the real client."""

    is_group_member = True

    def last_error(self, since: float) -> str:
        return ""

    def __init__(self, ledger: PipelineLedger) -> None:
        self.known_brokers = KnownBrokers()
        self.ledger = ledger
        self.position: dict[int, Offset] = {}
        self.topics: dict[int, int] = {}  # of the offsets that are committed
        self.commits = {"ok": 0, "failed": 0}
        self.waits: Sequence[Wait] = ()
        self.paused: set[int] = set()
        self.refusals = self.lost = 0
        self.is_slow = False  # to answer commits
        self.goes_on = True  # where the next record to read was deleted
        self.counts_losses_of: Callable[[int], bool] = lambda _: True
        self.sent: list[SentCommit] = []
        self.rebalances: list[Callable[[], None]] = []
        self.on_assign: Callable[[Sequence[int]], None]
        self.on_revoke: Callable[[Sequence[int]], None]
        self.on_lost: Callable[[Sequence[int]], None]
        self._kept: dict[int, KeptProgress] = {}
        self._progress: dict[int, Progress] = {}
        self._unread: set[int] = set()  # because their offset is lost

    def subscribe(self, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def assign(self, partition: int) -> None:
        self.ledger.assignment[partition] += 1
        self.topics[partition] = self.ledger.topic(partition)
        self.position[partition] = Offset(self.ledger.topic(partition), self.ledger.begin(partition))
        kept = self._kept.pop(partition, None)
        self._progress.pop(partition, None)
        if kept and kept.topic == self.ledger.topic(partition) and self.ledger.committed[partition] in kept.known:
            self._progress[partition] = kept.progress
            self.position[partition] = Offset(kept.topic, kept.progress.position.offset)
            self.ledger.regain(partition, kept.topic, kept.progress)
        self.on_assign([partition])

    def revoke(self, partition: int, lost: bool) -> None:
        """As with the real client, an exception in the callback keeps no partition."""
        try:
            if lost:
                self.on_lost([partition])
            else:
                self.on_revoke([partition])
        finally:
            self.position.pop(partition)
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
                unsettled = [
                    Record(partition, offset, topic, None, b"", (), 100)
                    for offset in range(begin, end)
                    if not self._is_settled(partition, topic, offset)
                ]
                if unsettled:
                    records[partition] = unsettled
                self.position[partition] = Offset(topic, end)
            if partition not in recreated:
                ends[partition] = end
        for partition in recreated:
            self._progress.pop(partition, None)
            self.position[partition] = Offset(self.ledger.topic(partition), 0)
            self._unread.discard(partition)
            self.paused.discard(partition)
        return ReadResult(records, ends, resets, recreated=recreated)

    def keep(self, progress: Mapping[int, Progress]) -> None:
        for partition, of_partition in progress.items():
            on_their_way = {commit.offsets[partition] for commit in self.sent if partition in commit.offsets}
            known = on_their_way | {self.ledger.committed[partition]}
            self._kept[partition] = KeptProgress(self.position[partition].topic, of_partition, known)

    def note_blocks(self, blocks: Mapping[int, str]) -> None:
        self.blocks = dict(blocks)

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        """What is not accepted is sent with the next commit. One commit is on its way at a time."""
        if not self.sent:
            self._send(positions)
        while self.sent and not self.is_slow:
            self.answer_commit(True)

    def commit_and_wait(self, positions: Mapping[int, LogPosition], seconds: float) -> bool:
        self._send(positions)
        while self.sent:
            self.answer_commit(True)
        return True

    def _send(self, positions: Mapping[int, LogPosition]) -> None:
        if self.refusals:
            self.refusals -= 1
            return
        offsets = {
            partition: Offset(self.topics[partition], position.offset)
            for partition, position in positions.items()
            if partition in self.position
        }
        new = {partition: to for partition, to in offsets.items() if to > self.ledger.committed[partition]}
        for partition, to in new.items():
            self.ledger.check(partition, to)
        if new:
            self.sent.append(SentCommit(new, dict(self.ledger.assignment)))

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
        self.topics[partition] = self.ledger.topic(partition)

    def end_offset(self, partition: int) -> int:
        return len(self.ledger.log(partition))

    def _is_settled(self, partition: int, topic: int, offset: int) -> bool:
        """Whether this member settled it before it lost the partition and got it back."""
        if partition not in self._progress or topic != self.ledger.topic(partition):
            return False
        return self._progress[partition].is_settled(offset)

    def _is_lost(self, partition: int) -> bool:
        return self.position[partition].offset < self.ledger.low[partition]

    def _reset(self, partition: int) -> OffsetReset:
        topic, expected = self.position[partition]
        low, end = self.ledger.low[partition], self.end_offset(partition)
        if self.counts_losses_of(partition):
            self.lost += low - expected
        if self.goes_on:
            self.ledger.deleted |= {RecordPlace(partition, topic, offset) for offset in range(expected, low)}
            self.position[partition] = Offset(topic, low)
        else:
            self._unread.add(partition)
        return OffsetReset(partition, expected, low, end, self.goes_on)
