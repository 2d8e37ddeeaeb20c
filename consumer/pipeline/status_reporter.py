"""What the loop tells operators: counters, one snapshot an iteration, and a log line when something begins or ends."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import NamedTuple, Protocol

from consumer.internal_errors import describe
from consumer.model import (
    Accepted,
    BatchRequest,
    Misconfigured,
    Outcome,
    Refused,
    Retry,
    WriteKey,
)
from consumer.observability.snapshot import Block, Counters, PartitionState, Snapshot
from consumer.pipeline.blocks import BlockHistory, KeyState
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.log_summary import LogSummary
from consumer.pipeline.losses import Losses
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.reasons import Reason
from consumer.waits import Wait, WaitKind

log = logging.getLogger(__name__)

OtherBlocks = Callable[[], Sequence[Block]]

OUTCOMES = {Accepted: "accepted", Retry: "retried", Refused: "refused", Misconfigured: "misconfigured"}


class MemberState(Protocol):
    """What is reported of the group's member."""

    @property
    def is_group_member(self) -> bool: ...
    def last_error(self, since: float) -> str: ...
    @property
    def paused(self) -> Set[int]: ...
    def end_offset(self, partition: int) -> int: ...


class PortReports(NamedTuple):
    """
    What other parts report: commits by result, look-ups by outcome, framings by name, changed values by what was done,
    and what the parts wait for.
    """

    commits: Mapping[str, int]
    lookups: Mapping[str, int]
    framings: Mapping[str, int]
    changed_values: Mapping[str, int]
    waits: Sequence[Wait] = ()
    blocks: Mapping[int, str] = {}
    """Why partitions are blocked: by themselves, or by a write key."""


class StatusReporter:
    """`counters` belong to the loop's thread; any thread may read `latest`."""

    def __init__(self, now: float, summary_interval: float = 0.0, other_blocks: OtherBlocks = tuple) -> None:
        """
        `summary_interval`: seconds between two log lines with counts; 0 for no lines. `other_blocks` are those of parts
        that the loop does not know.
        """
        self.counters = Counters()
        self._latest = Snapshot(now, outside_group_since=now)
        self._blocks, self._other_blocks = BlockHistory(), other_blocks
        self._finished = 0
        self._settled_at = 0.0
        self._is_failing = False
        self._losses = Losses()
        self._was_member, self._outside_since, self._start_reason = False, now, ""
        self._summary = LogSummary(summary_interval, now)

    def latest(self) -> Snapshot:
        return self._latest

    def starting(self, reason: str, now: float) -> None:
        """No broker answers yet, for this reason: the service is still starting, and not stuck."""
        waits = self._latest.waits or [Wait(WaitKind.KAFKA, "", now, reason)]
        self._latest = replace(self._latest, loop_ran_at=now, waits=[waits[0]._replace(reason=reason)])

    def topic_unreadable(self, reason: str) -> None:
        """Why nothing can be read, as far as is known at the start."""
        self._start_reason = reason

    def answered(self, request: BatchRequest, outcome: Outcome, now: float) -> None:
        self.counters.requests[_outcome_name(outcome)] += 1
        self.counters.request_seconds.add(now - request.started_at)
        self.counters.request_events.add(sum(len(chunk.events) for chunk in request.chunks))
        if not isinstance(outcome, Accepted):
            fields = {"environment": request.key.environment, **_log_fields(outcome)}
            level = logging.WARNING
            if outcome.reason == Reason.INTERNAL_ERROR:  # a defect of the service
                level = logging.ERROR
            log.log(level, "Segment request failed", extra=fields)

    def rebalanced(self, kind: str, partitions: Sequence[int]) -> None:
        self.counters.rebalances[kind] += 1
        log.info("partitions %s", kind, extra={"partitions": sorted(partitions)})

    def publish(
        self,
        buffers: PartitionBuffers,
        keys: Mapping[WriteKey, KeyState],
        member: MemberState,
        others: PortReports,
        now: float,
        draining: bool,
    ) -> None:
        """
        Replace the snapshot. It is called when no record is between two places.

        An error is logged once and does not stop the loop.
        """
        try:
            self._latest = self._snapshot(buffers, keys, member, others, now, draining)
            self._summary.log_if_due(self._latest, now)
            self._is_failing = False
        except Exception as error:  # noqa: BLE001 - a defect of ours, which concerns no record
            self._latest = replace(self._latest, loop_ran_at=now)
            if not self._is_failing:
                log.error("status not published, delivery continues", extra={"error": describe(error)})
            self._is_failing = True

    def _snapshot(
        self,
        buffers: PartitionBuffers,
        keys: Mapping[WriteKey, KeyState],
        member: MemberState,
        others: PortReports,
        now: float,
        draining: bool,
    ) -> Snapshot:
        self.counters.commits = Counter(others.commits)
        self.counters.lookups, self.counters.framings = Counter(others.lookups), Counter(others.framings)
        self.counters.changed_values = Counter(others.changed_values)
        if self.counters.finished != self._finished:
            self._finished, self._settled_at = self.counters.finished, time.time()
        self._losses.note(self.counters, now)
        if is_member := member.is_group_member:
            self._was_member, self._outside_since, self._start_reason = True, now, ""
        return Snapshot(
            loop_ran_at=now,
            counters=self.counters.copy(),
            waiting=sum(buffer.waiting for buffer in buffers),
            in_flight=sum(buffer.in_flight for buffer in buffers),
            blocks=[*self._blocks.update(keys, buffers.blocked), *self._other_blocks()],
            waits=others.waits,
            open_until={key.environment: state.open_until for key, state in keys.items()},
            partitions={buffer.partition: _partition_state(buffer, member, others.blocks) for buffer in buffers},
            settled_at=self._settled_at,
            deleted_at=self._losses.deleted_at,
            truncated_at=self._losses.truncated_at,
            is_group_member=is_member,
            was_group_member=self._was_member,
            outside_group_since=self._outside_since,
            outside_group_reason=member.last_error(self._outside_since) or self._start_reason,
            draining=draining,
        )


def _partition_state(buffer: PartitionBuffer, member: MemberState, blocks: Mapping[int, str]) -> PartitionState:
    oldest = buffer.oldest
    return PartitionState(
        lag=_lag(member.end_offset(buffer.partition), buffer.committable_offset),
        records=buffer.waiting + buffer.in_flight,
        memory_bytes=buffer.waiting_bytes + buffer.open_bytes,
        paused=buffer.partition in member.paused,
        oldest=max(0, oldest.timestamp) / 1000 if oldest else 0.0,
        block=blocks.get(buffer.partition, ""),
    )


def _lag(end: int, committable: int | None) -> int:
    """Records between the committable offset and the partition's end; -1 if one of the two is not known."""
    if end < 0 or committable is None:
        return -1
    return max(0, end - committable)


def _outcome_name(outcome: Outcome) -> str:
    if isinstance(outcome, Retry) and outcome.throttled:
        return "throttled"
    return OUTCOMES[type(outcome)]


def _log_fields(outcome: Retry | Refused | Misconfigured) -> Mapping[str, object]:
    fields: dict[str, object] = {"outcome": _outcome_name(outcome), "reason": outcome.reason}
    if isinstance(outcome, Retry):
        fields |= {"detail": outcome.detail, "retry_after_seconds": outcome.wait}
    return fields
