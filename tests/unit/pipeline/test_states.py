"""The lane and the loop in any order of events: no schedule loses a record, changes an order or commits too much."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.request import Misconfigured, Outcome, Retry
from tests.unit.pipeline.ledger import CALM, KEYS, PARTITIONS, Books, Offset, Place, Record
from tests.unit.pipeline.simulated import Member

KINDS = ["call"] * 6 + ["skip", "bad", "unknown", "refused", "stuck"]
# One draw for each: in this test the drawing is what takes the time.
RECORDS = st.lists(st.sampled_from([Record(kind, key) for kind in KINDS for key in KEYS]), min_size=1, max_size=12)
PARTITION = st.sampled_from(list(PARTITIONS))
NUMBER = st.integers(0, 2)
FAILURES: list[Outcome] = [
    Retry("http_429", 2.0, throttled=True),
    Retry("http_429", throttled=True),
    Retry("http_503", 5.0),
    Retry("timeout"),
    Misconfigured("http_401"),
]


@seed(int(os.environ["SEED"]))
class Schedule(RuleBasedStateMachine):
    """Each rule is something that happens around the service, between two turns of its loop."""

    @initialize(recovers=st.booleans(), is_slow=st.booleans())
    def begin(self, recovers: bool, is_slow: bool) -> None:
        self.books, self.recovers = Books(), recovers
        self.member = Member(self.books)
        self.member.group.is_slow = is_slow

    @rule(partition=PARTITION, records=RECORDS, is_sent=st.booleans())
    def produce(self, partition: int, records: list[Record], is_sent: bool) -> None:
        """It is sent by the second turn, if nothing of its partition is under way."""
        self.books.log(partition).extend(records)
        for _ in range(2 * is_sent):
            self.member.turn(1.0)

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 3.0, 70.0, 1000.0]), times=st.integers(1, 3))
    def turn(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.member.turn(seconds)

    @rule()
    def tick(self) -> None:
        """What lies between two other events most often."""
        self.member.turn(1.0)

    @precondition(lambda self: self.member.segment.under_way)
    @rule(number=NUMBER)
    def answer(self, number: int) -> None:
        under_way = self.member.segment.under_way
        self.member.segment.answer(number % len(under_way))

    @precondition(lambda self: self.member.segment.under_way)
    @rule(number=NUMBER, outcome=st.sampled_from(FAILURES), taken=st.booleans())
    def fail(self, number: int, outcome: Outcome, taken: bool) -> None:
        under_way = self.member.segment.under_way
        self.member.segment.answer(number % len(under_way), outcome, taken)

    @precondition(lambda self: self.member.letters.open)
    @rule(most=st.integers(1, 3))
    def confirm(self, most: int) -> None:
        self.member.letters.confirm(most)

    @precondition(lambda self: self.member.letters.open)
    @rule()
    def refuse_a_letter(self) -> None:
        self.member.letters.refuse()

    @rule()
    def learn(self) -> None:
        self.member.schemas.known = True

    @rule(refusals=NUMBER, is_slow=st.booleans())
    def treat_commits(self, refusals: int, is_slow: bool) -> None:
        self.member.group.refusals, self.member.group.is_slow = refusals, is_slow

    @precondition(lambda self: self.member.group.sent)
    @rule(taken=st.booleans())
    def answer_a_commit(self, taken: bool) -> None:
        self.member.group.answer_commit(taken)

    @rule(partition=PARTITION)
    def make_again(self, partition: int) -> None:
        self.books.make_again(partition)

    @rule(partition=PARTITION, goes_on=st.booleans())
    def delete(self, partition: int, goes_on: bool) -> None:
        """Retention takes all that there is, whether it was read or not; what was not is lost."""
        self.books.low[partition] = len(self.books.log(partition))
        self.member.group.goes_on = goes_on

    @rule(partition=PARTITION, lost=st.booleans(), answers=st.booleans(), back=st.booleans())
    def rebalance(self, partition: int, lost: bool, answers: bool, back: bool) -> None:
        """The partition goes, and comes back at once or with a later rebalance."""
        group = self.member.group
        self.member.segment.answers_hand_overs = answers

        def happen() -> None:
            if partition in group.position:
                group.revoke(partition, lost)
            if back:
                group.assign(partition)

        group.rebalances.append(happen)

    @rule(partition=PARTITION)
    def others_work(self, partition: int) -> None:
        """Another member has the partition meanwhile, and settles all of it."""
        if partition in self.member.group.position:
            return
        topic, end = self.books.end(partition)
        first = max(self.books.begin(partition), self.books.low[partition])
        self.books.accepted |= {Place(partition, topic, offset) for offset in range(first, end)}
        self.books.commit(partition, Offset(topic, end))

    @rule(answers=st.booleans())
    def restart(self, answers: bool) -> None:
        self.member.segment.answers_hand_overs = answers
        self.member.stop()
        self.member = Member(self.books)

    @rule()
    def crash(self) -> None:
        self.member = Member(self.books)

    @invariant()
    def one_place_for_each(self) -> None:
        assert self.member.status.latest().unaccounted == 0

    def teardown(self) -> None:
        """When all is well around it, all is settled and committed; a fault that sticks may be left to its events."""
        if not hasattr(self, "member"):
            return
        self.member = Member(self.books)
        self.member.schemas.known, self.member.segment.recovered = True, self.recovers
        ends = {partition: self.books.end(partition) for partition in PARTITIONS if self.books.log(partition)}
        stuck = sum(record.kind == "stuck" for partition in ends for record in self.books.log(partition))

        def traffic() -> None:
            if not self.recovers:
                self.books.log(CALM).extend(Record("call", key) for key in KEYS)

        self.member.turn_until(
            lambda: all(self.books.committed[partition] == end for partition, end in ends.items()),
            seconds=2.0 if self.recovers else 40.0,
            most=400 + 60 * stuck,
            before=traffic,
        )


@pytest.fixture(autouse=True, scope="module")
def quietly() -> Iterator[None]:
    """Nobody reads the lines of so many runs."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


pytestmark = pytest.mark.timeout(900)  # seconds, for a machine that is busy
TestSchedule: Any = Schedule.TestCase
TestSchedule.settings = settings(
    max_examples=int(os.environ.get("SCHEDULES", "2000")),
    stateful_step_count=40,
    deadline=None,
    derandomize=False,  # as it would be where CI is set
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
