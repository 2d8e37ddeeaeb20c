"""The expected outcome of a sample record, with the reasons that the service counts by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpectDelivered:
    """The event reaches the source of this Sprig environment."""

    environment: str

    def __str__(self) -> str:
        return f"delivered to {self.environment}"


@dataclass(frozen=True, slots=True)
class ExpectSkipped:
    """The record has nothing to send and is counted under this reason."""

    reason: str

    def __str__(self) -> str:
        return f"skipped as {self.reason}"


@dataclass(frozen=True, slots=True)
class ExpectDeadLetter:
    """The record reaches the dead-letter topic with this reason."""

    reason: str

    def __str__(self) -> str:
        return f"dead-lettered as {self.reason}"


ExpectedOutcome = ExpectDelivered | ExpectSkipped | ExpectDeadLetter

ANONYMOUS = ExpectSkipped("no_user_id")
TOMBSTONE = ExpectSkipped("tombstone")
EMPTY = ExpectDeadLetter("empty_value")
UNDECODABLE = ExpectDeadLetter("undecodable")
TRAILING_BYTES = ExpectDeadLetter("trailing_bytes")
TOO_LARGE = ExpectDeadLetter("event_too_large")
REFUSED = ExpectDeadLetter("http_400")
