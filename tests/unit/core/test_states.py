"""The lane and the loop in any order of events: no schedule loses a record, changes an order or commits too much."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.request import Misconfigured, Outcome, Retry
from tests.unit.core.simulated import KEYS, PARTITIONS, Books, Member, Place, Record, clock

KINDS = ["call"] * 6 + ["skip", "bad", "unknown", "refused", "stuck"]
RECORDS = st.lists(st.builds(Record, st.sampled_from(KINDS), st.sampled_from(KEYS)), min_size=1, max_size=12)
PARTITION = st.sampled_from(list(PARTITIONS))
FAILURES: list[Outcome] = [
    Retry("http_429", 2.0, throttled=True),
    Retry("http_429", throttled=True),
    Retry("http_503", 5.0),
    Retry("timeout"),
    Misconfigured("http_401"),
]


class Schedule(RuleBasedStateMachine):
    """Each rule is something that happens around the service, between two turns of its loop."""

    @initialize()
    def begin(self) -> None:
        self.books = Books()
        self.committed: dict[int, int] = {}
        self.start()

    def start(self) -> None:
        self.member = Member(self.books, self.committed)
        for partition in PARTITIONS:
            self.member.group.assign(partition)

    @rule(partition=PARTITION, records=RECORDS)
    def produce(self, partition: int, records: list[Record]) -> None:
        self.books.log[partition] += records

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 3.0, 70.0, 1000.0]), times=st.integers(1, 3))
    def turn(self, seconds: float, times: int) -> None:
        for _ in range(times):
            clock.now += seconds
            self.member.turn()

    @precondition(lambda self: self.member.segment.under_way)
    @rule(number=st.integers(0, 2))
    def answer(self, number: int) -> None:
        under_way = self.member.segment.under_way
        self.member.segment.answer(number % len(under_way))

    @precondition(lambda self: self.member.segment.under_way)
    @rule(number=st.integers(0, 2), outcome=st.sampled_from(FAILURES), taken=st.booleans())
    def fail(self, number: int, outcome: Outcome, taken: bool) -> None:
        under_way = self.member.segment.under_way
        self.member.segment.answer(number % len(under_way), outcome, taken)

    @rule()
    def confirm(self) -> None:
        self.member.letters.confirm()

    @rule()
    def learn(self) -> None:
        self.member.schemas.known = True

    @rule(times=st.integers(1, 3))
    def refuse_commits(self, times: int) -> None:
        self.member.group.refusals = times

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
        for offset in range(self.committed.get(partition, 0), len(self.books.log[partition])):
            self.books.accepted.add(Place(partition, offset))
            self.committed[partition] = offset + 1

    @rule(answers=st.booleans())
    def restart(self, answers: bool) -> None:
        self.member.segment.answers_hand_overs = answers
        self.member.stop()
        self.start()

    @rule()
    def crash(self) -> None:
        self.start()

    @invariant()
    def one_place_for_each(self) -> None:
        assert self.member.status.latest().unaccounted == 0

    def teardown(self) -> None:
        """When everything around it is well again, everything is settled and committed."""
        if not hasattr(self, "member"):
            return
        self.start()
        self.member.schemas.known = self.member.segment.recovered = True
        ends = {partition: len(log) for partition, log in self.books.log.items() if log}
        for _ in range(400):
            if {partition: offset for partition, offset in self.committed.items() if offset} == ends:
                return
            clock.now += 2.0
            self.member.turn()
            while self.member.segment.under_way:
                self.member.segment.answer(0)
            self.member.letters.confirm()
        raise AssertionError(f"committed {self.committed}, the ends are {ends}")


pytestmark = pytest.mark.timeout(900)  # seconds, for a machine that is busy
TestSchedule: Any = Schedule.TestCase
TestSchedule.settings = settings(
    max_examples=int(os.environ.get("SCHEDULES", "1000")),
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
