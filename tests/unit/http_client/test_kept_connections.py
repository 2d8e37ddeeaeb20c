"""Connections that are kept between two requests: for how long, and what happens if one is dead."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from consumer.http_client import idle
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest
from consumer.http_client.proxies import Proxies

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[socket.socket, int], None]
LARGE = b"x" * 30_000_000


class Server:
    """
    Answers each request with `answer`, which gets the connection and the number of the request on it, from 0.

    `requests` has the number of its connection for each request.
    """

    def __init__(self) -> None:
        self.answer: Answer = lambda connection, _: connection.sendall(RESPONSE)
        self.requests: list[int] = []
        self.connections: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                number = len(self.connections)
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection.makefile("rb") as sent:
            on_connection = 0
            while sent.readline():
                length = 0
                while line := sent.readline().strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                self.requests.append(number)
                if length < len(LARGE):
                    sent.read(length)
                self.answer(connection, on_connection)
                on_connection += 1

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def client() -> Iterator[HttpClient]:
    http = HttpClient(Proxies.none())
    yield http
    http.close()


def post(http: HttpClient, server: Server, content: bytes = b"{}", seconds: float = 20.0) -> int:
    return http.send(HttpRequest("POST", server.url, {}, content), seconds, 1000).status


def post_at_once(http: HttpClient, server: Server, count: int) -> None:
    """So many requests at the same time, so that each one takes a connection."""
    everybody = threading.Barrier(count)

    def wait_for_all(connection: socket.socket, _: int) -> None:
        everybody.wait(10)
        connection.sendall(RESPONSE)

    server.answer = wait_for_all
    threads = [threading.Thread(target=post, args=(http, server)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(server.requests)) == count
    server.requests.clear()


def is_ended(connection: socket.socket) -> bool:
    """Whether the client closed the connection, within a moment."""
    connection.settimeout(5)
    with suppress(OSError):
        return connection.recv(1, socket.MSG_PEEK) == b""
    return False


def test_requests_one_after_the_other_use_one_connection(server: Server, client: HttpClient) -> None:
    for _ in range(3):
        assert post(client, server) == 200
    assert server.requests == [0, 0, 0]


def test_connections_that_are_idle_for_long_are_closed_and_not_used(
    server: Server, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_at_once(client, server, 4)
    server.answer = lambda connection, _: connection.sendall(RESPONSE)
    monkeypatch.setattr(idle, "MAX_IDLE_SECONDS", 0.0)
    assert post(client, server) == 200
    assert server.requests == [4]
    assert all(is_ended(connection) for connection in server.connections[:4])


def swallow(connection: socket.socket, on_connection: int) -> None:
    """Answer the first request of each connection only, as if the path were gone afterwards."""
    if not on_connection:
        connection.sendall(RESPONSE)


def end_second(connection: socket.socket, on_connection: int) -> None:
    if on_connection:
        connection.shutdown(socket.SHUT_RDWR)
    else:
        connection.sendall(RESPONSE)


def test_one_dead_connection_costs_one_short_try_and_closes_all_idle_ones(server: Server, client: HttpClient) -> None:
    post_at_once(client, server, 8)
    server.answer = lambda connection, on_connection: end_second(connection, on_connection)  # noqa: PLW0108
    assert post(client, server) == 200
    assert len(server.requests) == 2
    assert server.requests[1] == 8
    assert all(is_ended(connection) for connection in server.connections[:8] if connection.fileno() >= 0)


def test_what_a_dead_peer_does_not_confirm_fails_within_a_second_and_is_sent_again(
    server: Server, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Linux treats a peer that does not read for so long like one that does not confirm.

    A listener that does not read is the only peer on loopback that confirms nothing.
    """
    monkeypatch.setattr(idle, "_FRESH_SECONDS", 0.0)
    assert post(client, server) == 200
    deaf = threading.Event()

    def answer(connection: socket.socket, on_connection: int) -> None:
        if on_connection:
            deaf.wait(20)
        connection.sendall(RESPONSE)

    server.answer = answer
    began = time.monotonic()
    assert post(client, server, LARGE, seconds=60) == 200
    assert time.monotonic() - began < 20
    deaf.set()
    assert server.requests == [0, 0, 1]


def test_within_a_stream_of_requests_a_slow_peer_has_the_whole_deadline(
    server: Server, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    monkeypatch.setattr(
        "consumer.http_client.stream.SocketStream.limit_acknowledgement", lambda _, limit: limits.append(limit)
    )
    monkeypatch.setattr(idle, "_FRESH_SECONDS", 60.0)
    post(client, server)
    post(client, server)
    monkeypatch.setattr(idle, "_FRESH_SECONDS", 0.0)
    post(client, server)
    assert limits == [0, 1000]


def test_a_request_is_not_repeated_when_its_response_had_begun(server: Server, client: HttpClient) -> None:
    post(client, server)

    def break_off(connection: socket.socket, _: int) -> None:
        connection.sendall(RESPONSE[:10])
        connection.shutdown(socket.SHUT_RDWR)

    server.answer = break_off
    with pytest.raises(HttpError) as error:
        post(client, server)
    assert error.value.reason == "remote_protocol_error"
    assert server.requests == [0, 0]


def test_a_repeat_keeps_the_deadline_of_the_request(server: Server, client: HttpClient) -> None:
    post(client, server)

    def late(connection: socket.socket, on_connection: int) -> None:
        if on_connection:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            threading.Event().wait(3)

    server.answer = late
    began = time.monotonic()
    with pytest.raises(HttpError) as error:
        post(client, server, seconds=0.5)
    assert error.value.reason == "read_timeout"
    assert time.monotonic() - began < 2.5
    assert server.requests == [0, 0, 1]


def test_a_kept_connection_without_an_answer_ends_at_the_deadline_and_the_next_request_takes_a_new_one(
    server: Server, client: HttpClient
) -> None:
    post_at_once(client, server, 3)
    server.answer = swallow
    with pytest.raises(HttpError) as error:
        post(client, server, seconds=0.3)
    assert error.value.reason == "read_timeout"
    assert post(client, server) == 200
    assert server.requests[-1] == 3


@pytest.mark.parametrize("stray", [b"HTTP/1.1 408 Request Timeout\r\n\r\n", b""])
def test_a_connection_on_which_something_arrived_in_between_is_not_used(
    server: Server, client: HttpClient, stray: bytes
) -> None:
    post(client, server)
    (connection,) = server.connections
    if stray:
        connection.sendall(stray)
    else:
        connection.shutdown(socket.SHUT_WR)
    assert post(client, server) == 200
    assert server.requests == [0, 1]


def test_hosts_do_not_share_connections(client: HttpClient) -> None:
    servers: Sequence[Server] = [Server(), Server()]
    for server in (*servers, *servers):
        assert post(client, server) == 200
    assert [server.requests for server in servers] == [[0, 0], [0, 0]]
    for server in servers:
        server.close()


def test_after_the_end_nothing_is_kept(server: Server) -> None:
    http = HttpClient(Proxies.none())
    post(http, server)
    http.close()
    post(http, server)
    assert all(is_ended(connection) for connection in server.connections)


def test_a_second_response_is_not_taken_for_the_answer_to_the_next_request(server: Server, client: HttpClient) -> None:
    server.answer = lambda connection, _: connection.sendall(RESPONSE + RESPONSE.replace(b"{}", b"no"))
    for _ in range(3):
        assert client.send(HttpRequest("GET", server.url, {}), 10.0, 1000).body == b"{}"
    assert server.requests == [0, 1, 2]
