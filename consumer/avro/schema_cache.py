"""The writers' schemas by key, looked up on a worker thread while the loop continues."""

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from consumer.avro.framing import SchemaKey
from consumer.avro.negative_cache import CONFIRM_SECONDS, NegativeCache
from consumer.avro.registry_outage import WARNING_INTERVAL_SECONDS, RegistryOutage, backoff_seconds
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import (
    UNKNOWN_SCHEMA,
    Fetch,
    IncompleteSchema,
    RegistryUnreachable,
    SchemaNotFound,
    UnusableSchema,
    unusable_schema,
)
from consumer.model import Pending
from consumer.reasons import Reason

log = logging.getLogger(__name__)

NOT_FOUND_RETRY_SECONDS = 5.0
FORGET_AFTER_SECONDS = 60.0
MAX_LOOKUPS = 1_000


@dataclass(slots=True)
class _Lookup:
    """
    A key to look up at `due` or later. Times are in monotonic seconds.

    `requested_at` is when a record last needed the key. `not_found_since` is infinite until the registry answers that
    it does not know the key. An incomplete schema is logged again at `next_warning_at`.
    """

    due: float
    requested_at: float
    attempts: int = 0
    not_found_since: float = math.inf
    next_warning_at: float = -math.inf


class _InFlight(NamedTuple):
    """The one look-up that runs on the worker thread."""

    key: SchemaKey
    result: Future[WriterSchema]


class SchemaCache:
    """
    Owned by one thread; at most one look-up at a time runs on a worker thread.

    What the cache keeps of keys without a schema is bounded. The key with the fewest attempts goes first, so neither a
    flood of made-up ids nor an id that the registry cannot answer delays another key.
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
        self._schemas = dict(file_schemas or {})
        self._unusable: dict[SchemaKey, UnusableSchema] = {}
        self._not_found = NegativeCache()
        self._lookups: dict[SchemaKey, _Lookup] = {}
        self._in_flight: _InFlight | None = None
        self._outage = RegistryOutage()

    def get(self, key: SchemaKey) -> WriterSchema | Pending:
        """
        The key's schema, or Pending while it is being looked up; never blocks.

        Raises SchemaError `unknown_schema`, `unsafe_schema`, `unsupported_schema` or `internal_error`.
        """
        schema = self._schemas.get(key)
        if schema is not None:
            return schema
        if self.is_pending(key):
            return Pending(key)
        if key in self._schemas:  # the result came in `is_pending`
            return self._schemas[key]
        unusable = self._unusable.get(key, UNKNOWN_SCHEMA)
        if unusable.reason == Reason.INTERNAL_ERROR:  # of this record alone: the next one needs a new look-up
            del self._unusable[key]
        raise unusable.error()

    def is_pending(self, key: SchemaKey) -> bool:
        """
        Whether `get` would still return Pending.

        The call also takes the result of a look-up and starts the next one, so call it regularly.
        """
        if key in self._schemas:
            return False
        now = self._clock()
        self._take_result(now)
        if key in self._schemas or key in self._unusable or self._not_found.contains(key, now):
            return False
        self._request(key, now)
        self._start_lookup(now)
        return True

    def close(self) -> None:
        """Start no more look-ups. The look-up in flight ends by itself, within its own time limits."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _request(self, key: SchemaKey, now: float) -> None:
        if key in self._lookups:
            self._lookups[key].requested_at = now
        elif len(self._lookups) < MAX_LOOKUPS:
            self._lookups[key] = _Lookup(now, now, not_found_since=self._not_found.not_found_since(key))

    def _start_lookup(self, now: float) -> None:
        if self._in_flight or now < self._outage.resume_at:
            return
        self._forget_unrequested(now)
        due = [key for key, lookup in self._lookups.items() if lookup.due <= now]
        if due:
            key = min(due, key=self._priority)
            self._lookups[key].attempts += 1
            self._in_flight = _InFlight(key, self._executor.submit(self._fetch, key))

    def _forget_unrequested(self, now: float) -> None:
        """No record needs the key of a partition that was revoked."""
        self._lookups = {
            key: lookup for key, lookup in self._lookups.items() if now - lookup.requested_at < FORGET_AFTER_SECONDS
        }

    def _priority(self, key: SchemaKey) -> tuple[int, float]:
        """The key with the smallest priority is looked up first."""
        return self._lookups[key].attempts, self._lookups[key].due

    def _take_result(self, now: float) -> None:
        if self._in_flight is None or not self._in_flight.result.done():
            return
        (key, result), self._in_flight = self._in_flight, None
        try:
            self._schemas[key] = result.result()
            self._note_answer("found", key)
        except SchemaNotFound:
            self._note_not_found(key, now)
        except IncompleteSchema as error:
            self._note_incomplete(key, error, now)
        except RegistryUnreachable as error:
            self.lookups["unreachable"] += 1
            self._outage.note_failure(key, error, now)
        except Exception as error:  # noqa: BLE001 - UnsupportedSchema, UnsafeSchema, or a defect of ours
            self._unusable[key] = unusable_schema(error)
            self._note_answer("refused", key)

    def _note_answer(self, outcome: str, key: SchemaKey) -> None:
        self.lookups[outcome] += 1
        self._outage.note_answer()
        self._lookups.pop(key, None)

    def _note_not_found(self, key: SchemaKey, now: float) -> None:
        lookup = self._lookups.get(key, _Lookup(now, now))
        self._note_answer("not_found", key)
        if math.isinf(lookup.not_found_since):
            fields = {"schema": str(key), "gives_up_after_seconds": CONFIRM_SECONDS}
            log.warning("schema not found in the registry, retrying", extra=fields)
        lookup.not_found_since = min(lookup.not_found_since, now)
        give_up_at = lookup.not_found_since + self._not_found.confirm_seconds(now)
        if give_up_at <= now:
            self._not_found.add(key, lookup.not_found_since, now)
        else:
            lookup.due = min(now + NOT_FOUND_RETRY_SECONDS, give_up_at)
            self._lookups[key] = lookup

    def _note_incomplete(self, key: SchemaKey, error: IncompleteSchema, now: float) -> None:
        """The records of this key wait, and no others, because the registry answers."""
        lookup = self._lookups.get(key, _Lookup(now, now))
        self._note_answer("unreachable", key)
        lookup.due, lookup.not_found_since = now + backoff_seconds(lookup.attempts), math.inf
        self._lookups[key] = lookup
        if now >= lookup.next_warning_at:
            lookup.next_warning_at = now + WARNING_INTERVAL_SECONDS
            fields = {"error": str(error), "schema": str(key)}
            log.error("schema incomplete in the registry, retrying: its records wait", extra=fields)
