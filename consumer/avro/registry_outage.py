"""The schema registry's silence: how long no look-up starts after a failure, and when the failure is logged."""

import logging
import math
from collections.abc import Sequence

from consumer.avro.schema_keys import SchemaKey
from consumer.avro.schema_lookup import RegistryMisconfigured, RegistryUnreachable
from consumer.waits import Wait, WaitKind

log = logging.getLogger(__name__)

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
WARNING_INTERVAL_SECONDS = 300.0


def backoff_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row, at least one."""
    return min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 10))


class RegistryOutage:
    """
    Look-ups in a row that got no answer. That says nothing about their keys, so all keys wait until `resume_at`.

    All times are in monotonic seconds.
    """

    def __init__(self) -> None:
        self.resume_at = -math.inf
        self._failures = 0
        self._since = -math.inf
        self._next_warning_at = -math.inf
        self._last_warning = ""

    def note_answer(self) -> None:
        if self._failures:
            log.info("the schema registry answers again")
        self._failures, self._next_warning_at = 0, -math.inf

    @property
    def waits(self) -> Sequence[Wait]:
        """The registry, while it does not answer."""
        if not self._failures:
            return ()
        return [Wait(WaitKind.REGISTRY, "", self._since, self._last_warning, self.resume_at)]

    def note_failure(self, key: SchemaKey, error: RegistryUnreachable, now: float) -> None:
        if not self._failures:
            self._since = now
        self._failures += 1
        self.resume_at = now + backoff_seconds(self._failures)
        cause = str(error)
        if now >= self._next_warning_at or cause != self._last_warning:
            self._next_warning_at, self._last_warning = now + WARNING_INTERVAL_SECONDS, cause
            level = logging.ERROR if isinstance(error, RegistryMisconfigured) else logging.WARNING
            log.log(
                level,
                "schema registry does not answer, retrying: partitions with a new schema wait",
                extra={"error": cause, "schema": str(key)},
            )
