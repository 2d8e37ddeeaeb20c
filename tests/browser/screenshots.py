"""Takes the pictures of docs/: the status page in three states, and the inbox; run with `make screenshots`."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from consumer.cli.demo_environment import DemoEnvironment, demo_environment
from consumer.demo import fault_scripts
from consumer.demo.fault_scripts import problem
from consumer.demo.samples import responses
from consumer.observability import log_setup

DOCS = Path(__file__).parents[2] / "docs"
WINDOW = ViewportSize(width=1180, height=900)
RESPONSES = 2400
INTERVAL = 0.5  # seconds between two responses
LINES_MS = 30_000  # until the lines over time have some points
STATE_MS = 15_000  # until the page shows a state that began, and how long it has lasted


@dataclass(frozen=True, slots=True)
class State:
    """A state of the status page: the name of its picture, and what Segment answers in it."""

    picture: str
    script: fault_scripts.Script


STATES = (
    State("status", fault_scripts.calm),
    State("status-waiting", lambda _: problem(503, "service unavailable")),
    State("status-blocked", lambda _: problem(401, "unauthorized")),
)


def main() -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "no Chromium: install Debian's package chromium, or name another with CHROMIUM"
    log_setup.configure("console", "error")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for state in STATES:
            with running_demo() as environment:
                take_status(browser, environment, state)
                if state.script is fault_scripts.calm:
                    take_inbox(browser, environment)
        browser.close()


@contextmanager
def running_demo() -> Iterator[DemoEnvironment]:
    """A service that delivers the samples of the demo, and then two a second."""
    stop = threading.Event()
    with demo_environment() as environment:
        environment.topic.produce_all(responses(RESPONSES, seed=1))
        threads = [
            in_background(lambda: environment.service.run(stop)),
            in_background(lambda: produce(environment, stop)),
        ]
        yield environment
        stop.set()
        for thread in threads:
            thread.join()


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def produce(environment: DemoEnvironment, stop: threading.Event) -> None:
    for sample in chain.from_iterable(responses(1000, seed) for seed in count(2)):
        if stop.wait(INTERVAL):
            return
        environment.topic.produce_all([sample])


def take_status(browser: Browser, environment: DemoEnvironment, state: State) -> None:
    page = opened(browser, environment.server.url)
    page.wait_for_timeout(LINES_MS)
    if state.script is not fault_scripts.calm:
        environment.segment.script = state.script
        page.wait_for_timeout(STATE_MS)
    page.screenshot(path=DOCS / f"{state.picture}.png")
    page.close()


def take_inbox(browser: Browser, environment: DemoEnvironment) -> None:
    page = opened(browser, environment.segment.front)
    page.locator("#events summary").first.click()
    page.screenshot(path=DOCS / "inbox.png")
    page.close()


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport=WINDOW, color_scheme="light", device_scale_factor=1.5)
    page.goto(address)
    return page


if __name__ == "__main__":
    main()
