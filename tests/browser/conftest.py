"""Debian's own Chromium, headless, and a service whose every number a test can choose."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from consumer.observability.http_server import Server
from consumer.observability.recent_logs import Line
from consumer.observability.snapshot import Counts, Held, Snapshot
from consumer.observability.status_page import About, View

ABOUT = About("1.2.3", "answers", "segment", "https://events.eu1.segmentapis.com/v1/batch")
Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "Chromium is not here: tests/infra/up installs it (Debian's package chromium), CHROMIUM names another"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser) -> Open:
    """Opens an address in a context of its own; at the end nothing must have gone wrong in there."""

    @contextmanager
    def open_page(address: str, restarts: bool = False, **options: Any) -> Iterator[Page]:
        wrong: list[str] = []

        def note(message: ConsoleMessage) -> None:
            away = restarts and "net::ERR_CONNECTION" in message.text  # the browser's own word for nobody being there
            if message.type in ("error", "warning") and not away:
                wrong.append(message.text)

        context = browser.new_context(**options)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        yield page
        foreign = page.evaluate("performance.getEntriesByType('resource').map((it) => new URL(it.name).host)")
        assert set(foreign) <= {page.evaluate("location.host")}
        context.close()
        assert not wrong

    return open_page


@dataclass
class Service:
    """What the loop would have published, and what was logged."""

    snapshot: Snapshot = field(default_factory=lambda: Snapshot(time.monotonic(), joined=True))
    lines: list[Line] = field(default_factory=list)

    def view(self) -> View:
        return View(lambda: self.snapshot, ABOUT, lambda: self.lines)

    def publish(self, delivered: int, **changes: Any) -> None:
        held = changes.pop("partitions", {0: Held(lag=7), 1: Held(lag=0, records=3, paused=True)})
        counts = Counts(consumed=delivered, delivered=delivered)
        self.snapshot = Snapshot(time.monotonic(), counts, partitions=held, joined=True, **changes)

    @contextmanager
    def served(self, port: int = 0) -> Iterator[str]:
        with Server("127.0.0.1", port, self.view()) as server:
            yield f"http://127.0.0.1:{server.address[1]}/"


@pytest.fixture
def service() -> Service:
    return Service()
