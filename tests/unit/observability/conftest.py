"""What the tests of the HTTP port share: a server over a loop that a test may stop."""

import time
from collections.abc import Iterator

import pytest

from consumer.observability.http_server import Server
from consumer.observability.snapshot import Snapshot
from consumer.observability.status_page import About, View


class Loop:
    """Stands for the loop: what its last turn looked like."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(turned_at=time.monotonic(), joined=True)

    def latest(self) -> Snapshot:
        return self.snapshot

    @property
    def view(self) -> View:
        return View(self.latest, About("1.2.3", "answers", "group", "https://api.segment.io/v1/batch"), list)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def server(loop: Loop) -> Iterator[Server]:
    with Server("127.0.0.1", 0, loop.view) as made:
        yield made
