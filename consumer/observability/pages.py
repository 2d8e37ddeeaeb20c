"""What is served: is it alive, is it ready, what does it count, and a page for people."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from consumer.jsonio import dumps
from consumer.observability import prometheus
from consumer.observability.snapshot import Snapshot
from consumer.observability.status_page import STALE_AFTER, View
from consumer.web import asset


class Page(NamedTuple):
    status: HTTPStatus
    text: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]

ASSETS = {"/": "status.html", **{f"/{name}": name for name in ("status.js", "common.js", "style.css", "icon.svg")}}


def pages(view: View) -> Pages:
    """What is served, by path."""
    render = prometheus.renderer(view.latest)
    return {
        "/livez": lambda: alive(view.latest(), time.monotonic()),
        "/readyz": lambda: ready(view.latest()),
        "/metrics": lambda: Page(HTTPStatus.OK, render(), prometheus.CONTENT_TYPE),
        "/status.json": lambda: Page(HTTPStatus.OK, dumps(view.status()), "application/json"),
        **{path: _fixed(name) for path, name in ASSETS.items()},
    }


def alive(snapshot: Snapshot, now: float) -> Page:
    """Alive is a loop that turns, however sick Segment or Kafka are: a restart would not cure those."""
    idle = now - snapshot.turned_at
    return _verdict("" if idle < STALE_AFTER else f"the loop has not turned for {idle:.0f} s")


def ready(snapshot: Snapshot) -> Page:
    """Ready is a member of the group, also one without partitions: else a roll-out would wait for itself."""
    if snapshot.handing_over:
        return _verdict("handing over")
    return _verdict("" if snapshot.joined else "not in the group yet")


def _verdict(trouble: str) -> Page:
    status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
    return Page(status, f"{trouble or 'ok'}\n".encode())


def _fixed(name: str) -> Callable[[], Page]:
    content_type, text = asset(name)
    return lambda: Page(HTTPStatus.OK, text, content_type)
