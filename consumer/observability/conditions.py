"""The conditions that stop or slow delivery: which of them hold now, since when, and why."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from consumer.observability.group_watch import GroupReport
from consumer.observability.snapshot import Block, PartitionState, Snapshot
from consumer.reasons import block_meaning
from consumer.waits import Wait, WaitKind

STALE_SECONDS = 60.0  # without an iteration of the loop
BEHIND_SECONDS = 3600.0  # as the alert SprigToSegmentBehind
MAX_NAMED = 10  # partitions in the subject of a condition


class ConditionKind(StrEnum):
    """The worst first. A condition that has a `WaitKind` has the same word."""

    STUCK = "stuck"
    UNACCOUNTED = "unaccounted"
    BLOCKED = "blocked"
    NO_ANSWER_FROM_KAFKA = WaitKind.KAFKA.value
    RECORDS_LOST = "records_lost"
    DRAINING = "draining"
    STARTING = "starting"
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
    block: Mapping[str, str] = {}


def conditions(snapshot: Snapshot, group: GroupReport, monotonic: float, now: float) -> Sequence[Condition]:
    """
    What holds now, the worst first; empty if delivery runs.

    `group` is the report of the whole group, empty if nobody read it. `monotonic` and `now` are the same moment, in
    monotonic seconds and in seconds since 1970.
    """
    epoch = now - monotonic
    present = [
        *_of_member(snapshot, monotonic, epoch),
        *(_of_block(block) for block in snapshot.blocks),
        *(_of_wait(wait, epoch) for wait in snapshot.waits),
        *_of_partitions(snapshot.partitions, now),
        *_of_group(group, snapshot.partitions.keys()),
    ]
    order = list(ConditionKind)
    return sorted(present, key=lambda condition: order.index(condition.kind))


def _of_member(snapshot: Snapshot, monotonic: float, epoch: float) -> Iterator[Condition]:
    if monotonic - snapshot.loop_ran_at >= STALE_SECONDS:
        yield Condition(ConditionKind.STUCK, "", snapshot.loop_ran_at + epoch)
    if snapshot.unaccounted:
        yield Condition(ConditionKind.UNACCOUNTED, "", None, f"{snapshot.unaccounted} records")
    counters = snapshot.counters
    if lost := counters.lost_to_retention + counters.lost_to_truncation:
        yield Condition(ConditionKind.RECORDS_LOST, "", None, f"{lost} records since the start of this member")
    if snapshot.draining:
        yield Condition(ConditionKind.DRAINING, "", None)
    elif not snapshot.is_group_member and not any(wait.kind == WaitKind.KAFKA for wait in snapshot.waits):
        yield Condition(ConditionKind.STARTING, "", None)


def _of_block(block: Block) -> Condition:
    fields = block._asdict()
    since, subject = fields.pop("since"), fields.pop("target")
    return Condition(ConditionKind.BLOCKED, subject, since, block_meaning(block.reason), block=fields)


def _of_wait(wait: Wait, epoch: float) -> Condition:
    next_try_at = wait.next_try_at + epoch if wait.next_try_at > float("-inf") else None
    since = wait.since + epoch if wait.since > float("-inf") else None
    return Condition(ConditionKind(wait.kind.value), wait.subject, since, wait.reason, next_try_at)


def _of_partitions(partitions: Mapping[int, PartitionState], now: float) -> Iterator[Condition]:
    """Old records that are worked off. Their age alone says nothing of a cause."""
    oldest = min((state.oldest for state in partitions.values() if state.oldest), default=now)
    if now - oldest >= BEHIND_SECONDS:
        yield Condition(ConditionKind.BEHIND, "", None)


def _of_group(group: GroupReport, own: Collection[int]) -> Iterator[Condition]:
    """What the rules find in the whole group; of the blocks only those that another member reports."""
    for finding in group.get("findings", ()):
        kind = _BY_RULE.get(finding["rule"])
        since = None if finding["since"] is None else finding["since"] / 1000
        if kind == ConditionKind.BLOCKED:
            foreign = [partition for partition in finding["partitions"] if partition not in own]
            block = {"reason": finding["detail"], "records": ""}
            if foreign:
                yield Condition(kind, _names(foreign), since, block_meaning(finding["detail"]), block=block)
        elif kind is not None:
            yield Condition(kind, _names(finding["partitions"]), since, finding["detail"])


def _names(partitions: Sequence[int]) -> str:
    """The partitions for people; "" for none, which is the whole group."""
    if not partitions:
        return ""
    rest = f" and {len(partitions) - MAX_NAMED} more" if len(partitions) > MAX_NAMED else ""
    noun = "partition" if len(partitions) == 1 else "partitions"
    return f"{noun} {', '.join(map(str, partitions[:MAX_NAMED]))}{rest}"


class FirstSeen:
    """When each kind of condition was first seen, until it is not seen any more, for those whose start nobody knows."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._since: Mapping[ConditionKind, float] = {}

    def complete(self, present: Sequence[Condition]) -> Sequence[Condition]:
        """The same conditions, each with the time since when it holds."""
        now = self._clock()
        self._since = {condition.kind: self._since.get(condition.kind, now) for condition in present}
        return [
            condition._replace(since=self._since[condition.kind]) if condition.since is None else condition
            for condition in present
        ]
