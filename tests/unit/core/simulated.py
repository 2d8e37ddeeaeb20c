"""
A member of a group in a world without time: a topic, its group, Segment and a dead-letter topic that a test plays.

The world knows of each record whether it is settled, and by whom, and objects the moment that a promise is broken.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple, cast

from consumer.aside import Policy, Treater
from consumer.delivery.outbox import Capacity, Outbox
from consumer.kafka.dead_letters import Reports
from consumer.kafka.source import Read
from consumer.lanes import Lanes, Shares
from consumer.loop import Loop
from consumer.model import Call, Letter, Message, Pending, Skipped, Translation, Unprocessable, WriteKey
from consumer.request import Accepted, Limits, Outcome, Refused, Request, Retry
from consumer.settling import Doors
from consumer.status import Status

PARTITIONS = range(3)
KEYS = WriteKey("production", "one"), WriteKey("development", "two")
EVENTS = 4
HAND_OVER = 10.0


class Record(NamedTuple):
    """`kind`: call, skip, bad, unknown (a schema that is not known yet), refused, or stuck (an answer of 500)."""

    kind: str
    key: WriteKey


class Place(NamedTuple):
    partition: int
    offset: int


def place(message: Message) -> Place:
    return Place(message.partition, message.offset)


class Books:
    """What became of each record, in which assignment of its partition, and what was accepted in which order."""

    def __init__(self) -> None:
        self.log: dict[int, list[Record]] = {partition: [] for partition in PARTITIONS}
        self.assignment = dict.fromkeys(PARTITIONS, 0)
        self.settled: dict[Place, set[int]] = defaultdict(set)  # by the assignments that have seen it
        self.accepted: set[Place] = set()
        self._highest: dict[tuple[int, WriteKey], int] = {}

    def accept(self, call: Call) -> None:
        """Segment takes it. Its first time is in the order of its partition and key."""
        at, record = place(call.message), self.record(call.message)
        assert record.key == call.key, "an event went to the source of somebody else"
        assert record.kind != "refused"
        lane = at.partition, call.key
        if at not in self.accepted:
            assert at.offset > self._highest.get(lane, -1), f"{at} came after a later one"
            self._highest[lane] = at.offset
        self.accepted.add(at)

    def record(self, message: Message) -> Record:
        return self.log[message.partition][message.offset]

    def settle(self, message: Message, assignment: int) -> None:
        self.settled[place(message)].add(assignment)

    def check(self, partition: int, begin: int, end: int) -> None:
        """Every record of these offsets is settled in the present assignment: so they may be committed by it."""
        for offset in range(begin, end):
            by_rule = self.log[partition][offset].kind == "skip"
            known = self.settled[Place(partition, offset)]
            assert by_rule or self.assignment[partition] in known, f"{partition}:{offset} is committed, not settled"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Group:
    """The source. Rebalances happen in `read`, as with the real client."""

    joined = True

    def __init__(self, books: Books, committed: dict[int, int]) -> None:
        self.books, self.committed = books, committed
        self.position: dict[int, int] = {}
        self.commits = {"ok": 0, "failed": 0}
        self.paused: set[int] = set()
        self.refusals = 0
        self.rebalances: list[Callable[[], None]] = []
        self.on_assign: Callable[[Sequence[int]], None]
        self.on_revoke: Callable[[Sequence[int]], None]
        self.on_lost: Callable[[Sequence[int]], None]
        self._stored: dict[int, int] = {}

    def subscribe(self, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def assign(self, partition: int) -> None:
        self.books.assignment[partition] += 1
        self.position[partition] = self.committed.get(partition, 0)
        self.on_assign([partition])

    def revoke(self, partition: int, lost: bool) -> None:
        (self.on_lost if lost else self.on_revoke)([partition])
        self.position.pop(partition)
        self._stored.pop(partition, None)
        self.paused.discard(partition)

    def read(self, limit: int, timeout: float) -> Read:
        while self.rebalances:
            self.rebalances.pop(0)()
        messages: dict[int, list[Message]] = {}
        ends: dict[int, int] = {}
        for partition in self.position.keys() - self.paused:
            begin, end = self.position[partition], len(self.books.log[partition])
            if begin < end:
                read = [Message(partition, offset, 0, None, b"", (), clock.now, 100) for offset in range(begin, end)]
                messages[partition], self.position[partition] = read, end
            ends[partition] = end
        return Read(messages, ends)

    def store(self, offsets: Mapping[int, int]) -> None:
        self._stored |= {partition: offset for partition, offset in offsets.items() if partition in self.position}

    def commit(self, wait: bool = False) -> None:
        if self.refusals:
            self.refusals -= 1
            return
        for partition, offset in self._stored.items():
            begin = self.committed.get(partition, 0)
            assert offset >= begin, "an offset went back"
            self.books.check(partition, begin, offset)
            self.committed[partition] = offset
        self._stored = {}

    def pause(self, partitions: Iterable[int]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self.paused -= set(partitions)

    def end(self, partition: int) -> int:
        return len(self.books.log[partition])


clock = Clock()


class Segment:
    """The workers: requests are under way until they are answered, in a hand-over at once or never."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.under_way: list[tuple[Request, list[int]]] = []
        self.answers_hand_overs = self.recovered = False
        self._answered: list[tuple[Request, Outcome]] = []

    @property
    def free(self) -> bool:
        return len(self.under_way) < 3

    @property
    def idle(self) -> bool:
        return not self.under_way

    def start(self, request: Request) -> None:
        for part in request.parts:
            assert not part.revoked, "what is somebody else's now was sent"
            for other, _ in self.under_way:
                rivals = [it for it in other.parts if (it.partition, it.key) == (part.partition, part.key)]
                assert all(it.revoked for it in rivals), "two parts of a partition and key at a time"
        self.under_way.append((request, [self.books.assignment[part.partition] for part in request.parts]))

    def answer(self, number: int, outcome: Outcome | None = None, taken: bool = False) -> None:
        """As its events deserve, if no outcome is given; `taken`: it took them, and its answer was lost."""
        request, assignments = self.under_way.pop(number)
        calls = [(call, at) for part, at in zip(request.parts, assignments, strict=True) for call in part.calls]
        kinds = {self.books.record(call.message).kind for call, _ in calls}
        fits = not kinds & {"refused", *(() if self.recovered else ("stuck",))}
        if outcome is None:
            outcome = Accepted() if fits else Refused("http_400") if "refused" in kinds else Retry("http_500")
        if fits and (taken or isinstance(outcome, Accepted)):
            for call, assignment in calls:
                self.books.accept(call)
                if isinstance(outcome, Accepted):
                    self.books.settle(call.message, assignment)
        self._answered.append((request, outcome))

    def answered(self, timeout: float = 0) -> Sequence[tuple[Request, Outcome]]:
        clock.now += timeout
        while timeout and self.answers_hand_overs and self.under_way:
            self.answer(0)
        answered, self._answered = self._answered, []
        return answered

    def carries(self, partitions: set[int]) -> bool:
        return any(part.partition in partitions for request, _ in self.under_way for part in request.parts)


class Letters:
    """The dead-letter topic."""

    def __init__(self, books: Books, segment: Segment) -> None:
        self.books, self._segment = books, segment
        self.open: list[tuple[Letter, int]] = []
        self._reports = Reports()

    def put(self, letter: Letter) -> None:
        assert self.books.record(letter.message).kind in ("bad", "refused", "stuck"), (
            "an event was set aside for others"
        )
        self.open.append((letter, self.books.assignment[letter.message.partition]))

    def confirm(self) -> None:
        for letter, assignment in self.open:
            self.books.settle(letter.message, assignment)
        confirmed = [*self._reports.confirmed, *(letter for letter, _ in self.open)]
        self._reports, self.open = Reports(confirmed=confirmed), []

    def advance(self, now: float, wait: float = 0) -> Reports:
        clock.now += wait
        if wait and self._segment.answers_hand_overs:
            self.confirm()
        reports, self._reports = self._reports, Reports()
        return reports


class Schemas:
    known = False

    def is_pending(self, key: object) -> bool:
        return not self.known


class Member:
    """One process; another one takes over with nothing but what is committed."""

    def __init__(self, books: Books, committed: dict[int, int]) -> None:
        self.books, self.schemas = books, Schemas()
        self.group, self.segment = Group(books, committed), Segment(books)
        self.letters = Letters(books, self.segment)
        treater = Treater(self._translate, Policy("dead-letter", "dead-letter"))
        outbox = Outbox(KEYS, Capacity(2 * EVENTS, 100_000, 20), random.Random(1))
        doors = cast(Any, Doors)(self.group, self.schemas, treater, outbox, self.segment, self.letters)
        lanes = Lanes(Shares(Limits(EVENTS, 50_000, 1000), 10_000_000, linger=1.0))
        self.status = Status(0.0)
        self.loop = Loop(doors, lanes, self.status, HAND_OVER, clock)
        self.group.subscribe(self.loop._open, self.loop._revoke, self.loop._lose)

    def turn(self) -> None:
        self.loop.turn()
        assert self.status.latest().unaccounted == 0

    def stop(self) -> None:
        """SIGTERM."""
        stop = Event()
        stop.set()
        self.loop.run(stop)
        assert self.status.latest().in_flight >= 0

    def _translate(self, message: Message) -> Translation:
        record = self.books.record(message)
        match record.kind:
            case "skip":
                return Skipped("no_user_id")
            case "bad":
                return Unprocessable("undecodable", "decoding", "")
            case "unknown" if not self.schemas.known:
                return Pending(7)
        return Call(message, record.key, b"{}")
