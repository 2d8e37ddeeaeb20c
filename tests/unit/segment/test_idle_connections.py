"""Connections that are idle until the next request, and that the peer closes in the meantime or at that moment."""

import socket
import threading
from collections.abc import Iterator

import pytest

from consumer.http_client.proxies import Proxies
from consumer.model import Accepted, BatchRequest, Chunk, Outcome, Record, Retry, TrackEvent, WriteKey
from consumer.segment.client import Endpoint, SegmentClient

KEY = WriteKey("production", "s3cr3t-write-key")
EVENT = TrackEvent(Record(0, 0, 0, None, b"", ()), KEY, b"{}")
REQUEST = BatchRequest(KEY, (Chunk.of(0, KEY, (EVENT,)),), 0.0)
RESPONSE = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"success": true}'


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


@pytest.fixture
def segment(server: socket.socket) -> Iterator[SegmentClient]:
    url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    client = SegmentClient(Endpoint(url, 5.0, False, False, "sprig-to-segment/test"), Proxies.none())
    yield client
    client.close()


def receive(connection: socket.socket) -> None:
    """Read a whole request: with bytes left unread, the close would be a reset."""
    with connection.makefile("rb") as sent:
        length = 0
        while line := sent.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert len(sent.read(length)) == length


def test_a_connection_that_the_peer_closed_in_between_is_no_failure(
    server: socket.socket, segment: SegmentClient
) -> None:
    outcomes: list[Outcome] = []
    for _ in range(3):
        attempts = threading.Thread(target=lambda: outcomes.append(segment.attempt(REQUEST)))
        attempts.start()
        connection, _ = server.accept()
        with connection:
            receive(connection)
            connection.sendall(RESPONSE)
        attempts.join(5)
    assert outcomes == [Accepted()] * 3


def test_a_request_on_a_kept_connection_that_ends_is_repeated_at_once_on_a_new_one(
    server: socket.socket, segment: SegmentClient
) -> None:
    """For example if the peer closes it at the moment at which the request is sent."""
    outcomes: list[Outcome] = []
    attempts = threading.Thread(target=lambda: outcomes.extend(segment.attempt(REQUEST) for _ in range(2)))
    attempts.start()
    for responses in ((RESPONSE, b""), (RESPONSE,)):
        connection, _ = server.accept()
        with connection:
            for response in responses:
                receive(connection)
                connection.sendall(response)
    attempts.join(5)
    assert outcomes == [Accepted()] * 2


def test_a_request_on_a_new_connection_that_ends_is_not_repeated(server: socket.socket, segment: SegmentClient) -> None:
    outcomes: list[Outcome] = []
    attempts = threading.Thread(target=lambda: outcomes.append(segment.attempt(REQUEST)))
    attempts.start()
    connection, _ = server.accept()
    with connection:
        receive(connection)
    attempts.join(5)
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Retry)] == ["remote_protocol_error"]
