"""What a drain or a revocation leaves behind: nothing of a forgotten partition is sent, counted or waited for again."""

import pytest

from consumer.model import Accepted, Blocked, Outcome, Refused, Retry
from tests.unit.pipeline.pipeline_world import EVENTS, PipelineWorld


def in_flight(*values: bytes) -> PipelineWorld:
    """A partition with one request in flight, and one record that waits behind it."""
    world = PipelineWorld(partitions=2)
    world.workers.answers_drains = False
    world.group.give(0, *values)
    world.run_once()
    world.run_once(2)
    world.group.give(0, b"a", start=len(values))
    world.run_once()
    assert len(world.workers.in_flight) == 1
    return world


@pytest.mark.parametrize("outcome", [Accepted(), Refused("http_400"), Retry("http_500")], ids=repr)
@pytest.mark.parametrize("is_assigned_again", [False, True], ids=["revoked", "assigned again"])
def test_no_outcome_of_a_forgotten_chunk_changes_anything(outcome: Outcome, is_assigned_again: bool) -> None:
    world = in_flight(b"a", b"a")
    world.group.lose([0])
    assert world.reporter.counters.released == 3
    if is_assigned_again:
        world.group.assign([0])
    world.workers.answer(outcome)
    world.run_once(100)
    assert not world.workers.in_flight
    assert not world.dead_letters.open
    assert world.reporter.counters.delivered == world.reporter.counters.skipped.total() == 0
    assert world.reporter.counters.released == 3


def test_a_partition_that_was_forgotten_in_the_middle_of_a_search_begins_anew() -> None:
    """The second half waited in the buffer, and its history in the send queue."""
    world = in_flight(*[b"a"] * EVENTS)
    world.workers.answer(Refused("http_400"))
    world.run_once(2)
    assert [len(request.bodies) for request in world.workers.in_flight] == [EVENTS // 2]
    world.group.lose([0])
    assert not world.send_queue._deliveries
    world.group.assign([0])
    world.group.give(0, *[b"a"] * EVENTS)
    world.run_once()
    world.workers.answer(Accepted())
    world.run_once(2)
    assert [len(request.bodies) for request in world.workers.in_flight] == [EVENTS]
    world.workers.answer(Accepted())
    world.run_once(2)
    assert world.group.committed[0] == EVENTS
    assert not world.send_queue._in_flight


def test_the_dead_letters_of_a_forgotten_partition_are_forgotten_as_well() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"undecodable")
    world.group.give(1, b"undecodable")
    world.run_once()
    world.run_once(2)
    world.dead_letters.forgotten.clear()
    world.group.lose([0])
    assert world.dead_letters.forgotten == [0]
    world.dead_letters.confirm()
    world.run_once(2)
    assert world.reporter.counters.dead_lettered == {"undecodable": 1}
    assert world.group.committed == {0: 0, 1: 1}


def test_a_refusal_of_a_dead_letter_of_an_earlier_assignment_blocks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = PipelineWorld()
    world.group.give(0, b"undecodable")
    world.run_once()
    world.run_once(2)
    world.group.lose([0])
    world.group.assign([0])
    world.dead_letters.refuse()
    world.run_once(2)
    assert not world.reporter.latest().blocked
    assert "partition blocked" not in caplog.text


def test_a_block_is_logged_with_the_offset_that_is_not_passed(caplog: pytest.LogCaptureFixture) -> None:
    """Whether no event can be made of the record, or Segment refuses the event."""
    world = PipelineWorld(policy="block")
    world.group.give(0, b"a", b"undecodable", start=5)
    world.run_once()
    world.run_once(2)
    world.workers.answer(Refused("http_400"))
    world.run_once(2)
    lines = [vars(line) for line in caplog.records if "partition blocked" in line.message]
    assert [(line["partition"], line["offset"], line["reason"]) for line in lines] == [
        (0, 6, "undecodable"),
        (0, 5, "http_400"),
    ]
    assert world.buffers[0].blocked == Blocked("http_400", offset=5)


def test_the_attempts_of_a_refused_event_are_those_of_its_chunk_and_of_the_chunks_that_it_was_split_from() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"a")
    world.run_once()
    world.run_once(2)
    for outcome in (Retry("http_500"), Refused("http_400"), Refused("http_400"), Accepted()):
        world.workers.answer(outcome)
        world.run_once(2)
        world.run_once(2)  # after a failure the key waits
    (dead_letter,) = world.dead_letters.open
    assert (dead_letter.record.offset, dead_letter.attempts, dead_letter.rejected.stage) == (0, 3, "delivery")
