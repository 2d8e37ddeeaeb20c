"""Debian's Chromium, headless, and a service of which a test chooses every number."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from consumer.observability.group_watch import GroupReport
from consumer.observability.http_server import StatusServer
from consumer.observability.recent_logs import LogLine
from consumer.observability.snapshot import Counters, PartitionState, Snapshot
from consumer.observability.status_page import ServiceInfo, StatusPage

INFO = ServiceInfo("1.2.3", "answers", "segment", "https://events.eu1.segmentapis.com/v1/batch", 8080)
OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium: tests/infra/up installs it (Debian's package chromium), CHROMIUM names another"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser) -> OpenPage:
    """Opens an address in a new context. At the end the page must have caused no error and no warning."""

    @contextmanager
    def open_page(address: str, restarts: bool = False, **options: Any) -> Iterator[Page]:
        problems: list[str] = []

        def note(message: ConsoleMessage) -> None:
            is_down = restarts and "net::ERR_CONNECTION" in message.text  # the browser's error if no server listens
            if message.type in ("error", "warning") and not is_down:
                problems.append(message.text)

        context = browser.new_context(**options)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        yield page
        hosts = page.evaluate("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).host)")
        assert set(hosts) <= {page.evaluate("location.host")}
        context.close()
        assert not problems

    return open_page


@dataclass
class Service:
    """
    The snapshot that the loop would have published, the report of the group, and the lines that were logged.

    `points` are of the history: seconds since 1970, records settled until then, and delay.
    """

    snapshot: Snapshot = field(default_factory=lambda: Snapshot(time.monotonic(), is_group_member=True))
    lines: list[LogLine] = field(default_factory=list)
    group: GroupReport = field(default_factory=dict)
    points: Sequence[tuple[float, int, float]] = ()

    def status_page(self) -> StatusPage:
        page = StatusPage(lambda: self.snapshot, INFO, lambda: self.lines, lambda: self.group)
        for point in self.points:
            page.history.add(*point)
        return page

    def publish(self, delivered: int, **changes: Any) -> None:
        partitions = {0: PartitionState(lag=7), 1: PartitionState(lag=0, records=3, paused=True)}
        changes = {"partitions": partitions, "is_group_member": True, **changes}
        self.snapshot = Snapshot(time.monotonic(), Counters(consumed=delivered, delivered=delivered), **changes)

    @contextmanager
    def served(self, port: int = 0) -> Iterator[str]:
        with StatusServer("127.0.0.1", port, self.status_page()) as server:
            yield f"http://127.0.0.1:{server.address[1]}/"


@pytest.fixture
def service() -> Service:
    return Service()
