"""The keys that the registry did not find for so long that their records are rejected."""

import math
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from consumer.avro.schema_keys import SchemaKey

CONFIRM_SECONDS = 60.0
"""How long the registry must not find a key: a schema that was just registered takes a while to reach every replica."""
ENTRY_SECONDS = 300.0
MAX_ENTRIES = 10_000

_MAX_HALVINGS = 10


class _Entry(NamedTuple):
    not_found_since: float
    expires_at: float


class NegativeCache:
    """
    Entries, oldest first and at most MAX_ENTRIES, because a producer can make up any number of ids.

    An expired entry stays and still says since when its key was not found: one more "not found" renews the entry.
    All times are in monotonic seconds.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[SchemaKey, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def contains(self, key: SchemaKey, now: float) -> bool:
        """Whether the key has an entry that is not expired."""
        entry = self._entries.get(key)
        return entry is not None and now < entry.expires_at

    def not_found_since(self, key: SchemaKey) -> float:
        """Since when the key of an entry, expired or not, was not found; infinite if there is no entry."""
        entry = self._entries.get(key)
        return entry.not_found_since if entry else math.inf

    def confirm_seconds(self, now: float) -> float:
        """
        How long the registry must not find a key before the key gets an entry. Each valid entry halves this time.

        Otherwise each made-up id in a flood would block its partition buffer for a minute.
        """
        newest = islice(reversed(self._entries.values()), _MAX_HALVINGS)
        valid = sum(now < entry.expires_at for entry in newest)
        if valid == _MAX_HALVINGS:
            return 0.0
        return CONFIRM_SECONDS / float(2**valid)

    def add(self, key: SchemaKey, not_found_since: float, now: float) -> None:
        """The key has a valid entry from now on, for ENTRY_SECONDS."""
        self._entries[key] = _Entry(not_found_since, now + ENTRY_SECONDS)
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
