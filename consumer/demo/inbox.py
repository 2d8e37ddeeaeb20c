"""The stand-in's page for people: what arrived, as a list that one can open."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from consumer.demo.fault_scripts import Answer
from consumer.demo.segment_server import Segment
from consumer.jsonio import dumps
from consumer.web import HEADERS, asset

SHOWN = 200
ASSETS = {"/": "inbox.html", **{f"/{name}": name for name in ("inbox.js", "common.js", "style.css", "icon.svg")}}

Pages = Mapping[str, Callable[[str], Answer]]


def pages(segment: Segment, sources: Mapping[str, str]) -> Pages:
    """By path, called with the query. `sources` names the source of each write key, as no key is shown."""

    def inbox(query: str) -> Answer:
        after = parse_qs(query).get("after", ["0"])[0]
        return _answer("application/json", dumps(listed(segment, sources, int(after) if after.isdecimal() else 0)))

    return {"/inbox.json": inbox, **{path: _fixed(name) for path, name in ASSETS.items()}}


def listed(segment: Segment, sources: Mapping[str, str], after: int) -> Mapping[str, Any]:
    """The newest events that arrived since the first `after`, at most `SHOWN`, oldest first; and what was dropped."""
    accepted, dropped = segment.accepted, segment.dropped
    total = len(accepted)
    first = max(after, total - SHOWN)
    return {
        "accepted": total,
        "requests": segment.requests,
        "dropped": Counter(reason for reason, _ in dropped[:]),
        "events": [
            {
                "number": number,
                "at": it.received_at,
                "source": sources.get(it.key, ""),
                "request": it.request_no,
                "event": it.event,
            }
            for number, it in enumerate(accepted[first:total], first + 1)
        ],
    }


def _answer(content_type: str, text: bytes) -> Answer:
    return Answer(body=text, headers={**HEADERS, "Content-Type": content_type})


def _fixed(name: str) -> Callable[[str], Answer]:
    answer = _answer(*asset(name))
    return lambda _query: answer
