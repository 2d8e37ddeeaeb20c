"""The whole group in one value: its members, and how far each partition is, as Kafka's own data says."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

NO_OFFSET = -1
"""The committed offset of a partition for which the group has none."""


class GroupState(StrEnum):
    """The state of the group, in Kafka's words."""

    STABLE = "stable"
    REBALANCING = "rebalancing"
    EMPTY = "empty"
    DEAD = "dead"
    """There is no such group: no member joined yet, or Kafka forgot the group."""
    UNKNOWN = "unknown"
    """Nobody answered, or the answer is not permitted; `GroupView.problems` says which."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member, as the coordinator knows it. `host` is the address that the broker sees. A text is "" if not known."""

    member_id: str
    client_id: str
    host: str
    instance_id: str = ""
    partitions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupPartition:
    """
    One partition of the topic. None means "not known" for each number and for `block`.

    `owner` is None if no known member has the partition; whether it has none at all is `GroupView.is_ownerless`.
    `begin` and `end` are the offsets of the log, and `committed` is the group's offset (`NO_OFFSET`: it has none).
    Times are in ms since 1970: `moved_at` is when the committed offset last moved, and `oldest_at` is the timestamp of
    the oldest record that waits, which is known only if a record waits. `block` is the reason that the last owner
    committed, "" if the partition is not blocked.
    """

    partition: int
    owner: GroupMember | None = None
    committed: int | None = None
    begin: int | None = None
    end: int | None = None
    moved_at: int | None = None
    oldest_at: int | None = None
    block: str | None = None

    @property
    def lag(self) -> int | None:
        """Offsets between the group's offset, or the oldest record if the group has none, and the end of the log."""
        if self.committed is None or self.begin is None or self.end is None:
            return None
        return max(0, self.end - max(self.committed, self.begin))


@dataclass(frozen=True, slots=True)
class GroupView:
    """
    What one read of the group gave. `read_at` is in ms since 1970, 0 before the first read.

    `partitions` are in their order. `problems` say what could not be read and which right is missing; what they
    concern is unknown in the other fields.
    """

    topic: str
    group: str
    state: GroupState = GroupState.UNKNOWN
    partitions: tuple[GroupPartition, ...] = ()
    members: tuple[GroupMember, ...] = ()
    read_at: int = 0
    problems: tuple[str, ...] = ()

    @property
    def lag(self) -> int | None:
        """The sum over all partitions; None if the lag of any partition is not known."""
        lags = [partition.lag for partition in self.partitions]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if known and len(known) == len(lags) else None

    def is_ownerless(self, partition: GroupPartition) -> bool | None:
        """Whether no member has the partition; None while this is not known or a rebalance is not over."""
        if partition.owner is not None:
            return False
        if self.state in (GroupState.UNKNOWN, GroupState.REBALANCING):
            return None
        return True

    def as_dict(self) -> Mapping[str, Any]:
        """The view as JSON can hold it; what is not known is null."""
        members = [_fields(member) for member in self.members]
        fields = {"topic": self.topic, "group": self.group, "state": self.state.value, "read_at": self.read_at}
        partitions = [self._partition(partition) for partition in self.partitions]
        return {**fields, "lag": self.lag, "problems": self.problems, "members": members, "partitions": partitions}

    def _partition(self, partition: GroupPartition) -> Mapping[str, Any]:
        owner = partition.owner
        member = {"member_id": owner.member_id, "client_id": owner.client_id, "host": owner.host} if owner else None
        return {**_fields(partition), "owner": member, "ownerless": self.is_ownerless(partition), "lag": partition.lag}


def _fields(value: GroupMember | GroupPartition) -> dict[str, Any]:
    """The fields as they are: `asdict` would copy the partitions of its owner for each partition."""
    return {field.name: getattr(value, field.name) for field in fields(value)}
