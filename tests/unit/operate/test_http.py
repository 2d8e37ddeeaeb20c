"""Health and metrics over HTTP, also for clients that misbehave."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from consumer.errors import ServiceError
from consumer.operate import http
from consumer.operate.counts import Snapshot
from consumer.operate.http import Server
from consumer.operate.view import About, View


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


def ask(server: Server, path: str, method: str = "GET") -> httpx.Response:
    host, port = server.address
    return httpx.request(method, f"http://{host}:{port}{path}", trust_env=False, verify=False, timeout=5)


def test_a_loop_that_turns_is_alive(server: Server, loop: Loop) -> None:
    assert (ask(server, "/livez").status_code, ask(server, "/livez").text) == (200, "ok\n")
    loop.snapshot = replace(loop.snapshot, turned_at=time.monotonic() - 59)
    assert ask(server, "/livez").status_code == 200


def test_a_loop_that_stands_is_not(server: Server, loop: Loop) -> None:
    loop.snapshot = replace(loop.snapshot, turned_at=time.monotonic() - 61)
    answer = ask(server, "/livez")
    assert answer.status_code == 503
    assert answer.text.startswith("the loop has not turned for 61 s")


@pytest.mark.parametrize(
    ("joined", "handing_over", "status", "text"),
    [
        (True, False, 200, "ok\n"),
        (False, False, 503, "not in the group yet\n"),
        (True, True, 503, "handing over\n"),
    ],
)
def test_a_member_is_ready(
    server: Server, loop: Loop, joined: bool, handing_over: bool, status: int, text: str
) -> None:
    loop.snapshot = replace(loop.snapshot, joined=joined, handing_over=handing_over)
    answer = ask(server, "/readyz")
    assert (answer.status_code, answer.text) == (status, text)


def test_metrics_are_prometheus_text(server: Server) -> None:
    answer = ask(server, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "sprig_to_segment_joined 1.0" in answer.text


def test_the_front_page_is_for_people_and_loads_nothing_foreign(server: Server) -> None:
    page = ask(server, "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert linked
    for link in linked:
        assert ask(server, f"/{link.lstrip('/')}").status_code == 200, link


def test_what_the_page_shows_is_one_json_value(server: Server) -> None:
    status = ask(server, "/status.json").json()
    assert (status["version"], status["topic"], status["group"], status["to"]) == (
        *("1.2.3", "answers", "group"),
        "api.segment.io",
    )
    assert status["state"] == "running"


def test_only_reading_is_served(server: Server) -> None:
    head = ask(server, "/livez", "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "3")
    assert ask(server, "/nothing").status_code == 404
    assert ask(server, "/livez?probe=1").status_code == 200
    assert ask(server, "/livez", "POST").status_code == 405


def connected(server: Server) -> socket.socket:
    return socket.create_connection(server.address, timeout=5)


def test_an_endless_request_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECTION_SECONDS", 0.2)
    with connected(server) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\nX-Endless: ")
        assert slow.recv(100) == b""


def test_silent_connections_keep_nobody_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_CONNECTIONS", 2)
    idle = [connected(server) for _ in range(5)]
    before = threading.active_count()
    for _ in range(3):
        assert ask(server, "/livez").status_code == 200
    with contextlib.ExitStack() as closing:
        for connection in idle[:4]:  # the last two are left alone until somebody comes
            closing.enter_context(connection)
            assert connection.recv(100) == b""
        closing.enter_context(idle[4])
    assert before <= threading.active_count() + 2


def test_a_port_in_use_is_told_clearly(server: Server, loop: Loop) -> None:
    host, port = server.address
    with pytest.raises(ServiceError, match=rf"cannot serve on HTTP_HOST=127.0.0.1 HTTP_PORT={port}: Address already"):
        Server(host, port, loop.view)


def test_it_serves_on_ipv6_too(loop: Loop) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        made = Server("::1", 0, loop.view)
    except ServiceError:
        pytest.skip("no IPv6 here")
    with made:
        assert httpx.get(f"http://[::1]:{made.address[1]}/livez", trust_env=False, verify=False).status_code == 200
