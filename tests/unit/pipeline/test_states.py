"""The buffers and the loop in any order of events: no schedule loses a record, changes an order or commits too much."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.model import Misconfigured, Outcome, Retry
from consumer.pipeline.rejections import RejectionLimits
from tests.unit.pipeline.ledger import CALM, KEYS, PARTITIONS, LedgerRecord, Offset, PipelineLedger, RecordPlace
from tests.unit.pipeline.simulated_member import SimulatedMember

KINDS = ["event"] * 6 + ["skip", "undecodable", "unknown", "refused", "denied", "stuck"]
REJECTIONS = RejectionLimits(in_partition=1000, in_member=4, before_success=2)
# One draw for each: drawing is what takes most of the time in this test.
RECORDS = st.lists(
    st.sampled_from([LedgerRecord(kind, key) for kind in KINDS for key in KEYS]), min_size=1, max_size=12
)
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
    """Each rule is something that happens around the service, between two iterations of its loop."""

    @initialize(recovers=st.booleans(), is_slow=st.booleans())
    def begin(self, recovers: bool, is_slow: bool) -> None:
        self.ledger, self.recovers = PipelineLedger(), recovers
        self.member = SimulatedMember(self.ledger, REJECTIONS)
        self.member.group.is_slow = is_slow

    @rule(partition=PARTITION, records=RECORDS, is_sent=st.booleans())
    def produce(self, partition: int, records: list[LedgerRecord], is_sent: bool) -> None:
        """With `is_sent` it is sent within two iterations, if nothing of its partition is in flight."""
        self.ledger.log(partition).extend(records)
        for _ in range(2 * is_sent):
            self.member.run_once(1.0)

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 3.0, 70.0, 1000.0]), times=st.integers(1, 3))
    def run_once(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.member.run_once(seconds)

    @rule()
    def tick(self) -> None:
        """What happens most often between two other events."""
        self.member.run_once(1.0)

    @precondition(lambda self: self.member.segment.in_flight)
    @rule(number=NUMBER)
    def answer(self, number: int) -> None:
        in_flight = self.member.segment.in_flight
        self.member.segment.answer(number % len(in_flight))

    @precondition(lambda self: self.member.segment.in_flight)
    @rule(number=NUMBER, outcome=st.sampled_from(FAILURES), is_accepted=st.booleans())
    def fail(self, number: int, outcome: Outcome, is_accepted: bool) -> None:
        in_flight = self.member.segment.in_flight
        self.member.segment.answer(number % len(in_flight), outcome, is_accepted)

    @precondition(lambda self: self.member.dead_letters.open)
    @rule(most=st.integers(1, 3))
    def confirm(self, most: int) -> None:
        self.member.dead_letters.confirm(most)

    @precondition(lambda self: self.member.dead_letters.open)
    @rule()
    def refuse_a_dead_letter(self) -> None:
        self.member.dead_letters.refuse()

    @rule()
    def learn(self) -> None:
        self.member.schemas.are_known = True

    @rule(refusals=NUMBER, is_slow=st.booleans())
    def answer_commits(self, refusals: int, is_slow: bool) -> None:
        self.member.group.refusals, self.member.group.is_slow = refusals, is_slow

    @precondition(lambda self: self.member.group.sent)
    @rule(is_accepted=st.booleans())
    def answer_a_commit(self, is_accepted: bool) -> None:
        self.member.group.answer_commit(is_accepted)

    @rule(partition=PARTITION)
    def recreate(self, partition: int) -> None:
        self.ledger.recreate(partition)

    @rule(partition=PARTITION, goes_on=st.booleans())
    def delete(self, partition: int, goes_on: bool) -> None:
        """Retention deletes all that there is, whether it was read or not; what was not read is lost."""
        self.ledger.low[partition] = len(self.ledger.log(partition))
        self.member.group.goes_on = goes_on

    @rule(partition=PARTITION, lost=st.booleans(), answers=st.booleans(), is_assigned_again=st.booleans())
    def rebalance(self, partition: int, lost: bool, answers: bool, is_assigned_again: bool) -> None:
        """The partition is revoked, and assigned again at once or with a later rebalance."""
        group = self.member.group
        self.member.segment.answers_drains = answers

        def happen() -> None:
            if partition in group.position:
                group.revoke(partition, lost)
            if is_assigned_again:
                group.assign(partition)

        group.rebalances.append(happen)

    @rule(partition=PARTITION, count=st.integers(2, 6))
    def produce_in_a_wrong_form(self, partition: int, count: int) -> None:
        self.ledger.log(partition).extend([LedgerRecord("undecodable", KEYS[0])] * count)

    @rule(partition=PARTITION)
    def other_members_work(self, partition: int) -> None:
        """Another member has the partition meanwhile, and settles all of it."""
        if partition in self.member.group.position:
            return
        topic, end = self.ledger.end(partition)
        first = max(self.ledger.begin(partition), self.ledger.low[partition])
        self.ledger.accepted |= {RecordPlace(partition, topic, offset) for offset in range(first, end)}
        self.ledger.commit(partition, Offset(topic, end))

    @rule(answers=st.booleans())
    def restart(self, answers: bool) -> None:
        self.member.segment.answers_drains = answers
        self.member.stop()
        self.member = SimulatedMember(self.ledger, REJECTIONS)

    @rule()
    def crash(self) -> None:
        self.member = SimulatedMember(self.ledger, REJECTIONS)

    @invariant()
    def every_record_is_accounted_for(self) -> None:
        assert self.member.reporter.latest().unaccounted == 0

    @invariant()
    def few_records_are_rejected_before_the_first_success(self) -> None:
        if not self.member.has_had_success:
            assert len(self.member.dead_letters.written) <= REJECTIONS.before_success

    def teardown(self) -> None:
        """
        When nothing fails any more, all is settled and committed; events that keep failing may be left failing.

        A partition that is blocked for rejected records goes on by itself when an event is made of another partition,
        and a denied event is rejected when another event of its key is accepted.
        """
        if not hasattr(self, "member"):
            return
        self.member = SimulatedMember(self.ledger, REJECTIONS)
        self.member.schemas.are_known, self.member.segment.recovered = True, self.recovers
        ends = {partition: self.ledger.end(partition) for partition in PARTITIONS if self.ledger.log(partition)}
        stuck = sum(entry.kind == "stuck" for partition in ends for entry in self.ledger.log(partition))

        def traffic() -> None:
            if self.member.reporter.latest().blocks or not self.recovers:
                self.ledger.log(CALM).extend(LedgerRecord("event", key) for key in KEYS)

        self.member.run_until(
            lambda: all(self.ledger.committed[partition] == end for partition, end in ends.items()),
            seconds=2.0 if self.recovers else 40.0,
            most=400 + 60 * stuck,
            before=traffic,
        )


@pytest.fixture(autouse=True, scope="module")
def without_logs() -> Iterator[None]:
    """So many runs would log too much to read."""
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
