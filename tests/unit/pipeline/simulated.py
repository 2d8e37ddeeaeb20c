"""
A member of a group in a world without time: a topic, its group, Segment and a dead-letter topic that a test plays.

The world knows of each record whether it is settled, and by whom, and objects the moment that a promise is broken.
"""

import random
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, cast

from consumer.kafka.dead_letters import Reports
from consumer.model import Call, Letter, Message, Pending, Skipped, Translation, Unprocessable
from consumer.pipeline.buffers import Lanes, Shares
from consumer.pipeline.dispatcher import Doors
from consumer.pipeline.loop import Loop
from consumer.pipeline.reject_policy import Policy, Treater
from consumer.pipeline.status_reporter import Status
from consumer.request import Accepted, Limits, Misconfigured, Outcome, Refused, Request, Retry
from consumer.segment.send_queue import STUCK_AFTER, Capacity, Outbox
from tests.unit.pipeline.group import Clock, Group
from tests.unit.pipeline.ledger import KEYS, Books, Place, place

EVENTS = 4
HAND_OVER = 10.0

clock = Clock()


class Segment:
    """The workers: requests are under way until they are answered, in a hand-over at once or never."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.under_way: list[tuple[Request, list[int]]] = []
        self.answers_hand_overs = self.recovered = False
        self.sticky: Outcome = Retry("http_500")
        self._failing_since: dict[Place, float] = {}
        self._failed_alone: set[Place] = set()
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
            outcome = Accepted() if fits else Refused("http_400") if "refused" in kinds else self.sticky
        if fits and (taken or isinstance(outcome, Accepted)):
            for call, assignment in calls:
                self.books.accept(call)
                if isinstance(outcome, Accepted):
                    self.books.settle(call.message, assignment)
        if isinstance(outcome, Retry | Misconfigured):
            self._note_failed([place(call.message) for call, _ in calls])
        self._answered.append((request, outcome))

    def fails_by_itself(self, at: Place) -> bool:
        """Whether it failed with no other event beside it, and that for long enough to be its own fault."""
        return at in self._failed_alone and clock.now - self._failing_since[at] >= STUCK_AFTER

    def _note_failed(self, places: list[Place]) -> None:
        for at in places:
            self._failing_since.setdefault(at, clock.now)
        if len(places) == 1:
            self._failed_alone.update(places)

    def answer_all(self) -> None:
        while self.under_way:
            self.answer(0)

    def answered(self, timeout: float = 0) -> Sequence[tuple[Request, Outcome]]:
        clock.now += timeout
        if timeout and self.answers_hand_overs:
            self.answer_all()
        answered, self._answered = self._answered, []
        return answered

    def carries(self, partitions: set[int]) -> bool:
        return any(part.partition in partitions for request, _ in self.under_way for part in request.parts)


class Letters:
    """The dead-letter topic."""

    def __init__(self, books: Books, segment: Segment) -> None:
        self.books, self._segment = books, segment
        self.put_in: list[Letter] = []
        self.open: list[tuple[Letter, int]] = []
        self._confirmed: list[Letter] = []
        self._refused: list[tuple[Letter, str]] = []

    def put(self, letter: Letter) -> None:
        if letter.reason.startswith("stuck_"):
            deserved = self._segment.fails_by_itself(place(letter.message))
        else:
            deserved = self.books.record(letter.message).kind in ("bad", "refused")
        assert deserved, "an event was set aside for others"
        self.put_in.append(letter)
        self.open.append((letter, self.books.assignment[letter.message.partition]))

    def confirm(self, most: int | None = None) -> None:
        """The first `most` that are open, or all."""
        for letter, assignment in self.open[:most]:
            self.books.settle(letter.message, assignment)
            self._confirmed.append(letter)
        del self.open[:most]

    def refuse(self) -> None:
        """For good, the first that is open: its partition waits for another member, or for ever."""
        letter, _ = self.open.pop(0)
        letter.stuck = True
        self._refused.append((letter, "dead_letter_too_large"))

    def advance(self, now: float, wait: float = 0) -> Reports:
        clock.now += wait
        if wait and self._segment.answers_hand_overs:
            self.confirm()
        reports = Reports(self._confirmed, self._refused)
        self._confirmed, self._refused = [], []
        return reports


class Schemas:
    known = False

    def is_pending(self, key: object) -> bool:
        return not self.known


class Member:
    """One process; another one takes over with nothing but what is committed."""

    def __init__(self, books: Books) -> None:
        self.books, self.schemas = books, Schemas()
        self.group, self.segment = Group(books, clock), Segment(books)
        self.letters = Letters(books, self.segment)
        treater = Treater(self._translate, Policy("dead-letter", "dead-letter"))
        outbox = Outbox(KEYS, Capacity(2 * EVENTS, 100_000, 20), random.Random(1))
        doors = cast(Any, Doors)(self.group, self.schemas, treater, outbox, self.segment, self.letters)
        lanes = Lanes(Shares(Limits(EVENTS, 50_000, 1000), 10_000_000, linger=1.0))
        self.status = Status(0.0)
        self.loop = Loop(doors, lanes, self.status, HAND_OVER, clock)
        self.group.subscribe(self.loop._open, self.loop._revoke, self.loop._lose)
        for partition in books.topics:
            self.group.assign(partition)

    def turn(self, seconds: float = 0.0) -> None:
        clock.now += seconds
        self.loop.turn()
        assert self.status.latest().unaccounted == 0
        assert self.status.counts.lost_to_retention == self.group.lost

    def turn_until(self, holds: Callable[[], bool], seconds: float, most: int, before: Callable[[], None]) -> None:
        """Turns in which all is well around it: what is under way is answered, letters are confirmed."""
        for _ in range(most):
            if holds():
                return
            before()
            self.turn(seconds)
            self.segment.answer_all()
            self.letters.confirm()
        raise AssertionError(f"committed {self.books.committed}, not within {most} turns")

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
