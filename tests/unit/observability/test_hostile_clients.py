"""HTTP clients that are hostile in any way: they take no memory, are disconnected, and do not delay other clients."""

import contextlib
import socket
import time
from collections.abc import Iterator
from statistics import median

import pytest

from consumer.observability import http_server
from consumer.observability.http_server import StatusServer
from tests.support import wait_until
from tests.unit.observability.hostile import BUSY, CLIENTS, IDLE, hostile_clients
from tests.unit.observability.served import ServedProcess, served

PROBES = 10
MAX_GROWTH = 5 * 1024 * 1024
MAX_CPU_SECONDS = 1.0


@pytest.fixture
def attacked() -> Iterator[ServedProcess]:
    with served() as server:
        yield server


def cpu_seconds_until_livez(server: ServedProcess) -> float:
    before = server.cpu_seconds
    assert server.status_of("/livez") == 200
    return server.cpu_seconds - before


@pytest.mark.parametrize("kind", [*BUSY, *IDLE])
def test_a_hostile_client_takes_no_memory_and_delays_nobody(attacked: ServedProcess, kind: str) -> None:
    """
    The delay is what the server does before it answers `/livez`, in seconds of its CPU.

    The time on a clock would also count what the other processes of the machine do meanwhile. The median: if the
    machine lets this process wait before it asks or after the answer, the server goes on working for the others.
    """
    before = attacked.peak_memory
    with hostile_clients(kind, attacked.port) as wait_for_end:
        for _ in range(CLIENTS):
            wait_for_end()
        delays = [cpu_seconds_until_livez(attacked) for _ in range(PROBES)]
    assert attacked.peak_memory - before < MAX_GROWTH
    assert median(delays) < MAX_CPU_SECONDS


def test_silent_connections_do_not_keep_clients_out(attacked: ServedProcess) -> None:
    with contextlib.ExitStack() as closing:
        for _ in range(1000):
            closing.enter_context(socket.create_connection(("127.0.0.1", attacked.port), timeout=5))
        assert attacked.status_of("/livez") == 200


def test_a_slow_client_is_disconnected_at_its_deadline(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
        wait_until(lambda: server.connections, "the connection")
        monkeypatch.setattr(http_server, "CONNECTION_SECONDS", 0.5)
        with contextlib.suppress(ConnectionError):
            while True:
                client.sendall(b"x")
                time.sleep(0.01)  # the pace of a slow client
    assert not server.connections


def test_the_oldest_of_too_many_connections_is_closed(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 2)
    with contextlib.ExitStack() as closing:
        idle = [closing.enter_context(socket.create_connection(server.address, timeout=5)) for _ in range(5)]
        for connection in idle[:3]:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
        monkeypatch.setattr(http_server, "CONNECTION_SECONDS", 0)
        for connection in idle[3:]:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
    wait_until(lambda: not server.connections, "the connections to be forgotten")
