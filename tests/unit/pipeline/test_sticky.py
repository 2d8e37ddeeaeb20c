"""A fault that sticks to one event, through the whole loop: that event is set aside after its time, and no other."""

from itertools import count

import pytest

from consumer.request import Misconfigured, Outcome, Retry
from consumer.segment.send_queue import STUCK_AFTER
from tests.unit.pipeline.ledger import KEYS, PARTITIONS, Books, Place, Record
from tests.unit.pipeline.simulated import Member, clock

KEY, OTHER = KEYS
FAULTS = [Retry("http_500"), Misconfigured("http_403"), Retry("read_error")]
BESIDE = 20  # records of its partition before it, and behind it


@pytest.mark.parametrize("outcome", FAULTS, ids=["500", "403", "reset"])
@pytest.mark.parametrize("every", [1, 7, 40], ids="the others every {} turns".format)
def test_the_event_that_a_fault_sticks_to_is_set_aside_alone(outcome: Outcome, every: int) -> None:
    """Others come often, or so seldom that all that waits fits into one request with it; then its time is longer."""
    books, turns, began = Books(), count(), clock.now
    member = Member(books)
    member.segment.sticky = outcome
    books.log(1).extend(Record("call", key) for key in KEYS * (BESIDE // 2))
    books.log(1).append(Record("stuck", KEY))
    books.log(1).extend(Record("call", key) for key in KEYS * (BESIDE // 2))

    def traffic() -> None:
        if not next(turns) % every:
            for partition in set(PARTITIONS) - {1}:
                books.log(partition).extend([Record("call", KEY), Record("call", OTHER)])

    def waits_for_long() -> bool:
        return clock.now - began > STUCK_AFTER - 60

    member.turn_until(waits_for_long, seconds=2.0, most=500, before=traffic)
    assert not member.letters.put_in
    assert books.committed[1].offset == BESIDE
    for partition in set(PARTITIONS) - {1}:  # nobody waits for it for longer than a failing key does
        assert books.committed[partition].offset >= books.end(partition).offset - 2 * 60

    member.turn_until(lambda: bool(member.letters.put_in), seconds=2.0, most=200 + 20 * every, before=traffic)
    member.turn_until(lambda: books.committed[1] == books.end(1), seconds=2.0, most=60, before=traffic)
    (letter,) = member.letters.put_in
    assert (letter.message.partition, letter.message.offset) == (1, BESIDE)
    assert letter.reason == f"stuck_{outcome.reason}"  # type: ignore[union-attr]
    assert letter.attempts > 1
    assert {at.offset for at in books.accepted if at.partition == 1} == {*range(2 * BESIDE + 1)} - {BESIDE}
    for partition in set(PARTITIONS) - {1}:
        done = books.committed[partition].offset
        assert {Place(partition, 0, offset) for offset in range(done)} <= books.accepted
