"""The pages of the service by their path: health, metrics, and the status page with its content."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from consumer.jsonio import dumps
from consumer.observability import prometheus
from consumer.observability.conditions import STALE_SECONDS
from consumer.observability.snapshot import Snapshot
from consumer.observability.status_page import StatusPage
from consumer.web import asset, documentation

RENDER_SECONDS = 0.1
_FILES = ("status.js", "conditions.js", "group.js", "chart.js", "common.js", "style.css", "icon.svg")
_ASSETS = {"/": "status.html", **{f"/{name}": name for name in _FILES}}


class Page(NamedTuple):
    """One response."""

    status: HTTPStatus
    text: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]

_OK = Page(HTTPStatus.OK, b"ok\n")


def pages(status_page: StatusPage) -> Pages:
    """The pages by path, each rendered on demand."""
    render = prometheus.renderer(status_page.latest)
    return {
        "/livez": lambda: liveness(status_page.latest(), time.monotonic()),
        "/readyz": lambda: readiness(status_page.latest()),
        "/metrics": _rarely(lambda: Page(HTTPStatus.OK, render(), prometheus.CONTENT_TYPE)),
        "/status.json": _rarely(lambda: _json_page(status_page.status())),
        "/group": _rarely(lambda: _json_page(status_page.group())),
        **{path: _asset_page(name) for path, name in _ASSETS.items()},
        **{f"/docs/{name}": partial(_document, name) for name in documentation.names()},
    }


def liveness(snapshot: Snapshot, now: float) -> Page:
    """Alive while the loop runs, even if Segment or Kafka fail, because a restart would not repair them."""
    idle = now - snapshot.loop_ran_at
    if idle >= STALE_SECONDS:
        return _unavailable(f"no iteration of the loop for {idle:.0f} s")
    return _OK


def readiness(snapshot: Snapshot) -> Page:
    """Ready while a group member, even without partitions; otherwise a rolling update would wait for itself."""
    if snapshot.draining:
        return _unavailable("draining")
    if not snapshot.is_group_member:
        return _unavailable("not in the group yet")
    return _OK


def _rarely(render: Callable[[], Page]) -> Callable[[], Page]:
    """The page, at most `RENDER_SECONDS` old: the metrics of a thousand partitions take 30 ms to render."""
    rendered_at, page = float("-inf"), _OK

    def recent() -> Page:
        nonlocal rendered_at, page
        if time.monotonic() - rendered_at > RENDER_SECONDS:
            page, rendered_at = render(), time.monotonic()
        return page

    return recent


def problem(status: HTTPStatus, text: str) -> Page:
    """The response to a request without a page."""
    return Page(status, f"{text}\n".encode())


def _json_page(value: Mapping[str, Any]) -> Page:
    return Page(HTTPStatus.OK, dumps(value), "application/json")


def _unavailable(text: str) -> Page:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, text)


def _document(name: str) -> Page:
    content_type, text = documentation.page(name)
    return Page(HTTPStatus.OK, text, content_type)


def _asset_page(name: str) -> Callable[[], Page]:
    content_type, text = asset(name)
    return lambda: Page(HTTPStatus.OK, text, content_type)
