"""Responses at their bounds: what is read, what is refused, and how much memory a hostile peer can take."""

import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies
from tests.http_peer import json_response, peer

Answer = Callable[[socket.socket], None]
SECRET = "s3cr3t"


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """The URL of a server that answers one request with `answer`."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def get(url: str, seconds: float = 10.0, max_bytes: int = 65536) -> HttpResponse:
    client = HttpClient(Proxies.none())
    try:
        return client.send(HttpRequest("GET", url, {}), seconds, max_bytes)
    finally:
        client.close()


def failure(answer: Answer, seconds: float = 60.0, max_bytes: int = 65536) -> HttpError:
    with served(answer) as url, pytest.raises(HttpError) as error:
        get(url, seconds, max_bytes)
    return error.value


def answer_with(*pieces: bytes) -> Answer:
    return lambda connection: connection.sendall(b"".join(pieces))


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["length", "chunks", "until the end", "interim"],
)
def test_a_response_in_each_form_is_read(wire: bytes) -> None:
    with served(answer_with(wire)) as url:
        response = get(url)
    assert (response.status, response.body) == (200, b"{}")


def test_header_names_are_compared_without_case_and_repeated_ones_are_joined() -> None:
    wire = b"HTTP/1.1 503 X\r\nRetry-After: 7\r\nX-A: 1\r\nx-a: 2\r\nX-B: \xe9\r\nContent-Length: 0\r\n\r\n"
    with served(answer_with(wire)) as url:
        headers = get(url).headers
    assert (headers["retry-after"], headers["RETRY-AFTER"], headers["X-A"], headers["x-b"]) == (
        "7",
        "7",
        "1, 2",
        "\xe9",
    )
    assert headers.get("date") is None


def test_a_response_of_exactly_the_limit_is_read() -> None:
    wire = b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65536
    with served(answer_with(wire)) as url:
        assert len(get(url).body) == 65536


@pytest.mark.parametrize("framing", [b"Content-Length: 70000", b"Content-Length: 99999999999", b"Connection: close"])
def test_a_larger_response_is_an_error_that_has_its_status_and_headers(framing: bytes) -> None:
    error = failure(answer_with(b"HTTP/1.1 429 X\r\nRetry-After: 7\r\n" + framing + b"\r\n\r\n", b"x" * 70000))
    assert error.reason == "response_too_large"
    assert error.response
    assert (error.response.status, error.response.headers["retry-after"], error.response.body) == (429, "7", b"")


def endless(piece: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (endless(b"X-A: b\r\n"), "remote_protocol_error"),
        (endless(b"X-A: " + b"b" * 20_000 + b"\r\n"), "remote_protocol_error"),
        (endless(b"x" * 10_000, b"HTTP/1.1 200 "), "remote_protocol_error"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n", b""), "remote_protocol_error"),
        (endless(b"1\r\nx\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "response_too_large"),
        (endless(b"x" * 10_000, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"), "remote_protocol_error"),
        (
            endless(b"X-A: b\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
            "remote_protocol_error",
        ),
        (answer_with(b"HTTP/1.1 200 OK\r\n" + b"A:\r\n" * 201 + b"\r\n"), "remote_protocol_error"),
    ],
    ids=["headers", "long headers", "status", "interim", "chunks", "chunk extension", "trailers", "201 headers"],
)
def test_what_never_ends_is_given_up_in_little_memory(answer: Answer, reason: str) -> None:
    tracemalloc.start()
    began = time.monotonic()
    error = failure(answer, max_bytes=4096)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.reason == reason
    assert time.monotonic() - began < 30
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-%b\r\n\r\n" % SECRET.encode(),
        b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % SECRET.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % SECRET.encode(),
        b"HTTP/1.1 101 %b\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" % SECRET.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + SECRET.encode(),
        b"",
    ],
)
def test_an_error_has_no_words_of_the_peer(wire: bytes) -> None:
    error = failure(answer_with(wire))
    assert error.reason == "remote_protocol_error"
    assert SECRET not in f"{error!s} {error!r} {error.__cause__!r}"


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", "ftp://127.0.0.1/", {"X": SECRET}),
        HttpRequest("GET", "https://", {"X": SECRET}),
        HttpRequest("GET", "https://h\xe9/", {"X": SECRET}),
        HttpRequest("GET", f"https://h:{SECRET}/", {}),
    ],
)
def test_a_request_that_cannot_be_sent_shows_nothing(request_: HttpRequest) -> None:
    client = HttpClient(Proxies.none())
    with pytest.raises(HttpError) as error:
        client.send(request_, 1.0, 10)
    assert error.value.reason == "invalid_request"
    assert SECRET not in f"{error.value} {error.value.__cause__!r}"
    assert SECRET not in repr(HttpRequest("GET", "https://h/", {"X": SECRET}, SECRET.encode()))


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX: y", f"{SECRET}\xe9"])
def test_a_header_that_http_does_not_allow_is_not_sent_and_not_shown(value: str) -> None:
    client = HttpClient(Proxies.none())
    with peer(lambda _: json_response({})) as server, pytest.raises(HttpError) as error:
        client.send(HttpRequest("GET", server.url, {"X": value}), 5.0, 10)
    assert error.value.reason == "invalid_request"
    assert SECRET not in f"{error.value} {error.value.__cause__!r}"
    assert not server.requests


def test_the_target_is_that_of_the_url_and_a_response_is_never_compressed() -> None:
    with peer(lambda _: json_response({})) as server:
        get(f"{server.url}/a%20b/\xfc?x=1&y=%2F")
        get(server.url)
        get(f"{server.url}?q")
    assert [request.path for request in server.requests] == ["/a%20b/%C3%BC?x=1&y=%2F", "/", "/?q"]
    assert {request.headers["accept-encoding"] for request in server.requests} == {"identity"}


def test_a_server_may_answer_and_close_before_it_read_the_request() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with served(refuse) as url:
        client = HttpClient(Proxies.none())
        assert client.send(HttpRequest("PUT", url, {}, b"x" * 20_000_000), 20.0, 1000).status == 413


def test_plain_http_on_a_tls_port_is_a_failure_to_connect() -> None:
    with served(answer_with(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url, pytest.raises(HttpError) as error:
        get(url.replace("http:", "https:"))
    assert error.value.reason == "connect_error"
    assert isinstance(error.value.__cause__, ssl.SSLError)
