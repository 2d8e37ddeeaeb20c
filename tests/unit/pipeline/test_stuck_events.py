"""An event that keeps failing alone, through the whole loop: it is rejected after its time, and no other event."""

from itertools import count

import pytest

from consumer.model import Outcome, Retry
from consumer.segment.bisection import REJECT_AFTER_SECONDS
from tests.unit.pipeline.ledger import KEYS, PARTITIONS, LedgerRecord, PipelineLedger, RecordPlace
from tests.unit.pipeline.simulated_member import SimulatedMember, clock

KEY, OTHER = KEYS
FAILURES = [Retry("http_500"), Retry("read_error"), Retry("internal_error")]
NEIGHBOURS = 20  # records of its partition before it, and behind it


@pytest.mark.parametrize("outcome", FAILURES, ids=["500", "reset", "internal error"])
@pytest.mark.parametrize("every", [1, 7, 40], ids="other events every {} iterations".format)
def test_an_event_that_keeps_failing_is_rejected_alone(outcome: Outcome, every: int) -> None:
    """Others come often, or so seldom that all that waits fits into one request with it; then its time is longer."""
    ledger, iterations, began = PipelineLedger(), count(), clock.now
    member = SimulatedMember(ledger)
    member.segment.stuck_outcome = outcome
    ledger.log(1).extend(LedgerRecord("event", key) for key in KEYS * (NEIGHBOURS // 2))
    ledger.log(1).append(LedgerRecord("stuck", KEY))
    ledger.log(1).extend(LedgerRecord("event", key) for key in KEYS * (NEIGHBOURS // 2))

    def traffic() -> None:
        if not next(iterations) % every:
            for partition in set(PARTITIONS) - {1}:
                ledger.log(partition).extend([LedgerRecord("event", KEY), LedgerRecord("event", OTHER)])

    def is_nearly_rejected() -> bool:
        return clock.now - began > REJECT_AFTER_SECONDS - 60

    member.run_until(is_nearly_rejected, seconds=2.0, most=500, before=traffic)
    assert not member.dead_letters.written
    assert ledger.committed[1].offset == NEIGHBOURS
    for partition in set(PARTITIONS) - {1}:  # none waits for it for longer than for a key that fails
        assert ledger.committed[partition].offset >= ledger.end(partition).offset - 2 * 60

    member.run_until(lambda: bool(member.dead_letters.written), seconds=2.0, most=200 + 20 * every, before=traffic)
    member.run_until(lambda: ledger.committed[1] == ledger.end(1), seconds=2.0, most=60, before=traffic)
    (dead_letter,) = member.dead_letters.written
    assert (dead_letter.record.partition, dead_letter.record.offset) == (1, NEIGHBOURS)
    assert dead_letter.rejected.reason == f"stuck_{outcome.reason}"  # type: ignore[union-attr]
    assert dead_letter.attempts > 1
    accepted = {place.offset for place in ledger.accepted if place.partition == 1}
    assert accepted == {*range(2 * NEIGHBOURS + 1)} - {NEIGHBOURS}
    for partition in set(PARTITIONS) - {1}:
        committed = ledger.committed[partition].offset
        assert {RecordPlace(partition, 0, offset) for offset in range(committed)} <= ledger.accepted
