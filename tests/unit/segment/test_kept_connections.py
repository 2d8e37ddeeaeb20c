"""Connections that are kept for the next request, and that the peer closes in the meantime or just then."""

import socket
import threading
from collections.abc import Iterator

import pytest

from consumer.model import Call, Message, WriteKey
from consumer.request import Accepted, Outcome, Part, Request, Retry
from consumer.segment.client import Endpoint, Segment

KEY = WriteKey("production", "s3cr3t-write-key")
REQUEST = Request(KEY, (Part(0, KEY, (Call(Message(0, 0, 0, None, b"", ()), KEY, b"{}"),)),), 0.0)
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"success": true}'


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(5)
        yield made


@pytest.fixture
def segment(server: socket.socket) -> Iterator[Segment]:
    made = Segment(Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/", 5.0, False, False, "sprig-to-segment/test"))
    yield made
    made.close()


def receive(connection: socket.socket) -> None:
    """A whole request: what is left unread would make a reset of the end."""
    with connection.makefile("rb") as sent:
        length = 0
        while line := sent.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert len(sent.read(length)) == length


def test_one_that_the_peer_closed_in_between_is_no_fault(server: socket.socket, segment: Segment) -> None:
    outcomes: list[Outcome] = []
    for _ in range(3):
        asking = threading.Thread(target=lambda: outcomes.append(segment.attempt(REQUEST)))
        asking.start()
        connection, _ = server.accept()
        with connection:
            receive(connection)
            connection.sendall(ANSWER)
        asking.join(5)
    assert outcomes == [Accepted()] * 3


def test_one_that_ends_under_a_request_is_tried_again_on_another(server: socket.socket, segment: Segment) -> None:
    """As where the peer closes it in the moment in which the request leaves."""
    outcomes: list[Outcome] = []
    asking = threading.Thread(target=lambda: outcomes.extend(segment.attempt(REQUEST) for _ in range(3)))
    asking.start()
    for answers in ((ANSWER, b""), (ANSWER,)):
        connection, _ = server.accept()
        with connection:
            for answer in answers:
                receive(connection)
                connection.sendall(answer)
    asking.join(5)
    first, ended, last = outcomes
    assert (first, last) == (Accepted(), Accepted())
    assert isinstance(ended, Retry)
    assert ended.reason in ("remote_protocol_error", "read_error")
