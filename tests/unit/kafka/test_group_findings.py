"""The rules by which somebody has to act: each fires for its cause alone, and what is unknown is no cause."""

from dataclasses import replace

import pytest

from consumer.kafka.group_findings import STALLED_MINUTES, GroupRule, group_findings
from consumer.kafka.group_report import group_report
from consumer.kafka.group_view import NO_OFFSET, GroupMember, GroupPartition, GroupState, GroupView

NOW = 1_800_000_000_000
LIMIT = NOW - STALLED_MINUTES * 60_000
OWNER = GroupMember("member-1", "client", "10.0.0.1", "", (0, 1))
SETTLED = GroupPartition(0, OWNER, committed=10, begin=0, end=10, moved_at=NOW - 86_400_000, block="")
WAITING = replace(SETTLED, partition=1, committed=4, moved_at=NOW - 5000, oldest_at=NOW - 5000)


def view(
    *partitions: GroupPartition, state: GroupState = GroupState.STABLE, problems: tuple[str, ...] = ()
) -> GroupView:
    return GroupView("topic", "group", state, partitions, (OWNER,), NOW, problems)


def rules(view: GroupView) -> list[GroupRule]:
    return [finding.rule for finding in group_findings(view)]


def test_a_group_that_delivers_needs_nobody() -> None:
    assert rules(view(SETTLED, WAITING)) == []


def test_a_partition_without_an_owner_needs_somebody_once_records_wait() -> None:
    assert rules(view(replace(SETTLED, owner=None))) == []
    (finding,) = group_findings(view(SETTLED, replace(WAITING, owner=None)))
    assert (finding.rule, finding.partitions) == (GroupRule.NO_OWNER, (1,))


@pytest.mark.parametrize("state", [GroupState.REBALANCING, GroupState.UNKNOWN])
def test_owners_that_are_not_known_are_not_missing(state: GroupState) -> None:
    partition = replace(WAITING, owner=None)
    assert rules(view(partition, state=state)) == []
    assert view(partition, state=state).is_ownerless(partition) is None


@pytest.mark.parametrize("state", [GroupState.EMPTY, GroupState.DEAD])
def test_a_group_without_members_is_one_finding_and_not_one_for_each_partition(state: GroupState) -> None:
    assert rules(view(replace(WAITING, owner=None), state=state)) == [GroupRule.NO_MEMBERS]


@pytest.mark.parametrize(
    ("moved_at", "oldest_at", "is_stalled"),
    [
        (LIMIT, LIMIT, True),
        (LIMIT + 1, LIMIT, False),
        (LIMIT, LIMIT + 1, False),  # the first record after a quiet night
        (None, LIMIT, False),  # another client committed
        (LIMIT, None, False),
        (None, None, False),
    ],
)
def test_a_partition_stands_still_if_its_offset_could_have_moved_for_long(
    moved_at: int | None, oldest_at: int | None, is_stalled: bool
) -> None:
    partition = replace(WAITING, moved_at=moved_at, oldest_at=oldest_at)
    findings = group_findings(view(partition))
    assert [(finding.rule, finding.partitions, finding.since) for finding in findings] == [
        (GroupRule.NOT_MOVING, (1,), LIMIT)
    ] * is_stalled


def test_a_record_of_the_future_does_not_hide_that_a_partition_stands_still() -> None:
    partition = replace(WAITING, moved_at=LIMIT, oldest_at=NOW + 10**9)
    later = replace(view(partition), read_at=NOW)
    assert rules(later) == []
    never = replace(WAITING, committed=NO_OFFSET, moved_at=None, oldest_at=LIMIT)
    (finding,) = group_findings(view(never))
    assert (finding.rule, finding.since) == (GroupRule.NOT_MOVING, LIMIT)


def test_the_start_of_what_was_only_seen_is_not_known() -> None:
    deleted, ownerless = replace(WAITING, begin=5), replace(WAITING, owner=None)
    findings = group_findings(view(deleted, ownerless))
    assert [(finding.rule, finding.since) for finding in findings] == [
        (GroupRule.NO_OWNER, None),
        (GroupRule.RECORDS_DELETED, None),
    ]


def test_a_partition_without_lag_never_stands_still() -> None:
    assert rules(view(replace(SETTLED, oldest_at=LIMIT))) == []


def test_each_reason_of_blocks_is_a_finding_with_its_partitions() -> None:
    blocked = [replace(WAITING, partition=number, block="http_401") for number in (1, 2)]
    findings = group_findings(view(*blocked, replace(WAITING, partition=3, block="internal_error")))
    assert [(finding.rule, finding.detail, finding.partitions) for finding in findings] == [
        (GroupRule.BLOCKED, "http_401", (1, 2)),
        (GroupRule.BLOCKED, "internal_error", (3,)),
    ]


@pytest.mark.parametrize(
    ("committed", "is_deleted"), [(4, True), (5, False), (10, False), (NO_OFFSET, False), (None, False)]
)
def test_records_that_kafka_deleted_behind_the_committed_offset_are_reported(
    committed: int | None, is_deleted: bool
) -> None:
    partition = replace(WAITING, committed=committed, begin=5)
    assert rules(view(partition)) == [GroupRule.RECORDS_DELETED] * is_deleted


def test_what_could_not_be_read_is_a_finding_and_its_text_is_shown() -> None:
    unknown = GroupPartition(0)
    (finding,) = group_findings(view(unknown, state=GroupState.UNKNOWN, problems=("no broker",)))
    assert (finding.rule, finding.detail) == (GroupRule.UNKNOWN, "no broker")


@pytest.mark.parametrize(
    ("changes", "lag"),
    [
        ({}, 6),
        ({"committed": NO_OFFSET}, 10),
        ({"committed": NO_OFFSET, "begin": 7}, 3),
        ({"committed": 2, "begin": 7}, 3),
        ({"committed": 12}, 0),
        ({"committed": None}, None),
        ({"begin": None}, None),
        ({"end": None}, None),
    ],
)
def test_the_lag_counts_what_is_left_and_is_unknown_rather_than_0(
    changes: dict[str, int | None], lag: int | None
) -> None:
    partition = replace(WAITING, **changes)  # type: ignore[arg-type]
    assert partition.lag == lag
    assert view(SETTLED, partition).lag == lag


def test_the_lag_of_a_topic_without_partitions_is_not_known() -> None:
    assert view().lag is None


def test_the_report_has_each_value_once_and_null_for_what_is_unknown() -> None:
    report = group_report(view(GroupPartition(0), WAITING, state=GroupState.STABLE))
    unknown, waiting = report["partitions"]
    assert {name for name, value in unknown.items() if value is None} == set(unknown) - {"partition", "ownerless"}
    assert waiting["owner"] == {"member_id": "member-1", "client_id": "client", "host": "10.0.0.1"}
    assert (waiting["lag"], waiting["ownerless"]) == (6, False)
    assert report["members"][0]["partitions"] == (0, 1)
