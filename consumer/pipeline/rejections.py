"""How many records were rejected, in a partition and in the whole member, and after how many a partition is blocked."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from consumer.model import Blocked, DeadLetter, Rejected
from consumer.pipeline.reject_policy import RejectedRecord
from consumer.reasons import SETTINGS, VALUE_REASONS, BlockReason, Reason, is_reserved

MAX_CONSECUTIVE_INTERNAL_ERRORS = 10
"""A defect of the service must neither reject nor skip a whole stream."""

NO_LIMIT = sys.maxsize
ENDED_BY_SUCCESS = (BlockReason.REJECTED_BEFORE_SUCCESS, BlockReason.EVERYTHING_REJECTED)
"""The reasons to block a partition that a success of another partition ends, because the whole member is blocked."""


@dataclass(frozen=True, slots=True)
class RejectionLimits:
    """
    How many rejected records are passed: in a row in a partition, in a row in the member, and before its first success.

    Before the first success only those count that a wrong setting can cause.
    """

    in_partition: int
    in_member: int = NO_LIMIT
    before_success: int = NO_LIMIT


class PartitionRejections(NamedTuple):
    """Rejected records of a partition in a row: how many became dead letters, and how many had an internal error."""

    dead_letters: int = 0
    internal_errors: int = 0

    def after(self, processed: RejectedRecord) -> "PartitionRejections":
        """
        The numbers with one more rejected record.

        Of the records that ON_REJECTED skips, only those with an internal error count.
        """
        dead_letters, internal_errors = self
        reason = processed.rejected.reason
        if reason == Reason.INTERNAL_ERROR:
            internal_errors += 1
        # A missing write key is a wrong setting and says nothing about the partition, so only the member counts it.
        if isinstance(processed, DeadLetter) and reason != Reason.NO_WRITE_KEY:
            dead_letters += 1
        return PartitionRejections(dead_letters, internal_errors)

    def block_reason(self, limits: RejectionLimits) -> BlockReason | None:
        """Why the last of these records must not be passed, None if it may be."""
        if self.internal_errors > MAX_CONSECUTIVE_INTERNAL_ERRORS:
            return BlockReason.INTERNAL_ERROR
        if self.dead_letters > limits.in_partition:
            return BlockReason.DEAD_LETTER_LIMIT
        return None


class ReasonCount(NamedTuple):
    """How many records were rejected for a reason, and why the last of them was."""

    records: int
    last: Rejected


ReasonCounts = Mapping[str, ReasonCount]


class MemberRejections(NamedTuple):
    """
    The rejected records of all partitions since the last track event that the member made, by reason.

    An event shows that all settings are right. A record that a rule of a contract skips shows that values are read in
    the right way, and no more: the rules come first, and would hide a wrong contract or a wrong write key.
    """

    in_a_row: ReasonCounts = MappingProxyType({})
    has_skipped: bool = False
    has_made_event: bool = False

    def after(self, rejected: Rejected) -> "MemberRejections":
        """With one more rejected record."""
        earlier = self.in_a_row.get(rejected.reason)
        records = earlier.records if earlier else 0
        return self._replace(in_a_row={**self.in_a_row, rejected.reason: ReasonCount(records + 1, rejected)})

    def after_skips(self, reasons: Iterable[str]) -> "MemberRejections":
        """With records that were skipped for these reasons, of which only those that a contract names count."""
        has_skipped = self.has_skipped or not all(map(is_reserved, reasons))
        return self._replace(has_skipped=has_skipped)

    def block(self, limits: RejectionLimits) -> Blocked | None:
        """The block if the last of these records must not be passed, None if it may be."""
        for counts, limit, reason in self._limited(limits):
            if _total(counts) > limit:
                most_frequent = max(counts.values(), key=lambda of_reason: of_reason.records)
                return Blocked(reason, most_frequent.last)
        return None

    def may_reject_more(self, limits: RejectionLimits) -> bool:
        """Whether one more rejected record could be passed."""
        return all(_total(counts) < limit for counts, limit, _ in self._limited(limits))

    def _limited(self, limits: RejectionLimits) -> Iterable[tuple[ReasonCounts, int, BlockReason]]:
        """What has a limit, with the limit and with the reason to block beyond it."""
        return (
            (self._before_success(), limits.before_success, BlockReason.REJECTED_BEFORE_SUCCESS),
            (self.in_a_row, limits.in_member, BlockReason.EVERYTHING_REJECTED),
        )

    def _before_success(self) -> ReasonCounts:
        """The rejected records that a wrong setting may have caused, because no success shows that it is right."""
        if self.has_made_event:
            return {}
        return {reason: counts for reason, counts in self.in_a_row.items() if self._is_suspect(reason)}

    def _is_suspect(self, reason: str) -> bool:
        return bool(SETTINGS.get(reason)) and not (self.has_skipped and reason in VALUE_REASONS)


class Rejections(NamedTuple):
    """The rejected records that count for the next record of a partition."""

    of_partition: PartitionRejections = PartitionRejections()
    of_member: MemberRejections = MemberRejections()

    def after(self, processed: RejectedRecord) -> "Rejections":
        """With one more rejected record."""
        return Rejections(self.of_partition.after(processed), self.of_member.after(processed.rejected))

    def after_skips(self, reasons: Iterable[str]) -> "Rejections":
        """With records that were skipped for these reasons."""
        return self._replace(of_member=self.of_member.after_skips(reasons))

    def block(self, limits: RejectionLimits, last: Rejected) -> Blocked | None:
        """The block if the last of these records must not be passed, None if it may be."""
        reason = self.of_partition.block_reason(limits)
        if reason is not None:
            return Blocked(reason, last)
        return self.of_member.block(limits)


NO_REJECTIONS = Rejections()
EVENT_MADE = Rejections(of_member=MemberRejections(has_made_event=True))


def _total(counts: ReasonCounts) -> int:
    return sum([of_reason.records for of_reason in counts.values()])
