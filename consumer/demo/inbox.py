"""The stand-in's page for people: a list of the events that arrived, each of which can be opened."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from consumer.demo.fault_scripts import ScriptedResponse
from consumer.demo.segment_server import SegmentStandIn
from consumer.jsonio import dumps
from consumer.web import HEADERS, asset

MAX_EVENTS = 200
ASSETS = {"/": "inbox.html", **{f"/{name}": name for name in ("inbox.js", "common.js", "style.css", "icon.svg")}}

InboxPages = Mapping[str, Callable[[str], ScriptedResponse]]
"""By path, the function that is called with the query."""


def pages(segment: SegmentStandIn, sources: Mapping[str, str]) -> InboxPages:
    """`sources` names the source of each write key, because no key is shown."""

    def inbox(query: str) -> ScriptedResponse:
        after = parse_qs(query).get("after", ["0"])[0]
        if not after.isdecimal():
            after = "0"
        return _response("application/json", dumps(newest_events(segment, sources, int(after))))

    return {"/inbox.json": inbox, **{path: _fixed(name) for path, name in ASSETS.items()}}


def newest_events(segment: SegmentStandIn, sources: Mapping[str, str], after: int) -> Mapping[str, Any]:
    """The events behind number `after`, oldest first, but only the newest MAX_EVENTS; and what was dropped."""
    accepted, dropped = segment.accepted, segment.dropped
    total = len(accepted)
    first = max(after, total - MAX_EVENTS)
    return {
        "accepted": total,
        "requests": segment.requests,
        "dropped": Counter(reason for reason, _ in dropped[:]),
        "events": [
            {
                "number": number,
                "at": event.received_at,
                "source": sources.get(event.key, ""),
                "request": event.request_no,
                "event": event.event,
            }
            for number, event in enumerate(accepted[first:total], first + 1)
        ],
    }


def _response(content_type: str, body: bytes) -> ScriptedResponse:
    return ScriptedResponse(body=body, headers={**HEADERS, "Content-Type": content_type})


def _fixed(name: str) -> Callable[[str], ScriptedResponse]:
    response = _response(*asset(name))
    return lambda _query: response
