"""What stops or slows delivery: each condition from a snapshot, with what is known and no more."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.kafka.group_report import group_report
from consumer.kafka.group_view import GroupMember, GroupPartition, GroupState, GroupView
from consumer.observability import status_page
from consumer.observability.conditions import Condition, ConditionKind, conditions
from consumer.observability.first_seen import FirstSeen
from consumer.observability.snapshot import Block, Counters, PartitionState, Snapshot
from consumer.observability.status_page import ServiceInfo, StatusPage
from consumer.waits import Wait, WaitKind

MONOTONIC, NOW = 1000.0, 1_764_000_000.0
RUNNING = Snapshot(MONOTONIC, is_group_member=True)
DELETED = replace(RUNNING, counters=Counters(lost_to_retention=1))
TRUNCATED = replace(RUNNING, counters=Counters(lost_to_truncation=1))
OUTSIDE = replace(RUNNING, is_group_member=False)
MEMBER = GroupMember("m", "client", "10.0.0.1", partitions=(0,))
HOUR_MS = 3_600_000


def conditions_of(snapshot: Snapshot, group: GroupView | None = None) -> Sequence[Condition]:
    return conditions(snapshot, group_report(group) if group else {}, MONOTONIC, NOW)


def group_with(*partitions: GroupPartition) -> GroupView:
    return GroupView("answers", "group", GroupState.STABLE, partitions, (MEMBER,), int(NOW * 1000))


def waiting_since(at: int, **fields: Any) -> GroupPartition:
    return GroupPartition(
        **{"partition": 0, "committed": 5, "begin": 0, "end": 9, "moved_at": at, "oldest_at": at} | fields
    )


AN_HOUR_AGO = int(NOW * 1000) - HOUR_MS

CASES: Sequence[tuple[ConditionKind, Snapshot, GroupView | None]] = [
    (ConditionKind.STUCK, replace(RUNNING, loop_ran_at=MONOTONIC - 61), None),
    (ConditionKind.UNACCOUNTED, replace(RUNNING, waiting=-1), None),
    (ConditionKind.BLOCKED, replace(RUNNING, blocks=[Block("partition 3", "undecodable", NOW - 9)]), None),
    (ConditionKind.BLOCKED, RUNNING, group_with(waiting_since(int(NOW * 1000), owner=MEMBER, block="http_401"))),
    (ConditionKind.RECORDS_LOST, replace(DELETED, deleted_at=MONOTONIC - 3599), None),
    (ConditionKind.LOST_BEFORE, replace(DELETED, deleted_at=MONOTONIC - 3600), None),
    (ConditionKind.LOG_TRUNCATED, replace(TRUNCATED, truncated_at=MONOTONIC - 3599), None),
    (ConditionKind.LOST_BEFORE, replace(TRUNCATED, truncated_at=MONOTONIC - 3600), None),
    (ConditionKind.RECORDS_LOST, RUNNING, group_with(waiting_since(int(NOW * 1000), owner=MEMBER, begin=7))),
    (ConditionKind.DRAINING, replace(RUNNING, draining=True), None),
    (ConditionKind.STARTING, replace(OUTSIDE, outside_group_since=MONOTONIC - 299), None),
    (ConditionKind.REJOINING, replace(OUTSIDE, outside_group_since=MONOTONIC, was_group_member=True), None),
    (ConditionKind.NOT_STARTED, replace(OUTSIDE, outside_group_since=MONOTONIC - 300), None),
    (ConditionKind.NO_MEMBERS, RUNNING, GroupView("answers", "group", GroupState.EMPTY)),
    (ConditionKind.NO_OWNER, RUNNING, group_with(waiting_since(int(NOW * 1000)))),
    (ConditionKind.NOT_MOVING, RUNNING, group_with(waiting_since(AN_HOUR_AGO, owner=MEMBER))),
    (ConditionKind.BEHIND, replace(RUNNING, partitions={0: PartitionState(oldest=NOW - 3601)}), None),
    *((ConditionKind(kind), replace(RUNNING, waits=[Wait(kind, "", MONOTONIC - 5, "why")]), None) for kind in WaitKind),
]


@pytest.mark.parametrize(("kind", "snapshot", "group"), CASES)
def test_each_condition_is_found_and_no_other(kind: ConditionKind, snapshot: Snapshot, group: GroupView | None) -> None:
    assert [condition.kind for condition in conditions_of(snapshot, group)] == [kind]


def test_every_condition_has_a_case() -> None:
    assert {kind for kind, _, _ in CASES} == set(ConditionKind)


def test_nothing_is_found_while_delivery_runs() -> None:
    recent = waiting_since(int(NOW * 1000) - 1000, owner=MEMBER)
    snapshot = replace(RUNNING, partitions={0: PartitionState(oldest=NOW - 5, paused=True)})
    assert not conditions_of(snapshot, group_with(recent))


def test_what_nobody_knows_of_the_group_is_no_condition() -> None:
    assert not conditions_of(RUNNING, GroupView("answers", "group", problems=("not permitted",)))


def test_times_are_those_of_the_clock_on_the_wall() -> None:
    wait = Wait(WaitKind.SEGMENT, "production", MONOTONIC - 30, "http_503", MONOTONIC + 7)
    (condition,) = conditions_of(replace(RUNNING, waits=[wait]))
    assert (condition.subject, condition.reason) == ("production", "http_503")
    assert (condition.since, condition.next_try_at) == (NOW - 30, NOW + 7)


def test_a_member_that_waits_for_kafka_at_its_start_has_one_condition() -> None:
    wait = Wait(WaitKind.KAFKA, "", MONOTONIC - 3, "nobody listens")
    snapshot = replace(RUNNING, is_group_member=False, waits=[wait])
    assert [condition.kind for condition in conditions_of(snapshot)] == [ConditionKind.NO_ANSWER_FROM_KAFKA]


def test_the_worst_comes_first() -> None:
    wait = Wait(WaitKind.THROTTLED, "", MONOTONIC, "http_429")
    snapshot = replace(RUNNING, waits=[wait], blocks=[Block("key", "http_401", NOW)], draining=True)
    order = [condition.kind for condition in conditions_of(snapshot)]
    assert order == [ConditionKind.BLOCKED, ConditionKind.DRAINING, ConditionKind.THROTTLED]


def test_a_block_of_an_own_partition_is_shown_once() -> None:
    partition = waiting_since(int(NOW * 1000), owner=MEMBER, block="undecodable")
    blocks = [Block("partition 0", "undecodable", NOW - 60, records="0:5", partition=0)]
    snapshot = replace(RUNNING, blocks=blocks, partitions={0: PartitionState()})
    (condition,) = conditions_of(snapshot, group_with(partition))
    assert (condition.subject, condition.since, condition.block["records"]) == ("partition 0", NOW - 60, "0:5")


def test_a_member_outside_its_group_says_why() -> None:
    snapshot = replace(OUTSIDE, outside_group_since=MONOTONIC - 7, outside_group_reason="there is no topic answers")
    (condition,) = conditions_of(snapshot)
    assert (condition.since, condition.reason) == (NOW - 7, "there is no topic answers")


def test_an_own_partition_that_does_not_move_is_explained_by_a_wait_and_not_shown_twice() -> None:
    group = group_with(waiting_since(AN_HOUR_AGO, owner=MEMBER))
    own = replace(RUNNING, partitions={0: PartitionState()})
    assert [condition.kind for condition in conditions_of(own, group)] == [ConditionKind.NOT_MOVING]
    waiting = replace(own, waits=[Wait(WaitKind.SEGMENT, "", MONOTONIC, "http_503")])
    assert [condition.kind for condition in conditions_of(waiting, group)] == [ConditionKind.WAITING_FOR_SEGMENT]


def test_what_has_one_reason_is_one_condition_with_bounded_names() -> None:
    blocks = [
        Block(f"partition {number}", "undecodable", NOW - number, records=f"{number}:5", partition=number)
        for number in range(500)
    ]
    waits = [Wait(WaitKind.SCHEMA, str(key), MONOTONIC - key, "not known") for key in range(500)]
    blocked, waiting = conditions_of(replace(RUNNING, blocks=blocks, waits=waits))
    assert blocked.subject == "partitions 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 490 more"
    assert (blocked.since, waiting.since) == (NOW - 499, NOW - 499)
    assert blocked.block["records"].endswith(" and 490 more")
    assert waiting.subject.endswith("9 and 490 more")


@pytest.mark.parametrize(("age", "is_shown"), [(45, True), (46, False)])
def test_an_old_report_is_marked_and_makes_no_condition(age: int, is_shown: bool) -> None:
    now = time.time()
    view = replace(GroupView("answers", "group", GroupState.EMPTY), read_at=int((now - age + 0.5) * 1000))
    snapshot = replace(RUNNING, loop_ran_at=time.monotonic())
    page = StatusPage(
        lambda: snapshot, ServiceInfo("1", "answers", "group", "https://x"), list, lambda: group_report(view)
    )
    status = page.status()
    assert status["group_view"]["is_old"] != is_shown
    assert (status["state"] == "no_members") == is_shown


def test_a_defect_in_a_note_is_logged_once_and_does_not_end_the_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Snapshot:
        raise ValueError("data of a record")

    monkeypatch.setattr(status_page, "NOTE_SECONDS", 0.0)
    page = StatusPage(broken, ServiceInfo("1", "answers", "group", "https://x"), list)
    page.note()
    page.note()
    (line,) = caplog.records
    assert line.getMessage() == "status page not updated, delivery continues"
    assert "data of a record" not in str(line.__dict__)


def test_an_unknown_start_is_when_the_condition_was_first_seen_and_begins_anew_after_its_end() -> None:
    times = iter([10.0, 20.0, 30.0, 40.0])
    first_seen = FirstSeen(lambda: next(times))
    draining = [Condition(ConditionKind.DRAINING, "", None)]
    assert [first_seen.complete(present)[0].since for present in (draining, draining)] == [10.0, 10.0]
    assert not first_seen.complete([])
    assert first_seen.complete(draining)[0].since == 40.0


maybe = st.none() | st.integers(1, 10**6)


@given(
    lag=st.integers(-1, 10),
    oldest=st.sampled_from([0.0, NOW]),
    settled_at=st.sampled_from([0.0, NOW]),
    partition=st.builds(
        GroupPartition,
        partition=st.just(0),
        committed=maybe,
        begin=maybe,
        end=maybe,
        moved_at=maybe,
        oldest_at=maybe,
    ),
)
def test_what_is_not_known_is_null_and_never_zero(
    lag: int, oldest: float, settled_at: float, partition: GroupPartition
) -> None:
    snapshot = replace(
        RUNNING,
        loop_ran_at=time.monotonic(),
        partitions={0: PartitionState(lag=lag, oldest=oldest)},
        settled_at=settled_at,
    )
    info = ServiceInfo("1", "answers", "group", "https://api.segment.io/v1/batch")
    status = StatusPage(lambda: snapshot, info, list, lambda: group_report(group_with(partition))).status()
    (own,), (row,) = status["partitions"], status["group_view"]["partitions"]
    assert (own["lag"] is None) == (lag < 0)
    assert (own["oldest_at"] is None) == (status["oldest_at"] is None) == (oldest == 0)
    assert (status["settled_at"] is None) == (settled_at == 0)
    for name in ("committed", "end", "moved_at", "oldest_at"):
        assert row[name] == getattr(partition, name)
    assert (row["lag"] is None) == (None in (partition.committed, partition.begin, partition.end))
    times = [condition[name] for condition in status["conditions"] for name in ("since", "next_try_at")]
    assert 0 not in times
