"""The ledger of a simulated topic: what its records are, what became of each, and whether a commit was right."""

from collections import defaultdict
from typing import NamedTuple

from consumer.kafka.records import Progress
from consumer.model import Record, TrackEvent, WriteKey

PARTITIONS = range(3)
CALM = len(PARTITIONS)  # one more partition, which gets ordinary events only
KEYS = WriteKey("production", "one"), WriteKey("development", "two")


class LedgerRecord(NamedTuple):
    """`kind`: event, skip, undecodable, unknown (its schema is not known yet), refused, denied, or stuck."""

    kind: str
    key: WriteKey


class RecordPlace(NamedTuple):
    """`topic`: how often its partition was recreated."""

    partition: int
    topic: int
    offset: int


class Offset(NamedTuple):
    """What is committed: an offset, and the topic that it is of."""

    topic: int
    offset: int


def place_of(record: Record) -> RecordPlace:
    """Its timestamp is the number of its topic, because the simulation has no other use for the timestamp."""
    return RecordPlace(record.partition, record.timestamp, record.offset)


class PipelineLedger:
    """What became of each record, in which assignment of its partition, and what was accepted in which order."""

    def __init__(self) -> None:
        self.topics: dict[int, list[list[LedgerRecord]]] = {partition: [[]] for partition in (*PARTITIONS, CALM)}
        self.low = dict.fromkeys(self.topics, 0)  # what is below was deleted
        self.assignment = dict.fromkeys(self.topics, 0)
        self.committed = dict.fromkeys(self.topics, Offset(0, 0))
        self.settled: dict[RecordPlace, set[int]] = defaultdict(set)  # by the assignments in which it was settled
        self.deleted: set[RecordPlace] = set()  # before they were read
        self.accepted: set[RecordPlace] = set()
        self._regained: dict[int, tuple[int, Progress]] = {}
        self.unordered: set[RecordPlace] = set()  # rejected once for a defect, and perhaps accepted later
        self._highest: dict[tuple[int, int, WriteKey], int] = {}

    def log(self, partition: int) -> list[LedgerRecord]:
        return self.topics[partition][-1]

    def topic(self, partition: int) -> int:
        return len(self.topics[partition]) - 1

    def end(self, partition: int) -> Offset:
        return Offset(self.topic(partition), len(self.log(partition)))

    def begin(self, partition: int) -> int:
        """Where the group reads on: at the committed offset, if that is of this topic."""
        topic, offset = self.committed[partition]
        return offset if topic == self.topic(partition) else 0

    def recreate(self, partition: int) -> None:
        self.topics[partition].append([])
        self.low[partition] = 0

    def entry(self, record: Record) -> LedgerRecord:
        return self.topics[record.partition][record.timestamp][record.offset]

    def accept(self, event: TrackEvent) -> None:
        """Segment accepts it. Its first acceptance is in the order of its partition and key."""
        place, entry = place_of(event.record), self.entry(event.record)
        assert entry.key == event.key, "an event went to the source of another environment"
        assert entry.kind not in ("refused", "denied")
        order = place.partition, place.topic, event.key
        if place not in self.accepted and place not in self.unordered:
            assert place.offset > self._highest.get(order, -1), f"{place} came after a later one"
            self._highest[order] = place.offset
        self.accepted.add(place)

    def settle(self, record: Record, assignment: int) -> None:
        self.settled[place_of(record)].add(assignment)

    def regain(self, partition: int, topic: int, progress: Progress) -> None:
        """The member got a partition back that it had lost, and goes on behind what it had settled."""
        self._regained[partition] = topic, progress

    def check(self, partition: int, to: Offset) -> None:
        """Every record below is settled in the present assignment, so the member may commit the offset."""
        topic, begin = self.committed[partition]
        assert to >= (topic, begin), "an offset went back"
        for offset in range(begin if topic == to.topic else 0, to.offset):
            place = RecordPlace(partition, to.topic, offset)
            is_skipped = self.topics[partition][to.topic][offset].kind == "skip"
            is_settled = place in self.deleted or self.assignment[partition] in self.settled[place]
            topic, progress = self._regained.get(partition, (-1, None))
            if progress and topic == to.topic and progress.is_settled(offset):  # in an earlier assignment
                is_settled = is_settled or bool(self.settled[place])
            assert is_skipped or is_settled, f"{place} is committed, not settled"

    def commit(self, partition: int, to: Offset) -> None:
        self.committed[partition] = max(self.committed[partition], to)
