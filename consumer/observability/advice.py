"""What each condition means for an operator: its words, what is lost, what to do, and the section of the runbook."""

import socket
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from consumer.observability.conditions import Condition, ConditionKind
from consumer.reasons import BlockReason

Severity = Literal["act", "watch"]
"""`act`: somebody has to act now. `watch`: it ends by itself, or can wait."""


class Advice(NamedTuple):
    """
    `label` is the word of the badge, and `text` says what holds. `anchor` is a section of docs/runbook.md.

    `command` is what to run, "" if there is nothing to run.
    """

    severity: Severity
    label: str
    text: str
    anchor: str
    todo: str
    command: str = ""
    lost: str = (
        "Nothing is lost. The offsets of these records are not committed, so the records wait in Kafka until the "
        "retention of the topic ends."
    )


_CHECK = "sprig-to-segment check"
_PODS = "kubectl get pods --selector app.kubernetes.io/name=sprig-to-segment"
_LOG = f"kubectl logs {socket.gethostname()} --since=15m"  # in Kubernetes the host has the name of the pod

_ADVICE: Mapping[ConditionKind, Advice] = {
    ConditionKind.STUCK: Advice(
        *("act", "stuck", "The loop of this member stands still."),
        *("sprigtosegmentrestarting", "Save the log. The liveness probe restarts the member.", _LOG),
    ),
    ConditionKind.UNACCOUNTED: Advice(
        *("act", "defect", "The records read are not the sum of the records in all other counts: a defect."),
        *("sprigtosegmentunaccounted", "Save the log and status.json. Then restart the member.", _LOG),
        lost="Not known. After the restart, records that are not committed are read again.",
    ),
    ConditionKind.BLOCKED: Advice(
        *("act", "blocked", "Delivery is blocked until somebody acts."),
        *("sprigtosegmentblocked", "Fix the cause. A blocked partition continues after a restart.", _CHECK),
    ),
    ConditionKind.NO_ANSWER_FROM_KAFKA: Advice(
        *("act", "no answer from Kafka", "No broker answers this member."),
        *("sprigtosegmentnotjoined", "Fix what the reason names. The member retries by itself.", _CHECK),
    ),
    ConditionKind.CANNOT_BE_READ: Advice(
        *("act", "cannot be read", "The brokers give no records of a partition. The client retries by itself."),
        *("the-state-of-the-group", "Fix what the reason names: a right, or a broker that is down.", _CHECK),
    ),
    ConditionKind.LOG_TRUNCATED: Advice(
        *("act", "log truncated", "A broker lost records that were read."),
        *("sprigtosegmentlogtruncated", "Find out which broker lost its log, and why.", _LOG),
        lost="Records that were read and not delivered are gone. Those that were delivered are at Segment.",
    ),
    ConditionKind.LOST_BEFORE: Advice(
        *("watch", "records lost before", "More than an hour ago, Kafka did not have records any more."),
        *("sprigtosegmentrecordslost", "Get the same responses from the export of Sprig.", _LOG),
        lost="These records are gone from the topic. The note ends with the next start of this member.",
    ),
    ConditionKind.NOT_STARTED: Advice(
        *("act", "not in the group", "The member is not in its consumer group for more than five minutes."),
        *("sprigtosegmentnotjoined", "Fix what the reason names. The member retries by itself.", _CHECK),
    ),
    ConditionKind.REJOINING: Advice(
        *("watch", "rejoining", "The member was in its consumer group, and joins it again."),
        *("sprigtosegmentnotjoined", "Wait for a minute. Then check the configuration.", _CHECK),
    ),
    ConditionKind.RECORDS_LOST: Advice(
        *("act", "records lost", "Kafka no longer has records that were not delivered."),
        *("sprigtosegmentrecordslost", "Get the same responses from the export of Sprig.", _LOG),
        lost="These records are gone from the topic, or were lost with the log of a broker after they were read.",
    ),
    ConditionKind.DRAINING: Advice(
        *("watch", "draining", "The member finishes what is in flight and gives partitions up."),
        *("the-service-did-not-stop-in-time", "Wait. The drain ends within SHUTDOWN_TIMEOUT_SECONDS."),
    ),
    ConditionKind.STARTING: Advice(
        *("watch", "starting", "The member is not in its consumer group yet."),
        *("sprigtosegmentnotjoined", "Wait for a minute. Then check the configuration.", _CHECK),
    ),
    ConditionKind.NOT_MOVING: Advice(
        *("act", "no progress", "Records wait, and the committed offset does not move."),
        *("not_moving", "Look at the page and at the log of the owner of the partition.", _LOG),
    ),
    ConditionKind.NO_MEMBERS: Advice(
        *("act", "no members", "The group has no member, so nothing is delivered."),
        *("no_members", "Look whether the members run, and why they are not in the group.", _PODS),
    ),
    ConditionKind.NO_OWNER: Advice(
        *("act", "no owner", "No member of the group reads the partition."),
        *("no_owner", "Restart one member, so that the group divides its partitions again.", _PODS),
    ),
    ConditionKind.WAITING_FOR_SEGMENT: Advice(
        *("watch", "waiting for Segment", "Requests to Segment fail. The service retries them without end."),
        *("sprigtosegmentfailing", "If Segment is down, wait. If not, check DNS, TLS and egress rules.", _LOG),
    ),
    ConditionKind.THROTTLED: Advice(
        *("watch", "throttled", "Segment asks to send later."),
        "sprigtosegmentthrottled",
        "After a backlog, wait. If it happens often, set MAX_EVENTS_PER_SECOND, which counts for each member.",
    ),
    ConditionKind.WAITING_FOR_REGISTRY: Advice(
        *("watch", "waiting for the registry", "The schema registry does not answer. Known schemas still work."),
        *("sprigtosegmentschemaregistry", "Fix what the reason names. Do not restart meanwhile.", _CHECK),
    ),
    ConditionKind.WAITING_FOR_SCHEMA: Advice(
        *("watch", "waiting for a schema", "The schema registry answers, but does not give this schema."),
        *("sprigtosegmentschemaregistry", "Register the schema, or grant the right to read it.", _CHECK),
    ),
    ConditionKind.DEAD_LETTER_NOT_WRITTEN: Advice(
        *("watch", "dead letter not written", "The dead-letter topic does not confirm a rejected record."),
        *("a-dead-letter-is-not-written", "Fix the topic, or the clock. No restart is needed.", _CHECK),
    ),
    ConditionKind.COMMITS_FAIL: Advice(
        *("watch", "commits fail", "Kafka refuses the offsets of delivered records. Delivery continues."),
        *("sprigtosegmentcommitsfailing", "Fix the cause within a day, and do not restart before.", _CHECK),
        lost="Nothing is lost. After a restart, events are sent again with the same messageIds.",
    ),
    ConditionKind.BEHIND: Advice(
        *("watch", "behind", "The oldest unsettled record is more than an hour old."),
        *("sprigtosegmentbehind", "After an outage, wait: the delay falls. If not, add members."),
    ),
}

_BLOCK_ANCHORS: Mapping[str, str] = {
    BlockReason.REJECTED_BEFORE_SUCCESS: "a-setting-is-wrong-for-all-records",
    BlockReason.EVERYTHING_REJECTED: "a-setting-is-wrong-for-all-records",
    BlockReason.INTERNAL_ERROR: "a-defect-of-the-service",
    BlockReason.OFFSET_OUT_OF_RANGE: "sprigtosegmentrecordslost",
    BlockReason.LOG_TRUNCATED: "sprigtosegmentlogtruncated",
    BlockReason.UNREADABLE_BATCH: "a-batch-cannot-be-unpacked",
}
"""The sections about one reason. Each other block reason has a row in the table of the alert."""

_TODO_OF_KEY = (
    "Fix the cause. The service probes the key, and continues by itself when Segment accepts a request. A changed "
    "setting requires a restart. With --send-test, the command asks Segment as well, by one marked event for each key."
)

_WITH_ROW = frozenset(map(str, BlockReason))


def advice(condition: Condition) -> Advice:
    """The advice of its kind, made precise by the condition."""
    general = _ADVICE[condition.kind]
    if condition.kind != ConditionKind.BLOCKED:
        return general
    reason = condition.block["reason"]
    anchor = _BLOCK_ANCHORS.get(reason, reason if reason in _WITH_ROW else general.anchor)
    is_key = "partition" in condition.block and condition.block["partition"] is None
    todo = _TODO_OF_KEY if is_key else general.todo
    return general._replace(anchor=anchor, todo=todo, command=_block_command(condition.block))


def _block_command(block: Mapping[str, Any]) -> str:
    """What shows the first record, if it was rejected; else the record says nothing, and the configuration does."""
    if not block["records"] or not block["reject_reason"]:
        return _CHECK
    first = block["records"].split(",", maxsplit=1)[0].split(maxsplit=1)[0]
    return f"sprig-to-segment preview --from {first} --count 1"
