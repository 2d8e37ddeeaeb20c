"""A local stand-in of Segment's batch endpoint, as strict as Segment's documentation and as silent as Segment."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Self

from consumer.demo import segment_rules
from consumer.demo.fault_scripts import Answer, Received, Script, calm, problem
from consumer.demo.http_server import Request, Server

DEDUPE_SECONDS = 24 * 3600.0


class Accepted(NamedTuple):
    """An event that Segment would have delivered. `received_at` in seconds since 1970."""

    key: str
    event: dict[str, Any]
    received_at: float
    request_no: int


class Rejected(NamedTuple):
    """An event, or "" in place of its id, that was answered 200 and dropped, or that breaks a rule of this project."""

    reason: str
    message_id: str


class Segment:
    """
    Takes batches from `with` to its end; what it took and why it dropped the rest stands in its lists, in order.

    All state changes under one lock. `script` may be set at any time; it is asked about each well-formed request.
    `pages` are served to browsers by path, called with the query.
    """

    def __init__(self, write_keys: Collection[str], port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.script: Script = calm
        self.accepted: list[Accepted] = []
        self.dropped: list[Rejected] = []
        self.breaches: list[Rejected] = []
        self.requests = 0
        self.pages: Mapping[str, Callable[[str], Answer]] = {}
        self._keys = frozenset(write_keys)
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._changed = threading.Condition()
        self._server = Server(port, self._answer, self._page)

    @property
    def url(self) -> str:
        return f"{self.front}v1/batch"

    @property
    def front(self) -> str:
        """The address of its front page."""
        return f"http://127.0.0.1:{self._server.port}/"

    @property
    def duplicates(self) -> int:
        """Events that were dropped as their messageId had been seen within a day, under whatever key."""
        return sum(reason == "duplicate" for reason, _ in self.dropped)

    def wait_until(self, holds: Callable[[Self], bool], timeout: float = 60.0) -> bool:
        """Waits until something is true of it, such as `lambda s: len(s.accepted) == 5`; False if it never was."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self), timeout)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def _answer(self, request: Request) -> Answer:
        with self._changed:
            self.requests += 1
            answer = self._judge(request)
            self._changed.notify_all()
        return answer

    def _page(self, path: str, query: str) -> Answer:
        page = self.pages.get(path)
        return page(query) if page else problem(404, "not found")

    def _judge(self, request: Request) -> Answer:
        body = request.json()
        if not isinstance(body, dict):
            return problem(400, "malformed JSON")
        if request.size > segment_rules.MAX_REQUEST_BYTES:
            return problem(400, "request too large")
        received = Received(self.requests, _key(body, request), _batch(body), request.headers)
        answer = self.script(received) or _size_answer(received)
        if answer.takes:
            self._take(received, body, request)
        return answer

    def _take(self, received: Received, body: dict[str, Any], request: Request) -> None:
        trouble = self._trouble(received, body, request)
        for event in received.events:
            self._take_event(event if isinstance(event, dict) else {}, received, trouble)
        if trouble and not received.events:
            self.dropped.append(Rejected(trouble, ""))
        # http-api, "Content-Type": it must be set to this; what becomes of others is not documented.
        if not request.headers.get("content-type", "").startswith("application/json"):
            self.breaches.append(Rejected("no_json_type", ""))
        if not segment_rules.is_time(body.get("sentAt")):
            self.breaches.append(Rejected("no_sent_at", ""))

    def _take_event(self, event: dict[str, Any], received: Received, trouble: str) -> None:
        message_id = segment_rules.message_id(event)
        if reason := trouble or segment_rules.dropped(event) or self._duplicate(message_id):
            self.dropped.append(Rejected(reason, message_id))
            return
        self.breaches += [Rejected(breach, message_id) for breach in segment_rules.breaches(event)]
        self.accepted.append(Accepted(received.key, event, self._clock(), received.number))

    def _trouble(self, received: Received, body: dict[str, Any], request: Request) -> str:
        """Why the whole batch is answered 200 and dropped, "" if it is not."""
        if {body.get("writeKey"), request.user} - {None, "", received.key}:
            return "keys_disagree"
        if received.key not in self._keys:
            return "unknown_key"
        if not received.events:
            return "no_batch"
        return "too_many_events" if len(received.events) > segment_rules.MAX_EVENTS else ""

    def _duplicate(self, message_id: str) -> str:
        # guides/duplicate-data: for about a day, "not scoped to a specific source or a workspace".
        if not message_id:
            return ""
        now = self._clock()
        if now - self._seen.get(message_id, float("-inf")) < DEDUPE_SECONDS:
            return "duplicate"
        self._seen[message_id] = now
        return ""


def _key(body: dict[str, Any], request: Request) -> str:
    return str(body.get("writeKey") or request.user)


def _batch(body: dict[str, Any]) -> list[Any]:
    batch = body.get("batch")
    return batch if isinstance(batch, list) else []


def _size_answer(received: Received) -> Answer:
    if any(map(segment_rules.oversized, received.events)):
        return problem(400, "event too large")
    return Answer()
