"""The writers' schemas by key, looked up on a worker thread while the loop continues."""

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import NamedTuple

from consumer.avro.negative_cache import CONFIRM_SECONDS, NegativeCache
from consumer.avro.pending_lookups import Lookup, PendingLookups
from consumer.avro.registry_outage import WARNING_INTERVAL_SECONDS, RegistryOutage, backoff_seconds
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey
from consumer.avro.schema_lookup import (
    UNKNOWN_SCHEMA,
    Fetch,
    IncompleteSchema,
    RegistryUnreachable,
    SchemaNotFound,
    UnusableSchema,
    unusable_schema,
)
from consumer.avro.schema_memory import SchemaMemory
from consumer.model import Pending
from consumer.reasons import Reason
from consumer.waits import Wait

log = logging.getLogger(__name__)

NOT_FOUND_RETRY_SECONDS = 5.0
UNUSED_SECONDS = 1.0
"""How long a result waits for its record before the next look-up, whose result could take its place in the memory."""


class _InFlight(NamedTuple):
    """The one look-up that runs on the worker thread."""

    key: SchemaKey
    result: Future[WriterSchema]


class SchemaCache:
    """
    Owned by one thread; at most one look-up at a time runs on a worker thread.

    What the cache keeps is bounded, because a registry and its producers can have any number of schemas. A schema that
    was forgotten is looked up again. Each result serves a record before the next one can take its place, so schemas
    that do not fit slow the service down and do not stop it.
    """

    def __init__(
        self,
        fetch: Fetch,
        clock: Callable[[], float],
        file_schemas: Mapping[SchemaKey, WriterSchema] | None = None,
        executor: Executor | None = None,
    ) -> None:
        """
        `clock`: monotonic seconds. `file_schemas`: schemas that need no look-up, such as the schema of raw values.
        """
        self._fetch, self._clock = fetch, clock
        self.lookups: Counter[str] = Counter()
        """Look-ups by outcome: found, not_found, refused or unreachable."""
        self._executor = executor or ThreadPoolExecutor(1, "schema-lookup")
        self._file_schemas = file_schemas or {}
        self._results = SchemaMemory[UnusableSchema]()
        self._not_found = NegativeCache()
        self._lookups = PendingLookups()
        self._in_flight: _InFlight | None = None
        self._last_result_at = -math.inf
        self._outage = RegistryOutage()

    def get(self, key: SchemaKey) -> WriterSchema | Pending:
        """
        The key's schema, or Pending while it is being looked up; never blocks.

        Raises SchemaError `unknown_schema`, `unsafe_schema`, `unsupported_schema` or `internal_error`.
        """
        result = self._file_schemas.get(key) or self._results.use(key)
        if result is None and self.is_pending(key):
            return Pending(key)
        result = result or self._results.use(key) or UNKNOWN_SCHEMA  # `is_pending` may have taken the result
        if isinstance(result, WriterSchema):
            return result
        if result.reason == Reason.INTERNAL_ERROR:  # of this record alone: the next one needs a new look-up
            self._results.remove(key)
        raise result.error()

    def is_pending(self, key: SchemaKey) -> bool:
        """
        Whether `get` would still return Pending.

        The call also takes the result of a look-up and starts the next one, so call it regularly.
        """
        now = self._clock()
        self._take_result(now)
        if key in self._file_schemas or key in self._results or self._not_found.contains(key, now):
            return False
        self._lookups.request(key, now, self._not_found.not_found_since)
        self._start_lookup(now)
        return True

    @property
    def waits(self) -> Sequence[Wait]:
        """Why schemas that records need are not here yet."""
        now = self._clock()
        if not self._lookups.are_requested(now):
            return ()
        return [*self._outage.waits, *self._lookups.waits(now)]

    def close(self) -> None:
        """Start no more look-ups. The look-up in flight ends by itself, within its own time limits."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _start_lookup(self, now: float) -> None:
        is_unused = self._results.has_unused and now < self._last_result_at + UNUSED_SECONDS
        if self._in_flight or is_unused or now < self._outage.resume_at:
            return
        key = self._lookups.next_key(now)
        if key is not None:
            self._in_flight = _InFlight(key, self._executor.submit(self._fetch, key))

    def _take_result(self, now: float) -> None:
        if self._in_flight is None or not self._in_flight.result.done():
            return
        (key, result), self._in_flight = self._in_flight, None
        self._last_result_at = now
        try:
            self._results.put(key, result.result())
            self._note_answer("found", key, now)
        except SchemaNotFound:
            self._note_not_found(key, now)
        except IncompleteSchema as error:
            self._note_incomplete(key, error, now)
        except RegistryUnreachable as error:
            self.lookups["unreachable"] += 1
            self._outage.note_failure(key, error, now)
        except Exception as error:  # noqa: BLE001 - UnsupportedSchema, UnsafeSchema, or a defect of ours
            self._results.put(key, unusable_schema(error))
            self._note_answer("refused", key, now)

    def _note_answer(self, outcome: str, key: SchemaKey, now: float) -> Lookup:
        """The look-up that has ended."""
        self.lookups[outcome] += 1
        self._outage.note_answer()
        return self._lookups.take(key, now)

    def _note_not_found(self, key: SchemaKey, now: float) -> None:
        lookup = self._note_answer("not_found", key, now)
        if math.isinf(lookup.not_found_since):
            fields = {"schema": str(key), "gives_up_after_seconds": CONFIRM_SECONDS}
            log.warning("schema not found in the registry, retrying", extra=fields)
        lookup.note_obstacle("the registry does not know it", now)
        lookup.not_found_since = min(lookup.not_found_since, now)
        give_up_at = lookup.not_found_since + self._not_found.confirm_seconds(now)
        if give_up_at <= now:
            self._not_found.add(key, lookup.not_found_since, now)
        else:
            lookup.due = min(now + NOT_FOUND_RETRY_SECONDS, give_up_at)
            self._lookups.repeat(key, lookup)

    def _note_incomplete(self, key: SchemaKey, error: IncompleteSchema, now: float) -> None:
        """The records of this key wait, and no others, because the registry answers."""
        lookup = self._note_answer("unreachable", key, now)
        lookup.due, lookup.not_found_since = now + backoff_seconds(lookup.attempts), math.inf
        lookup.note_obstacle(str(error), now)
        self._lookups.repeat(key, lookup)
        if now >= lookup.next_warning_at:
            lookup.next_warning_at = now + WARNING_INTERVAL_SECONDS
            fields = {"error": str(error), "schema": str(key)}
            log.error("schema incomplete in the registry, retrying: its records wait", extra=fields)
