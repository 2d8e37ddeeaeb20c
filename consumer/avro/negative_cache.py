"""Which keys a registry has denied for long enough to count."""

import math
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from consumer.avro.framing import SchemaKey

PATIENCE = 60.0
"""Seconds of denial until a verdict: a schema registered a moment ago takes a while to reach every replica."""
VERDICT_LASTS = 300.0
MAX_VERDICTS = 10_000

_HALVINGS = 10


class _Verdict(NamedTuple):
    since: float
    until: float


class Denials:
    """
    Verdicts, oldest first and at most MAX_VERDICTS, as whoever writes a record can make up ids.

    An expired verdict stays as the memory of how long its key has been denied: one more denial renews it.
    """

    def __init__(self) -> None:
        self._verdicts: OrderedDict[SchemaKey, _Verdict] = OrderedDict()

    def __len__(self) -> int:
        return len(self._verdicts)

    def stands(self, key: SchemaKey, now: float) -> bool:
        """Whether the key counts as denied."""
        verdict = self._verdicts.get(key)
        return verdict is not None and now < verdict.until

    def since(self, key: SchemaKey) -> float:
        """When an earlier verdict's key was first denied; infinite when there is none."""
        verdict = self._verdicts.get(key)
        return verdict.since if verdict else math.inf

    def patience(self, now: float) -> float:
        """
        Seconds that a key must have been denied for. Each standing verdict halves them.

        Each made-up id in a flood would otherwise hold its lane for a minute.
        """
        newest = islice(reversed(self._verdicts.values()), _HALVINGS)
        standing = sum(now < verdict.until for verdict in newest)
        return 0.0 if standing == _HALVINGS else PATIENCE / float(2**standing)

    def record(self, key: SchemaKey, since: float, now: float) -> None:
        """The key counts as denied from now on, for VERDICT_LASTS."""
        self._verdicts[key] = _Verdict(since, now + VERDICT_LASTS)
        self._verdicts.move_to_end(key)
        if len(self._verdicts) > MAX_VERDICTS:
            self._verdicts.popitem(last=False)
