"""The schema keys that are to be looked up, and which of them is looked up next."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumer.avro.schema_keys import SchemaKey
from consumer.waits import Wait, WaitKind

FORGET_AFTER_SECONDS = 60.0
MAX_LOOKUPS = 1_000


@dataclass(slots=True)
class Lookup:
    """
    A key to look up at `due` or later. Times are in monotonic seconds.

    `requested_at` is when a record last needed the key. `not_found_since` is infinite until the registry answers that
    it does not know the key. An incomplete schema is logged again at `next_warning_at`. `obstacle` says why the answers
    were of no use since `waiting_since`, "" before the first answer.
    """

    due: float
    requested_at: float
    attempts: int = 0
    not_found_since: float = math.inf
    next_warning_at: float = -math.inf
    obstacle: str = ""
    waiting_since: float = -math.inf

    def note_obstacle(self, reason: str, now: float) -> None:
        """The registry answered, and the schema cannot be used yet."""
        if not self.obstacle:
            self.waiting_since = now
        self.obstacle = reason


class PendingLookups:
    """
    At most MAX_LOOKUPS keys, each of which a record needed within FORGET_AFTER_SECONDS.

    The key with the fewest attempts goes first, so neither a flood of made-up ids nor an id that the registry cannot
    answer delays another key.
    """

    def __init__(self) -> None:
        self._lookups: dict[SchemaKey, Lookup] = {}

    def __len__(self) -> int:
        return len(self._lookups)

    def __contains__(self, key: SchemaKey) -> bool:
        return key in self._lookups

    def are_requested(self, now: float) -> bool:
        """Whether a record still needs a key."""
        return any(_is_requested(lookup, now) for lookup in self._lookups.values())

    def waits(self, now: float) -> Sequence[Wait]:
        """The schemas that the registry was asked for in vain so far, and that a record still needs."""
        return [
            Wait(WaitKind.SCHEMA, str(key), lookup.waiting_since, lookup.obstacle, lookup.due)
            for key, lookup in self._lookups.items()
            if lookup.obstacle and _is_requested(lookup, now)
        ]

    def request(self, key: SchemaKey, now: float, not_found_since: Callable[[SchemaKey], float]) -> None:
        """A record needs the key. If there are too many keys, the record has to ask again."""
        if key in self._lookups:
            self._lookups[key].requested_at = now
        elif len(self._lookups) < MAX_LOOKUPS:
            self._lookups[key] = Lookup(now, now, not_found_since=not_found_since(key))

    def next_key(self, now: float) -> SchemaKey | None:
        """The key whose look-up begins now; None if none is due."""
        self._forget_unrequested(now)
        due = [key for key, lookup in self._lookups.items() if lookup.due <= now]
        if not due:
            return None
        key = min(due, key=self._priority)
        self._lookups[key].attempts += 1
        return key

    def take(self, key: SchemaKey, now: float) -> Lookup:
        """Remove the key, whose look-up has ended, also if it was forgotten meanwhile."""
        return self._lookups.pop(key, Lookup(now, now))

    def repeat(self, key: SchemaKey, lookup: Lookup) -> None:
        self._lookups[key] = lookup

    def _forget_unrequested(self, now: float) -> None:
        """No record needs the key of a partition that was revoked."""
        self._lookups = {key: lookup for key, lookup in self._lookups.items() if _is_requested(lookup, now)}

    def _priority(self, key: SchemaKey) -> tuple[int, float]:
        """The key with the smallest priority is looked up first."""
        return self._lookups[key].attempts, self._lookups[key].due


def _is_requested(lookup: Lookup, now: float) -> bool:
    return now - lookup.requested_at < FORGET_AFTER_SECONDS
