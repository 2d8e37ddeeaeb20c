"""Health, metrics and a page over HTTP, and nothing else."""

import re
import socket
import time
from dataclasses import replace

import httpx
import pytest

from consumer.errors import ServiceError
from consumer.observability.http_server import Server
from tests.unit.observability.conftest import Loop


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
    assert "sprig_to_segment_group_member 1.0" in answer.text


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


SERVED = ("/", "/livez", "/readyz", "/metrics", "/status.json", "/status.js", "/common.js", "/style.css", "/icon.svg")
ELSEWHERE = (
    "/nothing",
    "/livez/",
    "/LIVEZ",
    "/%6civez",
    "/status.html",
    "/inbox.html",
    "/.env",
    "/../web/inbox.js",
    "*",
)


def test_only_reading_is_served(server: Server) -> None:
    head = ask(server, "/livez", "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "3")
    assert ask(server, "/livez?probe=1").status_code == 200
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert ask(server, "/livez", method).status_code == 405
    assert ask(server, "/livez", "TRACE").status_code == 501


def test_these_paths_are_served_and_no_other(server: Server) -> None:
    assert set(server._server.pages) == set(SERVED)
    assert {ask(server, path).status_code for path in SERVED} == {200}
    for path in ELSEWHERE:  # as it stands here, which a client of HTTP would tidy up
        with connected(server) as raw:
            raw.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.0 404 "), path


def connected(server: Server) -> socket.socket:
    return socket.create_connection(server.address, timeout=5)


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
