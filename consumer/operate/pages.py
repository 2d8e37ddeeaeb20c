"""The pages that are served: is it alive, is it ready, what does it count."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from consumer.operate import metrics
from consumer.operate.counts import Snapshot

STALE_AFTER = 60.0

Latest = Callable[[], Snapshot]


class Page(NamedTuple):
    status: HTTPStatus
    text: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]


def pages(latest: Latest) -> Pages:
    """What is served, by path."""
    render = metrics.renderer(latest)
    served: Pages = {
        "/livez": lambda: alive(latest(), time.monotonic()),
        "/readyz": lambda: ready(latest()),
        "/metrics": lambda: Page(HTTPStatus.OK, render(), metrics.CONTENT_TYPE),
    }
    front = Page(HTTPStatus.OK, "\n".join(["sprig-to-segment", *served, ""]).encode())
    return {"/": lambda: front, **served}


def alive(snapshot: Snapshot, now: float) -> Page:
    """Alive is a loop that turns, however sick Segment or Kafka are: a restart would not cure those."""
    age = now - snapshot.turned_at
    return _verdict("" if age < STALE_AFTER else f"the loop has not turned for {age:.0f} s")


def ready(snapshot: Snapshot) -> Page:
    """Ready is a member of the group, also one without partitions: else a roll-out would wait for itself."""
    if snapshot.handing_over:
        return _verdict("handing over")
    return _verdict("" if snapshot.joined else "not in the group yet")


def _verdict(trouble: str) -> Page:
    status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
    return Page(status, f"{trouble or 'ok'}\n".encode())
