"""An exception anywhere: nothing is committed too early, nothing is lost, and one record's exception is its own."""

import logging
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from consumer.model import Retry
from tests.unit.pipeline.faulty_member import (
    ATTEMPT,
    COMMIT_SEAMS,
    ERRORS,
    FOR_EVER,
    LINE,
    LOOP_SEAMS,
    MAPPER_SEAMS,
    SECRET,
    STATUS_SEAM,
    Fault,
    FaultyMember,
    Step,
    settle,
)
from tests.unit.pipeline.ledger import KEYS, PARTITIONS, LedgerRecord, PipelineLedger
from tests.unit.pipeline.simulated_member import SimulatedMember

KINDS = ["event"] * 6 + ["skip", "undecodable", "unknown", "refused"]
RECORDS = st.lists(
    st.sampled_from([LedgerRecord(kind, key) for kind in KINDS for key in KEYS]), min_size=1, max_size=12
)
PARTITION, NUMBER = st.sampled_from(list(PARTITIONS)), st.integers(0, 2)
SEAMS = (*MAPPER_SEAMS, ATTEMPT, *LOOP_SEAMS)
GOES_ON = {*MAPPER_SEAMS, STATUS_SEAM, ATTEMPT}


Happening = Callable[[FaultyMember], None]


def produce(partition: int, records: list[LedgerRecord]) -> Happening:
    return lambda member: member.ledger.log(partition).extend(records)


def answer(number: int) -> Happening:
    return lambda member: member.answer(number)


def fail(number: int) -> Happening:
    return lambda member: member.answer(number, Retry("timeout"))


def confirm(most: int) -> Happening:
    return lambda member: member.dead_letters.confirm(most)


def recreate(partition: int) -> Happening:
    return lambda member: member.ledger.recreate(partition)


def rebalance(partition: int, lost: bool, is_assigned_again: bool) -> Happening:
    def happen(member: FaultyMember) -> None:
        def in_read() -> None:
            if partition in member.group.position:
                member.group.revoke(partition, lost)
            if is_assigned_again:
                member.group.assign(partition)

        member.group.rebalances.append(in_read)

    return happen


PRODUCE = st.builds(produce, PARTITION, RECORDS)
REBALANCE = st.builds(rebalance, PARTITION, st.booleans(), st.booleans())
HAPPENINGS = st.one_of(
    *[PRODUCE] * 3,
    *[st.just(settle)] * 3,
    *[REBALANCE] * 2,
    st.builds(answer, NUMBER),
    st.builds(fail, NUMBER),
    st.builds(confirm, NUMBER),
    st.builds(recreate, PARTITION),
)
STEPS = st.lists(st.builds(Step, HAPPENINGS, st.sampled_from([0.3, 0.0, 1.0])), min_size=8, max_size=24)


class LogLines(logging.Handler):
    """The errors that the loop logs and does not raise."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert SECRET not in str(vars(record))
        if record.msg.startswith(("last commit failed", "status not published")):
            self.errors.append(vars(record)["error"])


@pytest.fixture(autouse=True, scope="module")
def lines() -> Iterator[LogLines]:
    """Nothing is printed, because so many runs would log too much to read."""
    handler, logger = LogLines(), logging.getLogger("consumer")
    logger.addHandler(handler)
    logger.propagate = False
    yield handler
    logger.propagate = True
    logger.removeHandler(handler)


def check(steps: list[Step], fault: Fault, lines: LogLines) -> None:
    """Play the steps with the fault, then let another member finish the work without it."""
    lines.errors.clear()
    ledger = PipelineLedger()
    member = FaultyMember(ledger, fault)
    error = member.play(steps)
    if error is None:
        assert fault.seam in (*GOES_ON, LINE) or not member.raised
    else:
        assert member.raised
        assert fault.seam not in GOES_ON
        assert type(error) is fault.error or str(error).startswith(f"internal error: {fault.error.__name__}"), error
    assert all(line.startswith(fault.error.__name__) for line in lines.errors), lines.errors
    if fault.seam not in COMMIT_SEAMS or fault.times == 1:
        assert member.has_committed_what_was_settled()
    internal_errors = [
        dead_letter for dead_letter in member.dead_letters.written if dead_letter.rejected.stage == "internal"
    ]
    assert len(internal_errors) <= member.raised
    finish(ledger)


def finish(ledger: PipelineLedger) -> None:
    """The fault is over: a new member delivers the rest. The ledger asserts that no commit is too early."""
    ends = {partition: ledger.end(partition) for partition in PARTITIONS if ledger.log(partition)}
    member = SimulatedMember(ledger)
    member.schemas.are_known = member.segment.recovered = True
    member.run_until(
        lambda: all(ledger.committed[partition] == end for partition, end in ends.items()),
        seconds=2.0,
        most=400,
        before=lambda: None,
    )


def runs(number: int) -> settings:
    return settings(
        max_examples=round(number * float(os.environ.get("FAULTS", "1"))),
        deadline=None,
        derandomize=False,  # as it would be where CI is set
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


FIRST_CALLS, TIMES = st.sampled_from([0, 1, 2, 3, 5, 8, 13]), st.sampled_from([1, 3, FOR_EVER])
FAULTS = st.builds(Fault, st.just(""), FIRST_CALLS, TIMES, st.sampled_from(ERRORS), st.booleans())
LINE_FAULTS = st.builds(Fault, st.just(LINE), st.integers(0, 4000), st.just(1), st.sampled_from(ERRORS))


@pytest.mark.parametrize("seam", SEAMS)
@seed(int(os.environ["SEED"]))
@runs(30)
@given(steps=STEPS, fault=FAULTS)
def test_an_exception_at_any_seam_loses_nothing(seam: str, steps: list[Step], fault: Fault, lines: LogLines) -> None:
    check(steps, fault._replace(seam=seam), lines)


@seed(int(os.environ["SEED"]))
@runs(700)
@given(steps=STEPS, fault=LINE_FAULTS)
def test_an_exception_at_any_line_loses_nothing(steps: list[Step], fault: Fault, lines: LogLines) -> None:
    check(steps, fault, lines)
