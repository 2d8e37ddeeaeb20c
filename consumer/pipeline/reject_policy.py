"""What is done with a rejected record: it becomes a dead letter, is skipped and counted, or blocks its partition."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.model import Blocked, DeadLetter, Skipped
from consumer.reasons import Reason

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RejectPolicy:
    """`dead-letter`, `skip` or `block`: for rejected records in general, and for record types without a contract."""

    rejected: str
    unknown_record: str

    def apply(self, dead_letter: DeadLetter) -> DeadLetter | Skipped | Blocked:
        """What becomes of the record. It is logged with its address and its reason."""
        reason = dead_letter.rejected.reason
        action = self.unknown_record if reason == Reason.UNKNOWN_RECORD else self.rejected
        level = logging.WARNING  # the reason is in the data of the sender
        if reason in (Reason.NO_WRITE_KEY, Reason.INTERNAL_ERROR):  # a wrong setting, a defect of the service
            level = logging.ERROR
        log.log(level, "record rejected", extra={**log_fields(dead_letter), "action": action})
        if action == "dead-letter":
            return dead_letter
        if action == "skip":
            return Skipped(reason)
        return Blocked(reason)

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
