"""What `status` prints for people: the members, the partitions, and what somebody has to act for."""

from collections.abc import Sequence
from datetime import UTC, datetime

from consumer.cli.output import counted, print_text, table
from consumer.kafka.group_findings import GroupFinding, GroupRule
from consumer.kafka.group_view import NO_OFFSET, GroupMember, GroupPartition, GroupState, GroupView
from consumer.reasons import block_meaning

UNKNOWN, NONE = "unknown", "-"
MAX_ROWS = 50
"""Partitions of a topic that are all listed. Of a larger one only those with a lag or without an owner are."""
RUNBOOK = "docs/runbook.md#the-state-of-the-group"
_MAX_NAMED = 12
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def print_group(view: GroupView, findings: Sequence[GroupFinding], all_partitions: bool) -> None:
    """Print tables that fit a terminal. Ages count from the time of the read, which the first lines name."""
    numbers = {member.member_id: str(number) for number, member in enumerate(view.members, 1)}
    _print_members(view, numbers)
    _print_partitions(view, numbers, all_partitions)
    if not findings:
        print_text("Nothing to do.")
    for finding in findings:
        print_text(_sentence(finding), hanging=2)
    if findings:
        print_text(f"What to do: {RUNBOOK}", hanging=2)


def _print_members(view: GroupView, numbers: dict[str, str]) -> None:
    members = counted(len(view.members), "member")
    if view.state is GroupState.UNKNOWN:
        members = "members unknown"
    title = f"Group {view.group}: {view.state}, {members}; {_utc(view.read_at)}"
    lags = {row.partition: row.lag for row in view.partitions}
    rows = [_member_row(member, numbers[member.member_id], lags) for member in view.members]
    table(title, ("member", "host", "client", "instance", "partitions", "lag"), rows)


def _member_row(member: GroupMember, number: str, lags: dict[int, int | None]) -> Sequence[str]:
    own = [lags.get(partition) for partition in member.partitions]
    known = [lag for lag in own if lag is not None]
    lag = _number(sum(known) if len(known) == len(own) else None)
    names = (member.host or UNKNOWN, member.client_id or UNKNOWN, member.instance_id or NONE)
    return (number, *names, str(len(member.partitions)), lag)


def _print_partitions(view: GroupView, numbers: dict[str, str], all_partitions: bool) -> None:
    rows = view.partitions
    if len(rows) > MAX_ROWS and not all_partitions:
        rows = tuple(row for row in rows if row.lag != 0 or row.block or view.is_ownerless(row))
    hidden = len(view.partitions) - len(rows)
    notes = [f"{counted(hidden, 'partition')} without lag: list them with --all."] if hidden else []
    partitions = counted(len(view.partitions), "partition") if view.partitions else "partitions unknown"
    title = f"Topic {view.topic}: {partitions}, lag {_number(view.lag)}"
    columns = ("partition", "member", "committed", "lag", "oldest record", "last commit", "blocked")
    table(title, columns, [_partition_row(view, row, numbers) for row in rows], notes)


def _partition_row(view: GroupView, row: GroupPartition, numbers: dict[str, str]) -> Sequence[str]:
    owner = numbers[row.owner.member_id] if row.owner else UNKNOWN
    if view.is_ownerless(row):
        owner = "none"
    committed = "none" if row.committed == NO_OFFSET else _number(row.committed)
    oldest = NONE if row.lag == 0 else _age(row.oldest_at, view.read_at)
    moved = NONE if row.committed == NO_OFFSET else _age(row.moved_at, view.read_at)
    block = UNKNOWN if row.block is None and row.committed != NO_OFFSET else row.block or NONE
    return (str(row.partition), owner, committed, _number(row.lag), oldest, moved, block)


def _sentence(finding: GroupFinding) -> str:
    partitions = ", ".join(map(str, finding.partitions[:_MAX_NAMED]))
    if len(finding.partitions) > _MAX_NAMED:
        partitions += f" and {len(finding.partitions) - _MAX_NAMED} more"
    where = f" (partition {partitions})" if partitions else ""
    since = "" if finding.since is None else f", since {_utc(finding.since)}"
    return f"Act: {finding.rule}{where}: {_meaning(finding)}{since}"


def _meaning(finding: GroupFinding) -> str:
    match finding.rule:
        case GroupRule.UNKNOWN:
            return finding.detail
        case GroupRule.BLOCKED:
            return f"{finding.detail}, {block_meaning(finding.detail)}"
        case rule:
            return rule.meaning


def _number(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _age(millis: int | None, now: int) -> str:
    """How long ago, in its largest unit. The clock of a member may be ahead of this machine's."""
    if millis is None:
        return UNKNOWN
    seconds = max(0, now - millis) // 1000
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{seconds // size} {unit} ago"


def _utc(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
