"""The content of the status page, as one JSON value."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from consumer.internal_errors import describe
from consumer.observability.advice import advice
from consumer.observability.conditions import Condition, ConditionKind, conditions
from consumer.observability.first_seen import FirstSeen
from consumer.observability.group_watch import GroupReport, is_old
from consumer.observability.history import History
from consumer.observability.metrics import age, retry_waits
from consumer.observability.recent_logs import LogLine
from consumer.observability.snapshot import Counters, LatestSnapshot, Snapshot
from consumer.outside_text import outside_value
from consumer.reasons import block_meaning, reason_meaning
from consumer.waits import WaitKind

log = logging.getLogger(__name__)

RUNNING = "running"
NOTE_SECONDS = 1.0

_WAITS = frozenset(ConditionKind(kind.value) for kind in WaitKind if kind != WaitKind.COMMIT)
"""What keeps records from being delivered. A commit that fails does not."""


class ServiceInfo(NamedTuple):
    """
    The facts that do not change while the service runs. The page shows only the host of `endpoint`.

    `http_port` is the same for all members; with 0, which lets the system choose, the page links no other member.
    """

    version: str
    topic: str
    group: str
    endpoint: str
    http_port: int = 0


class StatusPage:
    """Reads the latest snapshot from other threads than the loop's; the loop does not know the page."""

    def __init__(
        self,
        latest: LatestSnapshot,
        info: ServiceInfo,
        recent_errors: Callable[[], Sequence[LogLine]],
        group: Callable[[], GroupReport] = dict,
    ) -> None:
        """`group` gives what is known of the whole group, without waiting; nothing by default."""
        self.latest, self.group = latest, group
        self._info, self._recent_errors = info, recent_errors
        self._last_group: GroupReport = {}
        self._started_at = time.time()
        self.history, self._first_seen = History(), FirstSeen()
        self._conditions: Sequence[Condition] = ()
        self._next_note_at = float("-inf")
        self._is_failing = False

    def note(self) -> None:
        """
        Add to the history, and note the conditions that begin and end, once a second. One thread calls this.

        That thread also serves the health of the service. So an error is logged once and does not end the thread.
        """
        if time.monotonic() < self._next_note_at:
            return
        self._next_note_at = time.monotonic() + NOTE_SECONDS
        try:
            self._note()
            self._is_failing = False
        except Exception as error:  # noqa: BLE001 - a defect of ours, which the page itself shows
            if not self._is_failing:
                log.error("status page not updated, delivery continues", extra={"error": describe(error)})
            self._is_failing = True

    def _note(self) -> None:
        snapshot, now = self.latest(), time.time()
        self.history.add(now, snapshot.counters.settled, age(snapshot.oldest, now))
        group = {} if is_old(self._last_group, now) else self._last_group
        present = conditions(snapshot, group, time.monotonic(), now)
        self._conditions = self._first_seen.complete(present)

    def status(self) -> Mapping[str, Any]:
        """The whole content. Any thread may call this."""
        self._last_group = self.group()  # here only, because the group is read while somebody looks
        self._note()
        now, snapshot = time.time(), self.latest()
        worst = [_condition(condition) for condition in self._conditions]
        content = {
            "version": self._info.version,
            "topic": self._info.topic,
            "group": self._info.group,
            "http_port": self._info.http_port,
            "to": urlsplit(self._info.endpoint).hostname,
            "state": worst[0]["state"] if worst else RUNNING,
            "conditions": worst,
            "now": now,
            "started_at": self._started_at,
            "settled_at": snapshot.settled_at or None,
            "oldest_at": snapshot.oldest or None,
            "blocks": [{**block._asdict(), "meaning": block_meaning(block.reason)} for block in snapshot.blocks],
            "retry_waits": retry_waits(snapshot),
            "counts": _totals(snapshot.counters) | _unsettled(snapshot),
            "skipped": _by_text(snapshot.counters.skipped),
            "dead_lettered": _by_text(snapshot.counters.dead_lettered),
            "meanings": _meanings(snapshot.counters),
            "requests": _by_text(snapshot.counters.requests),
            "partitions": _partitions(snapshot),
            "group_view": {"is_old": is_old(self._last_group, now), **self._last_group},
            "history": self.history.as_dict(),
            "errors": [line._asdict() for line in self._recent_errors()],
        }
        # The texts of the group are safe already, and they are many.
        return {name: value if name == "group_view" else outside_value(value) for name, value in content.items()}


def _condition(condition: Condition) -> Mapping[str, Any]:
    """The condition with its advice; what is not known is null."""
    fields = {**condition._asdict(), "state": condition.kind.value}
    del fields["kind"]
    return fields | {"is_wait": condition.kind in _WAITS} | advice(condition)._asdict()


def _totals(counters: Counters) -> dict[str, int]:
    return {
        "consumed": counters.consumed,
        "delivered": counters.delivered,
        "skipped": counters.skipped.total(),
        "dead_lettered": counters.dead_lettered.total(),
        "released": counters.released,
        "lost_to_retention": counters.lost_to_retention,
        "lost_to_truncation": counters.lost_to_truncation,
    }


def _unsettled(snapshot: Snapshot) -> dict[str, int]:
    return {"waiting": snapshot.waiting, "in_flight": snapshot.in_flight, "unaccounted": snapshot.unaccounted}


def _by_text(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts with plain strings as keys, because JSON objects cannot have members of an enum as keys."""
    return {str(word): count for word, count in counts.items()}


def _meanings(counters: Counters) -> dict[str, str]:
    """The reasons that were counted, explained; a reason of a contract is explained there."""
    return {str(reason): reason_meaning(reason) for reason in (*counters.skipped, *counters.dead_lettered)}


def _partitions(snapshot: Snapshot) -> list[Mapping[str, object]]:
    """What this member knows of its own partitions; what is not known is null."""
    return [
        {
            "partition": partition,
            "lag": None if state.lag < 0 else state.lag,
            "records": state.records,
            "memory_bytes": state.memory_bytes,
            "paused": state.paused,
            "oldest_at": state.oldest or None,
            "block": state.block,
        }
        for partition, state in sorted(snapshot.partitions.items())
    ]
