"""Health, metrics and a page over HTTP, and nothing else."""

import re
import socket
import time
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from consumer.errors import ServiceError
from consumer.observability.http_server import StatusServer
from consumer.observability.snapshot import Block, Counters
from consumer.reasons import BlockReason, Reason
from consumer.web import documentation
from tests.unit.observability.conftest import FakeLoop


def ask(server: StatusServer, path: str, method: str = "GET") -> httpx.Response:
    host, port = server.address
    return httpx.request(method, f"http://{host}:{port}{path}", trust_env=False, verify=False, timeout=5)


def test_a_running_loop_is_alive(server: StatusServer, loop: FakeLoop) -> None:
    assert (ask(server, "/livez").status_code, ask(server, "/livez").text) == (200, "ok\n")
    loop.snapshot = replace(loop.snapshot, loop_ran_at=time.monotonic() - 59)
    assert ask(server, "/livez").status_code == 200


def test_a_stuck_loop_is_not_alive(server: StatusServer, loop: FakeLoop) -> None:
    loop.snapshot = replace(loop.snapshot, loop_ran_at=time.monotonic() - 61)
    response = ask(server, "/livez")
    assert response.status_code == 503
    assert response.text.startswith("no iteration of the loop for 61 s")


@pytest.mark.parametrize(
    ("is_group_member", "draining", "status", "text"),
    [
        (True, False, 200, "ok\n"),
        (False, False, 503, "not in the group yet\n"),
        (True, True, 503, "draining\n"),
    ],
)
def test_a_member_is_ready(
    server: StatusServer, loop: FakeLoop, is_group_member: bool, draining: bool, status: int, text: str
) -> None:
    loop.snapshot = replace(loop.snapshot, is_group_member=is_group_member, draining=draining)
    response = ask(server, "/readyz")
    assert (response.status_code, response.text) == (status, text)


def test_metrics_are_prometheus_text(server: StatusServer) -> None:
    response = ask(server, "/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "sprig_to_segment_group_member 1.0" in response.text


def test_the_front_page_is_for_people_and_loads_nothing_foreign(server: StatusServer) -> None:
    page = ask(server, "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert ask(server, f"/{link.lstrip('/')}").status_code == 200, link


def test_the_content_of_the_page_is_one_json_value(server: StatusServer) -> None:
    status = ask(server, "/status.json").json()
    assert (status["version"], status["topic"], status["group"], status["to"]) == (
        *("1.2.3", "answers", "group"),
        "api.segment.io",
    )
    assert status["state"] == "running"


def test_the_content_of_the_page_counts_by_reason(server: StatusServer, loop: FakeLoop) -> None:
    skipped: Counter[str] = Counter({Reason.TOMBSTONE: 2})
    dead_lettered: Counter[str] = Counter({Reason.UNDECODABLE: 3, "http_400": 1})
    counters = Counters(consumed=6, skipped=skipped, dead_lettered=dead_lettered)
    blocks = [Block("partition 3", BlockReason.UNREADABLE_BATCH, 1764000000.0)]
    loop.snapshot = replace(loop.snapshot, counters=counters, blocks=blocks)
    status = ask(server, "/status.json").json()
    assert status["state"] == "blocked"
    assert status["skipped"] == {"tombstone": 2}
    assert status["dead_lettered"] == {"undecodable": 3, "http_400": 1}
    (block,) = status["blocks"]
    assert (block["target"], block["reason"], block["since"]) == ("partition 3", "unreadable_batch", 1764000000.0)
    assert block["meaning"] == BlockReason.UNREADABLE_BATCH.meaning
    assert (block["reject_reason"], block["detail"], block["settings"]) == ("", "", "")


STATES = ("/livez", "/readyz", "/metrics", "/status.json", "/group")
FILES = ("/", "/status.js", "/conditions.js", "/group.js", "/chart.js", "/common.js", "/style.css", "/icon.svg")
SERVED = (*STATES, *FILES, *(f"/docs/{name}" for name in documentation.names()))
NOT_SERVED = (
    "/nothing",
    "/livez/",
    "/LIVEZ",
    "/%6civez",
    "/status.html",
    "/document.html",
    "/docs/",
    "/docs/runbook.md",
    "/docs/../../pyproject",
    "/inbox.html",
    "/.env",
    "/../web/inbox.js",
    "*",
)


def test_only_reading_is_served(server: StatusServer) -> None:
    head = ask(server, "/livez", "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "3")
    assert ask(server, "/livez?probe=1").status_code == 200
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"):
        refused = ask(server, "/livez", method)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_these_paths_are_served_and_no_other(server: StatusServer) -> None:
    assert set(server.pages) == set(SERVED)
    assert {ask(server, path).status_code for path in SERVED} == {200}
    for path in NOT_SERVED:  # sent exactly so, because an HTTP client would normalise it
        with connected(server) as raw:
            raw.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 404 "), path


def connected(server: StatusServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=5)


def test_a_port_in_use_is_reported_clearly(server: StatusServer, loop: FakeLoop) -> None:
    host, port = server.address
    with pytest.raises(ServiceError, match=rf"cannot serve on HTTP_HOST=127.0.0.1 HTTP_PORT={port}: Address already"):
        StatusServer(host, port, loop.status_page)


def test_the_group_is_served_as_json(loop: FakeLoop) -> None:
    page = loop.status_page
    page.group = lambda: {"state": "stable", "members": [{"client_id": "pod-1"}], "lag": None}
    with StatusServer("127.0.0.1", 0, page) as server:
        response = ask(server, "/group")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"state": "stable", "members": [{"client_id": "pod-1"}], "lag": None}


def test_without_a_group_the_page_about_it_is_empty(server: StatusServer) -> None:
    assert ask(server, "/group").json() == {}
