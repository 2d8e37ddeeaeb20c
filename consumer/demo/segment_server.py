"""A local stand-in for Segment's batch endpoint: as strict as Segment's documentation, and as silent as Segment."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Self

from consumer.demo import segment_rules
from consumer.demo.fault_scripts import ReceivedBatch, Script, ScriptedResponse, calm, problem
from consumer.demo.http_server import ReceivedRequest, StandInServer

DEDUPE_SECONDS = 24 * 3600.0
LOOPBACK = "127.0.0.1"


class AcceptedEvent(NamedTuple):
    """An event that Segment would deliver. `received_at` is in seconds since 1970."""

    key: str
    event: dict[str, Any]
    received_at: float
    request_no: int


class DroppedEvent(NamedTuple):
    """An event that was answered 200 and dropped, or that breaks a rule of this project; "" if it has no messageId."""

    reason: str
    message_id: str


class SegmentStandIn:
    """
    Accepts batches inside a `with` block. Its lists hold the accepted and the dropped events, in order of arrival.

    All state changes under one lock. `script` may be set at any time; each well-formed request is passed to it.
    `pages` are served to browsers: by path, a function that is called with the query.
    """

    def __init__(
        self,
        write_keys: Collection[str],
        port: int = 0,
        clock: Callable[[], float] = time.time,
        host: str = LOOPBACK,
    ) -> None:
        self.script: Script = calm
        self.accepted: list[AcceptedEvent] = []
        self.dropped: list[DroppedEvent] = []
        self.breaches: list[DroppedEvent] = []
        self.requests = 0
        self.pages: Mapping[str, Callable[[str], ScriptedResponse]] = {}
        self._keys = frozenset(write_keys)
        self._clock = clock
        self._last_accepted_at: dict[str, float] = {}  # by messageId
        self._changed = threading.Condition()
        self._server = StandInServer((host, port), self._answer, self._page)

    @property
    def url(self) -> str:
        return f"{self.front}v1/batch"

    @property
    def front(self) -> str:
        """The address of the front page, for this machine."""
        return f"http://{LOOPBACK}:{self._server.port}/"

    @property
    def duplicates(self) -> int:
        """Events that were dropped because their messageId was received within the last day, with any write key."""
        return sum(reason == "duplicate" for reason, _ in self.dropped)

    def wait_until(self, holds: Callable[[Self], bool], timeout: float = 60.0) -> bool:
        """Wait until a condition holds, such as `lambda s: len(s.accepted) == 5`; False if it did not hold in time."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self), timeout)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def _answer(self, request: ReceivedRequest) -> ScriptedResponse:
        with self._changed:
            self.requests += 1
            response = self._respond(request)
            self._changed.notify_all()
        return response

    def _page(self, path: str, query: str) -> ScriptedResponse:
        page = self.pages.get(path)
        if page is None:
            return problem(404, "not found")
        return page(query)

    def _respond(self, request: ReceivedRequest) -> ScriptedResponse:
        body = request.json()
        if not isinstance(body, dict):
            return problem(400, "malformed JSON")
        if request.size > segment_rules.MAX_REQUEST_BYTES:
            return problem(400, "request too large")
        sent_at = str(body.get("sentAt"))
        batch = ReceivedBatch(self.requests, _key(body, request), _events(body), request.headers, sent_at)
        response = self.script(batch) or _size_response(batch)
        if response.accepts_events:
            self._accept(batch, body, request)
        return response

    def _accept(self, batch: ReceivedBatch, body: dict[str, Any], request: ReceivedRequest) -> None:
        batch_reason = self._drop_reason(batch, body, request)
        for event in batch.events:
            self._accept_event(event, batch, batch_reason)
        if batch_reason and not batch.events:
            self.dropped.append(DroppedEvent(batch_reason, ""))
        # http-api, "Content-Type": it must be this type; Segment does not document what becomes of other types.
        if not request.headers.get("content-type", "").startswith("application/json"):
            self.breaches.append(DroppedEvent("no_json_type", ""))
        if not segment_rules.is_time(body.get("sentAt")):
            self.breaches.append(DroppedEvent("no_sent_at", ""))

    def _accept_event(self, event: Any, batch: ReceivedBatch, batch_reason: str) -> None:
        if not isinstance(event, dict):
            event = {}
        message_id = segment_rules.message_id(event)
        reason = batch_reason or segment_rules.dropped(event) or self._duplicate(message_id)
        if reason:
            self.dropped.append(DroppedEvent(reason, message_id))
            return
        self.breaches += [DroppedEvent(breach, message_id) for breach in segment_rules.breaches(event)]
        self.accepted.append(AcceptedEvent(batch.key, event, self._clock(), batch.number))

    def _drop_reason(self, batch: ReceivedBatch, body: dict[str, Any], request: ReceivedRequest) -> str:
        """Why the whole batch is answered 200 and dropped, "" if it is not."""
        if {body.get("writeKey"), request.user} - {None, "", batch.key}:
            return "keys_disagree"
        if batch.key not in self._keys:
            return "unknown_key"
        if body.get("batch") != [] and not batch.events:  # an empty list has no event to drop
            return "no_batch"
        if len(batch.events) > segment_rules.MAX_EVENTS:
            return "too_many_events"
        return ""

    def _duplicate(self, message_id: str) -> str:
        # guides/duplicate-data: for about a day, "not scoped to a specific source or a workspace".
        if not message_id:
            return ""
        now = self._clock()
        if now - self._last_accepted_at.get(message_id, float("-inf")) < DEDUPE_SECONDS:
            return "duplicate"
        self._last_accepted_at[message_id] = now
        return ""


def _key(body: dict[str, Any], request: ReceivedRequest) -> str:
    return str(body.get("writeKey") or request.user)


def _events(body: dict[str, Any]) -> list[Any]:
    events = body.get("batch")
    return events if isinstance(events, list) else []


def _size_response(batch: ReceivedBatch) -> ScriptedResponse:
    if any(map(segment_rules.oversized, batch.events)):
        return problem(400, "event too large")
    return ScriptedResponse()
