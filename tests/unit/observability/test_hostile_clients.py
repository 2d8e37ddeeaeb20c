"""HTTP clients that send without end, or too slowly, or read nothing: each is cut off, and other clients are served."""

import contextlib
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from consumer.observability import http_server
from consumer.observability.http_server import Page, StatusServer
from tests.support import wait_until


def connected(server: StatusServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=5)


def is_served(server: StatusServer) -> bool:
    host, port = server.address
    return httpx.get(f"http://{host}:{port}/livez", trust_env=False, verify=False, timeout=2).is_success


def header_without_end(client: socket.socket, stop: threading.Event) -> None:
    client.sendall(b"GET /livez HTTP/1.1\r\nX-Endless: ")
    while not stop.is_set():
        client.sendall(b"x" * 1000)


def headers_without_end(client: socket.socket, stop: threading.Event) -> None:
    client.sendall(b"GET /livez HTTP/1.1\r\n")
    while not stop.is_set():
        client.sendall(b"X-Endless: x\r\n")


def byte_by_byte(client: socket.socket, stop: threading.Event) -> None:
    client.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
    while not stop.wait(0.05):
        client.sendall(b"x")


def reading_nothing(client: socket.socket, stop: threading.Event) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
    stop.wait()


def half_a_request(client: socket.socket, stop: threading.Event) -> None:
    client.sendall(b"GET /livez HTTP/1.1\r\nX-Half: ")
    stop.wait()


@pytest.mark.parametrize(
    "behave", [header_without_end, headers_without_end, byte_by_byte, reading_nothing, half_a_request]
)
def test_a_hostile_client_is_cut_off_and_other_clients_are_served(
    server: StatusServer, monkeypatch: pytest.MonkeyPatch, behave: Callable[[socket.socket, threading.Event], None]
) -> None:
    monkeypatch.setattr(http_server, "CONNECTION_SECONDS", 0.5)
    large: Any = server._server.pages
    large["/large"] = lambda: Page(HTTPStatus.OK, b"x" * 30_000_000)
    stop = threading.Event()

    def run_client() -> None:
        with contextlib.suppress(OSError), connected(server) as client:
            behave(client, stop)

    before = threading.active_count()
    clients = [threading.Thread(target=run_client) for _ in range(8)]
    for client in clients:
        client.start()
    opened_at = server._server._opened_at
    wait_until(lambda: len(opened_at) > 4 or not any(client.is_alive() for client in clients), "the clients")
    for _ in range(10):
        assert is_served(server)
    wait_until(lambda: not opened_at, "the server to close their connections")
    stop.set()
    for client in clients:
        client.join(5)
    wait_until(lambda: threading.active_count() <= before, "their threads to end")


def test_silent_connections_do_not_keep_clients_out(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 2)
    before = threading.active_count()
    idle = [connected(server) for _ in range(5)]
    for _ in range(3):
        assert is_served(server)
    with contextlib.ExitStack() as closing:
        for connection in idle[:4]:  # the last two are left alone until another client connects
            closing.enter_context(connection)
            assert connection.recv(100) == b""
        closing.enter_context(idle[4])
    wait_until(lambda: threading.active_count() <= before, "their threads to end")
