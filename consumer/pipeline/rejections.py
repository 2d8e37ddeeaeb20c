"""How many records of a partition were rejected in a row, and after how many the partition is blocked."""

from typing import NamedTuple

from consumer.model import DeadLetter, Skipped
from consumer.reasons import BlockReason, Reason

MAX_CONSECUTIVE_INTERNAL_ERRORS = 10
"""A defect of the service must neither reject nor skip a whole stream."""


class ConsecutiveRejections(NamedTuple):
    """Rejected records in a row: how many became dead letters, and how many had an internal error."""

    dead_letters: int = 0
    internal_errors: int = 0

    def after(self, processed: DeadLetter | Skipped) -> "ConsecutiveRejections":
        """
        The numbers with one more rejected record.

        Of the records that ON_REJECTED skips, only those with an internal error count.
        """
        dead_letters, internal_errors = self
        if isinstance(processed, Skipped):
            return ConsecutiveRejections(dead_letters, internal_errors + 1)
        if processed.rejected.reason == Reason.INTERNAL_ERROR:
            internal_errors += 1
        # A missing write key is a wrong setting and says nothing about the stream, so it is not counted.
        if processed.rejected.reason != Reason.NO_WRITE_KEY:
            dead_letters += 1
        return ConsecutiveRejections(dead_letters, internal_errors)

    def block_reason(self, max_dead_letters: int) -> BlockReason | None:
        """Why the last of these records must not be passed, None if it may be."""
        if self.internal_errors > MAX_CONSECUTIVE_INTERNAL_ERRORS:
            return BlockReason.INTERNAL_ERROR
        if self.dead_letters > max_dead_letters:
            return BlockReason.DEAD_LETTER_LIMIT
        return None


NO_REJECTIONS = ConsecutiveRejections()
