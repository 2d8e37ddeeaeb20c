"""A status server over a loop whose snapshot a test chooses."""

import time
from collections.abc import Iterator

import pytest

from consumer.observability.http_server import StatusServer
from consumer.observability.snapshot import Snapshot
from consumer.observability.status_page import ServiceInfo, StatusPage


class FakeLoop:
    """Publishes a snapshot as the loop does after each iteration."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(loop_ran_at=time.monotonic(), is_group_member=True)

    def latest(self) -> Snapshot:
        return self.snapshot

    @property
    def status_page(self) -> StatusPage:
        info = ServiceInfo("1.2.3", "answers", "group", "https://api.segment.io/v1/batch")
        return StatusPage(self.latest, info, list)


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def server(loop: FakeLoop) -> Iterator[StatusServer]:
    with StatusServer("127.0.0.1", 0, loop.status_page) as status_server:
        yield status_server
