"""The conditions that stop or slow delivery: which of them hold now, since when, and why."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from consumer.observability.group_watch import GroupReport
from consumer.observability.snapshot import Block, PartitionState, Snapshot
from consumer.reasons import BlockReason, block_meaning
from consumer.waits import MAX_NAMED, Wait, WaitKind, partition_names

STALE_SECONDS = 60.0  # without an iteration of the loop
BEHIND_SECONDS = 3600.0  # as the alert SprigToSegmentBehind
LOST_SECONDS = 3600.0  # as long as the alert SprigToSegmentRecordsLost fires for a loss
STARTING_SECONDS = 300.0  # a start that takes longer does not end by itself


class ConditionKind(StrEnum):
    """The worst first. A condition that has a `WaitKind` or a `BlockReason` has the same word."""

    STUCK = "stuck"
    UNACCOUNTED = "unaccounted"
    BLOCKED = "blocked"
    NO_ANSWER_FROM_KAFKA = WaitKind.KAFKA.value
    CANNOT_BE_READ = WaitKind.PARTITION.value
    RECORDS_LOST = "records_lost"
    LOG_TRUNCATED = BlockReason.LOG_TRUNCATED.value
    NOT_STARTED = "not_started"
    DRAINING = "draining"
    STARTING = "starting"
    REJOINING = "rejoining"
    NO_MEMBERS = "no_members"
    NO_OWNER = "no_owner"
    NOT_MOVING = "not_moving"
    WAITING_FOR_SEGMENT = WaitKind.SEGMENT.value
    THROTTLED = WaitKind.THROTTLED.value
    WAITING_FOR_REGISTRY = WaitKind.REGISTRY.value
    WAITING_FOR_SCHEMA = WaitKind.SCHEMA.value
    DEAD_LETTER_NOT_WRITTEN = WaitKind.DEAD_LETTER.value
    COMMITS_FAIL = WaitKind.COMMIT.value
    BEHIND = "behind"
    LOST_BEFORE = "lost_before"


_BY_RULE: Mapping[str, ConditionKind] = {
    "no_members": ConditionKind.NO_MEMBERS,
    "no_owner": ConditionKind.NO_OWNER,
    "not_moving": ConditionKind.NOT_MOVING,
    "blocked": ConditionKind.BLOCKED,
    "records_deleted": ConditionKind.RECORDS_LOST,
}
"""The rules for the whole group. What could not be read is shown with the group."""


class Condition(NamedTuple):
    """
    One condition that holds. Times are in seconds since 1970; None is "not known".

    `subject` is the write key, the partition, the schema or the record concerned, "" if it is the whole member.
    `block` has the details of a block, and is empty for the other kinds.
    """

    kind: ConditionKind
    subject: str
    since: float | None
    reason: str = ""
    next_try_at: float | None = None
    block: Mapping[str, Any] = {}


def conditions(snapshot: Snapshot, group: GroupReport, monotonic: float, now: float) -> Sequence[Condition]:
    """
    What holds now, the worst first; empty if delivery runs.

    `group` is the report of the whole group, empty if nobody read it. `monotonic` and `now` are the same moment, in
    monotonic seconds and in seconds since 1970.
    """
    epoch = now - monotonic
    present = [
        *_of_member(snapshot, monotonic, epoch),
        *_of_blocks(snapshot.blocks),
        *_merged(_of_wait(wait, epoch) for wait in snapshot.waits),
        *_of_partitions(snapshot.partitions, now),
        *_of_group(group, snapshot),
    ]
    order = list(ConditionKind)
    return sorted(present, key=lambda condition: order.index(condition.kind))


def _of_member(snapshot: Snapshot, monotonic: float, epoch: float) -> Iterator[Condition]:
    if monotonic - snapshot.loop_ran_at >= STALE_SECONDS:
        yield Condition(ConditionKind.STUCK, "", snapshot.loop_ran_at + epoch)
    if snapshot.unaccounted:
        yield Condition(ConditionKind.UNACCOUNTED, "", None, f"{snapshot.unaccounted} records")
    yield from _of_losses(snapshot, monotonic, epoch)
    if snapshot.draining:
        yield Condition(ConditionKind.DRAINING, "", None)
    elif not snapshot.is_group_member and not any(wait.kind == WaitKind.KAFKA for wait in snapshot.waits):
        yield _outside_group(snapshot, monotonic, epoch)


def _of_losses(snapshot: Snapshot, monotonic: float, epoch: float) -> Iterator[Condition]:
    """Red as long as the alert fires. Then a restart would be the only end of it, so it stays as a note."""
    counters = snapshot.counters
    losses = (
        (ConditionKind.RECORDS_LOST, counters.lost_to_retention, snapshot.deleted_at),
        (ConditionKind.LOG_TRUNCATED, counters.lost_to_truncation, snapshot.truncated_at),
    )
    for kind, lost, lost_at in losses:
        if lost:
            present = kind if monotonic - lost_at < LOST_SECONDS else ConditionKind.LOST_BEFORE
            yield Condition(present, "", lost_at + epoch, f"{lost} records since the start of this member")


def _outside_group(snapshot: Snapshot, monotonic: float, epoch: float) -> Condition:
    kind = ConditionKind.REJOINING if snapshot.was_group_member else ConditionKind.STARTING
    if monotonic - snapshot.outside_group_since >= STARTING_SECONDS:
        kind = ConditionKind.NOT_STARTED
    return Condition(kind, "", snapshot.outside_group_since + epoch, snapshot.outside_group_reason)


def _of_blocks(blocks: Sequence[Block]) -> Iterator[Condition]:
    """One condition for the partitions that are blocked for the same reason, and one for each write key."""
    partitions: dict[tuple[str, ...], list[Block]] = {}
    for block in blocks:
        if block.partition is None:
            yield _of_block(block, block.target)
        else:
            partitions.setdefault((block.reason, block.reject_reason, block.settings), []).append(block)
    for alike in partitions.values():
        names = partition_names(sorted(block.partition for block in alike if block.partition is not None))
        records = [block.records for block in alike if block.records]
        rest = f" and {len(records) - MAX_NAMED} more" if len(records) > MAX_NAMED else ""
        first = min(alike, key=lambda block: block.since)
        yield _of_block(first._replace(records=", ".join(records[:MAX_NAMED]) + rest), names)


def _of_block(block: Block, subject: str) -> Condition:
    fields = block._asdict()
    since = fields.pop("since")
    del fields["target"]
    return Condition(ConditionKind.BLOCKED, subject, since, block_meaning(block.reason), block=fields)


def _merged(waits: Iterable[Condition]) -> Iterator[Condition]:
    """One condition for all that wait for the same reason, such as many schemas."""
    alike: dict[tuple[ConditionKind, str], list[Condition]] = {}
    for wait in waits:
        alike.setdefault((wait.kind, wait.reason), []).append(wait)
    for waiting in alike.values():
        subjects = [wait.subject for wait in waiting if wait.subject]
        rest = f" and {len(subjects) - MAX_NAMED} more" if len(subjects) > MAX_NAMED else ""
        subject = ", ".join(subjects[:MAX_NAMED]) + rest
        yield min(waiting, key=lambda wait: wait.since or 0)._replace(subject=subject)


def _of_wait(wait: Wait, epoch: float) -> Condition:
    next_try_at = wait.next_try_at + epoch if wait.next_try_at > float("-inf") else None
    since = wait.since + epoch if wait.since > float("-inf") else None
    return Condition(ConditionKind(wait.kind.value), wait.subject, since, wait.reason, next_try_at)


def _of_partitions(partitions: Mapping[int, PartitionState], now: float) -> Iterator[Condition]:
    """Old records that are worked off. Their age alone says nothing of a cause."""
    oldest = min((state.oldest for state in partitions.values() if state.oldest), default=now)
    if now - oldest >= BEHIND_SECONDS:
        yield Condition(ConditionKind.BEHIND, "", None)


def _of_group(group: GroupReport, snapshot: Snapshot) -> Iterator[Condition]:
    """
    What the rules find in the whole group.

    This member itself knows why its own partitions are blocked, and why they do not move while it waits.
    """
    own: Collection[int] = snapshot.partitions.keys()
    explained = own if snapshot.blocks or snapshot.waits else ()
    for finding in group.get("findings", ()):
        kind = _BY_RULE.get(finding["rule"])
        since = None if finding["since"] is None else finding["since"] / 1000
        if kind == ConditionKind.BLOCKED:
            foreign = [partition for partition in finding["partitions"] if partition not in own]
            block = {"reason": finding["detail"], "records": "", "reject_reason": ""}
            if foreign:
                yield Condition(kind, partition_names(foreign), since, block_meaning(finding["detail"]), block=block)
        elif kind == ConditionKind.NOT_MOVING:
            standing = [partition for partition in finding["partitions"] if partition not in explained]
            if standing:
                yield Condition(kind, partition_names(standing), since, finding["detail"])
        elif kind is not None:
            yield Condition(kind, partition_names(finding["partitions"]), since, finding["detail"])
