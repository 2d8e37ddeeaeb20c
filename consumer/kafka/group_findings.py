"""The rules by which somebody has to act for a group, and what they find in a view of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.kafka.group_view import NO_OFFSET, GroupPartition, GroupState, GroupView
from consumer.reasons import ExplainedWord

STALLED_MINUTES = 10
"""As long as a partition stands still before the alert SprigToSegmentStuck fires."""


class GroupRule(ExplainedWord):
    """A rule by which somebody has to act for a group."""

    UNKNOWN = "unknown", "something could not be read, so nobody knows whether all is well"
    NO_MEMBERS = "no_members", "the group has no member, so nothing is delivered"
    NO_OWNER = "no_owner", "records wait, and no member has the partition"
    BLOCKED = "blocked", "the owner committed that the partition is blocked until somebody acts"
    NOT_MOVING = "not_moving", "records wait, and the committed offset has not moved for too long"
    RECORDS_DELETED = "records_deleted", "Kafka deleted records before they were settled"


class GroupFinding(NamedTuple):
    """
    What a rule found. `detail` is for people, "" if the rule says everything.

    `partitions` are concerned, none if the whole group is. `since` is in ms since 1970, None if it is not known.
    """

    rule: GroupRule
    partitions: tuple[int, ...] = ()
    detail: str = ""
    since: int | None = None

    def as_dict(self) -> Mapping[str, Any]:
        return {**self._asdict(), "rule": self.rule.value, "meaning": self.rule.meaning}


def group_findings(view: GroupView, stalled_minutes: float = STALLED_MINUTES) -> Sequence[GroupFinding]:
    """
    What somebody has to act for, in the order of the rules; nothing if all is well.

    A partition stands still if neither its offset moved nor its oldest waiting record is newer than `stalled_minutes`.
    Otherwise the first record after a quiet night would count as one that is stuck.
    """
    findings = [GroupFinding(GroupRule.UNKNOWN, detail=text) for text in view.problems]
    if view.state in (GroupState.EMPTY, GroupState.DEAD):
        findings.append(GroupFinding(GroupRule.NO_MEMBERS))
    else:
        ownerless = [partition for partition in view.partitions if view.is_ownerless(partition) and partition.lag]
        findings += _finding(GroupRule.NO_OWNER, ownerless)
    findings += _blocked(view.partitions)
    limit = view.read_at - int(stalled_minutes * 60_000)
    stalled = [row for row in view.partitions if _is_stalled(view, row, limit)]
    findings += _finding(GroupRule.NOT_MOVING, stalled, lambda row: _stands_since(view, row))
    findings += _finding(GroupRule.RECORDS_DELETED, [row for row in view.partitions if _is_deleted(row)])
    return findings


def _finding(
    rule: GroupRule,
    rows: Sequence[GroupPartition],
    since: Callable[[GroupPartition], int | None] = lambda _: None,
    detail: str = "",
) -> list[GroupFinding]:
    """A finding about these partitions, since the first of them if that is known; none without partitions."""
    if not rows:
        return []
    times = [time for time in map(since, rows) if time is not None]
    return [GroupFinding(rule, tuple(row.partition for row in rows), detail, min(times, default=None))]


def _blocked(rows: Iterable[GroupPartition]) -> list[GroupFinding]:
    """A finding for each reason. The time of a block is not committed, but the offset did not move since."""
    by_reason: dict[str, list[GroupPartition]] = {}
    for row in rows:
        if row.block:
            by_reason.setdefault(row.block, []).append(row)
    findings: list[GroupFinding] = []
    for reason, blocked in by_reason.items():
        findings += _finding(GroupRule.BLOCKED, blocked, lambda row: row.moved_at, reason)
    return findings


def _stands_since(view: GroupView, row: GroupPartition) -> int | None:
    """
    Since when the offset could have moved and did not; None if that is not known.

    Nothing is known of an offset that another client committed. A record can be of the future, because its producer
    chooses its time.
    """
    if not row.lag or row.oldest_at is None:
        return None
    oldest_at = min(row.oldest_at, view.read_at)
    if row.committed == NO_OFFSET:
        return oldest_at
    return None if row.moved_at is None else max(oldest_at, row.moved_at)


def _is_stalled(view: GroupView, row: GroupPartition, limit: int) -> bool:
    since = _stands_since(view, row)
    return since is not None and since <= limit


def _is_deleted(row: GroupPartition) -> bool:
    return row.committed is not None and row.begin is not None and 0 <= row.committed < row.begin
