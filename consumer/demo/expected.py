"""What must become of a sample record, in the words that the service counts by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deliver:
    """Reaches the source of this Sprig environment."""

    environment: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Has nothing to send, and is counted under this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """Reaches the dead-letter topic with this reason."""

    reason: str


Fate = Deliver | Skip | SetAside

ANONYMOUS = Skip("no_user_id")
TOMBSTONE = Skip("tombstone")
EMPTY = SetAside("empty_value")
UNDECODABLE = SetAside("undecodable")
TRAILING_BYTES = SetAside("trailing_bytes")
TOO_LARGE = SetAside("event_too_large")
REFUSED = SetAside("http_400")
