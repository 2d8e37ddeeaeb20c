"""A wrong setting blocks the member after a few rejected records; one success ends the blocks of all its partitions."""

import logging
from typing import Any

import pytest

from consumer.kafka.records import OffsetReset
from consumer.pipeline.rejections import RejectionLimits
from tests.unit.pipeline.pipeline_world import PipelineWorld

LIMIT, IN_A_ROW = 50, 100
LIMITS = RejectionLimits(in_partition=IN_A_ROW, in_member=IN_A_ROW, before_success=LIMIT)
PARTITIONS = 4
BLOCKED = "partition blocked: operator action required"


def world_of(policy: str = "dead-letter", unknown: str = "") -> PipelineWorld:
    return PipelineWorld(PARTITIONS, policy, unknown, rejections=LIMITS)


def give(world: PipelineWorld, *values: bytes, start: int = 0) -> None:
    """The same records in each partition."""
    for partition in range(PARTITIONS):
        world.group.give(partition, *values, start=start)


def settle(world: PipelineWorld) -> None:
    for _ in range(3):
        world.settle()
        world.dead_letters.confirm()
    world.settle()


def rejected(world: PipelineWorld) -> int:
    """Records that became dead letters or were skipped because they were rejected."""
    counters = world.reporter.counters
    return counters.dead_lettered.total() + counters.skipped.total() - counters.skipped["no_user_id"]


def blocks(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(line) for line in caplog.records if line.message == BLOCKED]


@pytest.mark.parametrize("policy", ["dead-letter", "skip"])
@pytest.mark.parametrize(
    ("reason", "setting"),
    [
        ("undecodable", "SCHEMA_REGISTRY_URL"),
        ("not_framed", "AVRO_FRAMING"),
        ("unknown_schema", "SCHEMA_REGISTRY_URL"),
        ("unknown_record", "SCHEMAS_DIR"),
        ("missing_required", "SCHEMAS_DIR"),
        ("no_write_key", "SEGMENT_WRITE_KEYS"),
    ],
)
def test_before_the_first_success_the_member_rejects_few_records_and_names_the_setting(
    reason: str, setting: str, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = world_of(policy, unknown="dead-letter")
    give(world, *[f"rejected {reason}".encode()] * 30)
    settle(world)
    assert rejected(world) == LIMIT
    assert world.group.committed == {0: 30, 1: 20, 2: 0, 3: 0}
    assert world.reporter.latest().blocked == {"rejected_before_success": 3}
    lines = blocks(caplog)
    assert [(line["partition"], line["offset"]) for line in lines] == [(1, 20), (2, 0), (3, 0)]
    for line in lines:
        assert (line["reason"], line["reject_reason"]) == ("rejected_before_success", reason)
        assert line["detail"] == f"a hint about {reason}"
        assert line["settings"].startswith(setting)
    block = world.reporter.latest().blocks[0]
    assert (block.target, block.reject_reason, block.detail) == ("partition 1", reason, f"a hint about {reason}")
    assert block.settings.startswith(setting)


@pytest.mark.parametrize("reason", ["no_write_key", "missing_required", "event_too_large"])
def test_skipped_records_in_front_do_not_hide_a_wrong_setting_behind_the_rules(reason: str) -> None:
    world = world_of()
    give(world, *[b"skip"] * 5, *[b"skip", f"rejected {reason}".encode()] * 30)
    settle(world)
    assert rejected(world) <= LIMIT
    assert world.reporter.latest().blocked["rejected_before_success"] == PARTITIONS - 1


def test_records_that_no_setting_can_reject_do_not_block() -> None:
    world = world_of()
    give(world, *[b"rejected empty_value"] * (IN_A_ROW // PARTITIONS))
    settle(world)
    assert rejected(world) == IN_A_ROW > LIMIT
    assert not world.reporter.latest().blocked


def test_types_of_record_that_are_to_be_skipped_do_not_block() -> None:
    world = world_of(unknown="skip")
    give(world, *[b"rejected unknown_record"] * 200, b"a")
    settle(world)
    assert world.reporter.counters.skipped == {"unknown_record": 800}
    assert world.group.committed == dict.fromkeys(range(PARTITIONS), 201)


@pytest.mark.parametrize("success", [b"a", b"skip"])
def test_many_bad_records_at_the_start_of_one_partition_wait_for_a_success_of_another(
    success: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    world = world_of()
    world.group.give(0, *[b"undecodable"] * 60, b"a")
    settle(world)
    assert world.group.committed == {0: LIMIT}
    with caplog.at_level(logging.INFO):
        world.group.give(1, success)
        settle(world)
    assert world.group.committed == {0: 61, 1: 1}
    assert not world.reporter.latest().blocked
    resumed = [vars(line) for line in caplog.records if line.message == "delivery resumed"]
    assert [(line["partition"], line["reason"]) for line in resumed] == [(0, "rejected_before_success")]


@pytest.mark.parametrize("policy", ["dead-letter", "skip"])
def test_bad_records_among_good_ones_stop_nobody(policy: str, caplog: pytest.LogCaptureFixture) -> None:
    world = world_of(policy)
    give(world, *([b"undecodable"] * 12 + [b"a"]) * 20)
    settle(world)
    assert world.group.committed == dict.fromkeys(range(PARTITIONS), 13 * 20)
    assert rejected(world) == PARTITIONS * 12 * 20
    assert not blocks(caplog)


@pytest.mark.parametrize("policy", ["dead-letter", "skip"])
@pytest.mark.parametrize("reason", ["undecodable", "no_write_key", "empty_value"])
def test_after_a_success_all_partitions_together_reject_no_more_in_a_row_than_one_may(
    reason: str, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = world_of(policy)
    give(world, b"a")
    settle(world)
    give(world, *[f"rejected {reason}".encode()] * 60, start=1)
    settle(world)
    assert rejected(world) == IN_A_ROW
    assert world.group.committed == {0: 61, 1: 41, 2: 1, 3: 1}
    assert world.reporter.latest().blocked == {"everything_rejected": 3}
    assert {line["reject_reason"] for line in blocks(caplog)} == {reason}


def test_an_event_of_one_partition_ends_the_row_of_the_others() -> None:
    world = world_of()
    give(world, b"a")
    settle(world)
    for partition in range(3):
        world.group.give(partition, *[b"undecodable"] * 60, start=1)
    settle(world)
    assert world.reporter.latest().blocked == {"everything_rejected": 2}
    world.group.give(3, b"b", start=1)
    settle(world)
    assert not world.reporter.latest().blocked
    assert world.group.committed == {0: 61, 1: 61, 2: 61, 3: 2}


def test_the_limit_of_one_partition_holds_whatever_the_others_do() -> None:
    world = world_of()
    world.group.give(0, *[b"undecodable"] * (IN_A_ROW + 1))
    for offset in range(IN_A_ROW):
        world.group.give(1, b"a", start=offset)
        settle(world)
    assert world.group.committed == {0: IN_A_ROW, 1: IN_A_ROW}
    assert world.reporter.latest().blocked == {"dead_letter_limit": 1}


def test_a_partition_that_comes_back_to_a_blocked_member_is_blocked_again() -> None:
    world = world_of()
    world.group.give(0, *[b"undecodable"] * 60)
    settle(world)
    world.group.revoke([0])
    world.group.assign([0])
    world.group.give(0, *[b"undecodable"] * 10, start=LIMIT)
    settle(world)
    assert (rejected(world), world.group.committed) == (LIMIT, {0: LIMIT})
    assert world.reporter.latest().blocked == {"rejected_before_success": 1}


def test_a_block_with_a_cause_of_its_own_outlasts_the_block_of_the_member() -> None:
    world = world_of()
    world.group.give(0, *[b"undecodable"] * 60)
    world.settle()
    world.dead_letters.refuse()
    world.group.give(1, b"a")
    settle(world)
    assert world.reporter.latest().blocked == {"dead_letter_too_large": 1}


def test_a_partition_that_is_blocked_for_the_whole_member_still_notices_records_that_kafka_deleted() -> None:
    world = world_of()
    world.group.give(0, *[b"undecodable"] * 60)
    settle(world)
    world.group.reset(OffsetReset(0, expected=60, low=70, end=80, goes_on=True))
    settle(world)
    assert world.reporter.counters.lost_to_retention == 10
    world.group.reset(OffsetReset(0, expected=80, low=0, end=70, goes_on=False))
    world.group.give(1, b"a")
    settle(world)
    assert world.reporter.counters.lost_to_truncation == 10
    assert world.reporter.latest().blocked == {"log_truncated": 1}
