"""What is done with a rejected record: it becomes a dead letter, is skipped and counted, or blocks its partition."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from consumer.model import Blocked, DeadLetter, Pending, Rejected, Skipped, TrackEvent
from consumer.reasons import Reason

log = logging.getLogger(__name__)


class Discarded(NamedTuple):
    """A rejected record that is counted and not kept, because ON_REJECTED is `skip`."""

    rejected: Rejected


RejectedRecord = DeadLetter | Discarded
"""A rejected record that its partition passes."""

ProcessedRecord = TrackEvent | Skipped | RejectedRecord | Pending | Blocked
"""What a record becomes once the reject policy was applied."""


@dataclass(frozen=True, slots=True)
class RejectPolicy:
    """`dead-letter`, `skip` or `block`: for rejected records in general, and for record types without a contract."""

    rejected: str
    unknown_record: str

    def apply(self, dead_letter: DeadLetter) -> DeadLetter | Discarded | Skipped | Blocked:
        """
        What becomes of the record. It is logged with its address and its reason.

        ON_UNKNOWN_RECORD=skip is a rule for a type of record, as a contract has rules, so it rejects nothing.
        """
        reason = dead_letter.rejected.reason
        action = self.unknown_record if reason == Reason.UNKNOWN_RECORD else self.rejected
        level = logging.WARNING  # the reason is in the data of the sender
        if reason in (Reason.NO_WRITE_KEY, Reason.INTERNAL_ERROR):  # a wrong setting, a defect of the service
            level = logging.ERROR
        log.log(level, "record rejected", extra={**log_fields(dead_letter), "action": action})
        if action == "dead-letter":
            return dead_letter
        if action == "block":
            return Blocked(reason, offset=dead_letter.record.offset)
        if reason == Reason.UNKNOWN_RECORD:
            return Skipped(reason)
        return Discarded(dead_letter.rejected)

    @property
    def writes_dead_letters(self) -> bool:
        """Whether the dead-letter topic is used at all."""
        return "dead-letter" in (self.rejected, self.unknown_record)


def log_fields(dead_letter: DeadLetter) -> Mapping[str, object]:
    """The address and the reason of a dead letter, for a log line."""
    rejected = dead_letter.rejected
    return {
        "partition": dead_letter.record.partition,
        "offset": dead_letter.record.offset,
        "reason": rejected.reason,
        "stage": rejected.stage,
        "detail": rejected.detail,
    }
