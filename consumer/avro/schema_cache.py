"""Which writer's schema belongs to a key, looked up beside the loop."""

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

from consumer.avro.framing import SchemaKey
from consumer.avro.negative_cache import Denials
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import Fetch, Misconfigured, NotThere, Unreachable, UnsupportedSchema
from consumer.errors import UnprocessableRecord, UnsafeSchema
from consumer.model import Pending

log = logging.getLogger(__name__)

ASK_AGAIN = 5.0
BACKOFF_FIRST, BACKOFF_LAST = 0.5, 30.0
WARN_EVERY = 300.0
FORGET_AFTER = 60.0
MAX_WANTED = 1_000


@dataclass(slots=True)
class _Wanted:
    """A key to ask for from `due` on. `denied_since` is infinite while the registry has not denied it."""

    due: float
    wanted_at: float
    asks: int = 0
    denied_since: float = math.inf


class Schemas:
    """
    Owned by one thread; a single look-up at a time runs on a worker.

    What is kept of keys without a schema is bounded, and a key that was asked for less often goes first, so neither a
    flood of made-up ids nor one that the registry chokes on keeps another waiting.
    """

    def __init__(
        self,
        fetch: Fetch,
        clock: Callable[[], float],
        known: Mapping[SchemaKey, WriterSchema] | None = None,
        lookups: Counter[str] | None = None,
        pool: Executor | None = None,
    ) -> None:
        """
        `clock`: monotonic seconds. `known`: schemas that need no look-up, such as the one of raw values.

        `lookups`: where they are counted, as found, not_found, refused or unreachable.
        """
        self._fetch, self._clock = fetch, clock
        self._lookups = Counter() if lookups is None else lookups
        self._pool = pool or ThreadPoolExecutor(1, "schema-lookup")
        self._known = dict(known or {})
        self._refused: dict[SchemaKey, tuple[str, str]] = {}
        self._denials = Denials()
        self._wanted: dict[SchemaKey, _Wanted] = {}
        self._asking: tuple[SchemaKey, Future[WriterSchema]] | None = None
        self._failures = 0
        self._resume_at = self._warn_at = -math.inf
        self._said = ""

    def get(self, key: SchemaKey) -> WriterSchema | Pending:
        """
        The key's schema, or Pending while it is being looked up; never blocks.

        Raises UnprocessableRecord `unknown_schema`, `unsafe_schema` or `unsupported_schema`.
        """
        schema = self._known.get(key)
        if schema is not None:
            return schema
        if self.is_pending(key):
            return Pending(key)
        if key in self._known:  # answered just now
            return self._known[key]
        raise UnprocessableRecord(*self._refused.get(key, ("unknown_schema", "the registry does not know its id")))

    def is_pending(self, key: SchemaKey) -> bool:
        """Whether `get` would still say Pending. Takes in answers and asks for what is due, so call it now and then."""
        if key in self._known:
            return False
        now = self._clock()
        self._take_answer(now)
        if key in self._known or key in self._refused or self._denials.stands(key, now):
            return False
        self._want(key, now)
        self._ask(now)
        return True

    def close(self) -> None:
        """Ask no more. A look-up under way ends by itself, within its own time limits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _want(self, key: SchemaKey, now: float) -> None:
        if key in self._wanted:
            self._wanted[key].wanted_at = now
        elif len(self._wanted) < MAX_WANTED:
            self._wanted[key] = _Wanted(now, now, denied_since=self._denials.since(key))

    def _ask(self, now: float) -> None:
        if self._asking or now < self._resume_at:
            return
        # A lane that was taken away leaves its key behind.
        self._wanted = {key: it for key, it in self._wanted.items() if now - it.wanted_at < FORGET_AFTER}
        due = [(it.asks, it.due, key) for key, it in self._wanted.items() if it.due <= now]
        if due:
            key = min(due, key=lambda entry: entry[:2])[2]
            self._wanted[key].asks += 1
            self._asking = key, self._pool.submit(self._fetch, key)

    def _take_answer(self, now: float) -> None:
        if self._asking is None or not self._asking[1].done():
            return
        (key, answer), self._asking = self._asking, None
        try:
            self._known[key] = answer.result()
            self._answered("found", key)
        except NotThere:
            self._denied(key, now)
        except UnsupportedSchema as error:
            self._refuse(key, "unsupported_schema", error)
        except UnsafeSchema as error:
            self._refuse(key, "unsafe_schema", error)
        except Exception as error:  # noqa: BLE001 - Unreachable, or a surprise: neither says anything about the key
            self._unanswered(key, error, now)

    def _answered(self, outcome: str, key: SchemaKey) -> None:
        self._lookups[outcome] += 1
        if self._failures:
            log.info("the schema registry answers again")
        self._failures, self._warn_at = 0, -math.inf
        self._wanted.pop(key, None)

    def _refuse(self, key: SchemaKey, reason: str, error: Exception) -> None:
        self._refused[key] = reason, str(error)
        self._answered("refused", key)

    def _denied(self, key: SchemaKey, now: float) -> None:
        wanted = self._wanted.get(key, _Wanted(now, now))
        self._answered("not_found", key)
        if math.isinf(wanted.denied_since):
            log.warning(
                "schema not found in the registry, retrying for up to 60 s",
                extra={"schema": str(key)},
            )
        wanted.denied_since = min(wanted.denied_since, now)
        counts_at = wanted.denied_since + self._denials.patience(now)
        if counts_at <= now:
            self._denials.record(key, wanted.denied_since, now)
        else:
            wanted.due = min(now + ASK_AGAIN, counts_at)
            self._wanted[key] = wanted

    def _unanswered(self, key: SchemaKey, error: Exception, now: float) -> None:
        self._lookups["unreachable"] += 1
        self._failures += 1
        self._resume_at = now + min(BACKOFF_LAST, BACKOFF_FIRST * 2 ** min(self._failures - 1, 10))
        why = str(error) if isinstance(error, Unreachable) else type(error).__name__
        if now >= self._warn_at or why != self._said:
            self._warn_at, self._said = now + WARN_EVERY, why
            level = logging.ERROR if isinstance(error, Misconfigured) else logging.WARNING
            log.log(
                level,
                "no answer from the schema registry: partitions with a new schema wait, nothing is lost",
                extra={"why": why, "schema": str(key)},
            )
