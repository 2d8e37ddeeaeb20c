"""The books of a simulated topic: what its records are, what became of each, and whether a commit was right."""

from collections import defaultdict
from typing import NamedTuple

from consumer.model import Call, Message, WriteKey

PARTITIONS = range(3)
CALM = len(PARTITIONS)  # one more, which gets ordinary calls only
KEYS = WriteKey("production", "one"), WriteKey("development", "two")


class Record(NamedTuple):
    """`kind`: call, skip, bad, unknown (a schema that is not known yet), refused, or stuck (a fault of its own)."""

    kind: str
    key: WriteKey


class Place(NamedTuple):
    """`topic`: how often its partition was made again."""

    partition: int
    topic: int
    offset: int


class Offset(NamedTuple):
    """What is committed: an offset, and of which topic it is."""

    topic: int
    offset: int


def place(message: Message) -> Place:
    """A record's place; its time is its topic's number, as the simulation has no other use for it."""
    return Place(message.partition, message.timestamp, message.offset)


class Books:
    """What became of each record, in which assignment of its partition, and what was accepted in which order."""

    def __init__(self) -> None:
        self.topics: dict[int, list[list[Record]]] = {partition: [[]] for partition in (*PARTITIONS, CALM)}
        self.low = dict.fromkeys(self.topics, 0)  # what is below it was deleted
        self.assignment = dict.fromkeys(self.topics, 0)
        self.committed = dict.fromkeys(self.topics, Offset(0, 0))
        self.settled: dict[Place, set[int]] = defaultdict(set)  # by the assignments that have seen it
        self.deleted: set[Place] = set()  # before they were read
        self.accepted: set[Place] = set()
        self._highest: dict[tuple[int, int, WriteKey], int] = {}

    def log(self, partition: int) -> list[Record]:
        return self.topics[partition][-1]

    def topic(self, partition: int) -> int:
        return len(self.topics[partition]) - 1

    def end(self, partition: int) -> Offset:
        return Offset(self.topic(partition), len(self.log(partition)))

    def begin(self, partition: int) -> int:
        """Where the group reads on: at what it committed, if that is of this topic."""
        topic, offset = self.committed[partition]
        return offset if topic == self.topic(partition) else 0

    def make_again(self, partition: int) -> None:
        self.topics[partition].append([])
        self.low[partition] = 0

    def record(self, message: Message) -> Record:
        return self.topics[message.partition][message.timestamp][message.offset]

    def accept(self, call: Call) -> None:
        """Segment takes it. Its first time is in the order of its partition and key."""
        at, record = place(call.message), self.record(call.message)
        assert record.key == call.key, "an event went to the source of somebody else"
        assert record.kind != "refused"
        lane = at.partition, at.topic, call.key
        if at not in self.accepted:
            assert at.offset > self._highest.get(lane, -1), f"{at} came after a later one"
            self._highest[lane] = at.offset
        self.accepted.add(at)

    def settle(self, message: Message, assignment: int) -> None:
        self.settled[place(message)].add(assignment)

    def check(self, partition: int, to: Offset) -> None:
        """Every record up to there is settled in the present assignment: so it may be committed by it."""
        topic, begin = self.committed[partition]
        assert to >= (topic, begin), "an offset went back"
        for offset in range(begin if topic == to.topic else 0, to.offset):
            at = Place(partition, to.topic, offset)
            by_rule = self.topics[partition][to.topic][offset].kind == "skip"
            known = at in self.deleted or self.assignment[partition] in self.settled[at]
            assert by_rule or known, f"{at} is committed, not settled"

    def commit(self, partition: int, to: Offset) -> None:
        self.committed[partition] = max(self.committed[partition], to)
