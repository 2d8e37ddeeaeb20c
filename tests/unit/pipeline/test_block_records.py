"""Each block names the records concerned: in its log line, in the snapshot, and so on the status page."""

from collections.abc import Callable, Mapping

import pytest

from consumer.kafka.records import OffsetReset
from consumer.model import Accepted, Misconfigured, Outcome, RecordAddress, Refused
from consumer.pipeline.blocks import MAX_NAMED, list_records
from consumer.pipeline.rejections import RejectionLimits
from consumer.reasons import BlockReason
from tests.unit.pipeline.pipeline_world import PipelineWorld

START = 40


def blocked_by_rejections(value: bytes, limits: RejectionLimits) -> PipelineWorld:
    """The fifth record is one too many."""
    world = PipelineWorld(rejections=limits)
    world.group.give(0, *[value] * 20, start=START)
    world.run_once(0)
    world.run_once(2)
    return world


def answered_always(outcome: Outcome) -> Callable[[], PipelineWorld]:
    def blocked() -> PipelineWorld:
        world = PipelineWorld()
        world.group.give(0, *[b"a"] * 30, start=START)
        for _ in range(400):
            world.run_once(1)
            while world.workers.in_flight:
                world.workers.answer(outcome)
            world.dead_letters.confirm()
        return world

    return blocked


def blocked_by_reset(expected: int, low: int, end: int) -> Callable[[], PipelineWorld]:
    def blocked() -> PipelineWorld:
        world = PipelineWorld()
        world.group.reset(OffsetReset(0, expected, low, end, False))
        world.run_once()
        return world

    return blocked


def refused_dead_letter() -> PipelineWorld:
    world = PipelineWorld()
    world.group.give(0, b"undecodable", start=START)
    world.run_once(0)
    world.run_once(2)
    world.dead_letters.refuse()
    world.run_once(0)
    return world


def unreadable() -> PipelineWorld:
    world = PipelineWorld()
    world.group.give(0, b"a", start=START)
    world.run_once(0)
    world.group.fail_to_unpack(0)
    world.run_once(0)
    return world


def rejected_in_a_row() -> PipelineWorld:
    return blocked_by_rejections(b"defect", RejectionLimits(in_partition=1000))


BLOCKS: Mapping[str, tuple[Callable[[], PipelineWorld], int]] = {
    BlockReason.HTTP_401: (answered_always(Misconfigured("http_401")), START),
    BlockReason.HTTP_403: (answered_always(Misconfigured("http_403")), START),
    BlockReason.HTTP_404: (answered_always(Misconfigured("http_404")), START),
    BlockReason.EVERYTHING_REFUSED: (answered_always(Refused("http_400")), START + 20),
    BlockReason.INTERNAL_ERROR: (rejected_in_a_row, START + 10),
    BlockReason.DEAD_LETTER_LIMIT: (lambda: blocked_by_rejections(b"undecodable", RejectionLimits(4)), START + 4),
    BlockReason.REJECTED_BEFORE_SUCCESS: (
        lambda: blocked_by_rejections(b"undecodable", RejectionLimits(1000, before_success=4)),
        START + 4,
    ),
    BlockReason.EVERYTHING_REJECTED: (
        lambda: blocked_by_rejections(b"undecodable", RejectionLimits(1000, in_member=4)),
        START + 4,
    ),
    BlockReason.DEAD_LETTER_TOO_LARGE: (refused_dead_letter, START),
    BlockReason.DEAD_LETTER_REFUSED: (refused_dead_letter, START),
    BlockReason.NO_COMMITTED_OFFSET: (blocked_by_reset(-1, 3, 9), 3),
    BlockReason.OFFSET_OUT_OF_RANGE: (blocked_by_reset(5, 8, 20), 5),
    BlockReason.LOG_TRUNCATED: (blocked_by_reset(9, 0, 4), 9),
    BlockReason.UNREADABLE_BATCH: (unreadable, START + 1),
}


@pytest.mark.parametrize("reason", [reason for reason in BlockReason if reason != BlockReason.AUDIT_LOG_NOT_WRITTEN])
def test_each_block_names_the_record_concerned(reason: BlockReason, caplog: pytest.LogCaptureFixture) -> None:
    create, offset = BLOCKS[reason]
    world = create()
    (block,) = world.reporter.latest().blocks
    if reason != BlockReason.DEAD_LETTER_REFUSED:  # the fake topic refuses for one reason
        assert block.reason == reason
    assert block.records == f"0:{offset}"
    lines = [vars(line) for line in caplog.records if " blocked: " in line.message]
    assert lines[-1]["records"] == f"0:{offset}"
    world.run_once(1)
    assert world.group.blocks == {0: block.reason}


def test_an_ended_block_is_noted_for_the_group_no_more() -> None:
    world = answered_always(Misconfigured("http_401"))()
    world.run_once(100)
    assert world.group.blocks == {0: "http_401"}
    world.workers.answer(Accepted())
    world.settle()
    assert world.group.blocks == {}


def test_a_blocked_key_is_noted_for_the_partitions_alone_that_have_events_for_it() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"a")
    world.group.give(1, b"skip")
    for _ in range(20):
        world.run_once(1)
        while world.workers.in_flight:
            world.workers.answer(Misconfigured("http_401"))
    assert world.group.blocks == {0: "http_401"}


def test_a_record_that_blocks_by_policy_is_named_and_not_an_older_one_of_its_partition() -> None:
    world = PipelineWorld(policy="block")
    world.group.give(0, b"a", b"undecodable", start=START)
    world.run_once(0)
    world.run_once(2)
    (block,) = world.reporter.latest().blocks
    assert (block.reason, block.records) == ("undecodable", f"0:{START + 1}")


def test_a_batch_that_cannot_be_unpacked_is_named_also_if_nothing_was_read_before() -> None:
    world = PipelineWorld()
    world.group.fail_to_unpack(0)
    world.run_once(0)
    (block,) = world.reporter.latest().blocks
    assert block.records == "0:0"


def test_a_denied_event_with_nothing_behind_it_is_named() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", start=START)
    for _ in range(60):
        world.run_once(1)
        while world.workers.in_flight:
            denied = Misconfigured("http_403") if world.workers.in_flight[0].chunks else Accepted()
            world.workers.answer(denied)
    (block,) = world.reporter.latest().blocks
    assert (block.reason, block.records) == ("http_403", f"0:{START}")


def test_many_records_are_named_in_part() -> None:
    addresses = [RecordAddress(0, offset) for offset in range(MAX_NAMED + 2)]
    assert list_records(addresses).endswith("0:9 and 2 more")
