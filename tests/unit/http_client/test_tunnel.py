"""Requests through a proxy: TLS is end to end, and what each failure of the proxy becomes."""

import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest
import trustme

from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest
from consumer.http_client.proxies import Proxies
from tests.http_peer import Peer, json_response, peer
from tests.ports import free_port
from tests.tunnels import Serve, Tunnels, proxy, read_head

HOST = "segment.example"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[Peer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    with peer(lambda _: json_response({}), tls) as secured:
        yield secured


def send(port: int, authority: trustme.CA, user: str = "", seconds: float = 10.0, host: str = HOST) -> int:
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    client = HttpClient(Proxies.parse(f"http://{user}127.0.0.1:{port}", ""), tls)
    try:
        return client.send(HttpRequest("POST", f"https://{host}/v1", {"X-Key": "s3cr3t"}, b"{}"), seconds, 1000).status
    finally:
        client.close()


def failure(serve: Serve, authority: trustme.CA, seconds: float = 10.0) -> HttpError:
    with proxy(serve) as port, pytest.raises(HttpError) as error:
        send(port, authority, seconds=seconds)
    return error.value


def test_the_proxy_sees_the_host_and_nothing_of_the_request(server: Peer, authority: trustme.CA) -> None:
    tunnels = Tunnels(int(server.server_address[1]))
    with proxy(tunnels.serve) as port:
        assert send(port, authority, user="sprig:p%40ss@") == 200
    (head,) = tunnels.heads
    assert head.splitlines() == [
        b"CONNECT segment.example:443 HTTP/1.1",
        b"Host: segment.example:443",
        b"Proxy-Authorization: Basic c3ByaWc6cEBzcw==",
        b"",
    ]
    assert b"s3cr3t" not in tunnels.bytes_sent
    (request,) = server.requests
    assert request.headers["x-key"] == "s3cr3t"
    assert "proxy-authorization" not in request.headers


def test_the_certificate_must_be_that_of_the_host(server: Peer, authority: trustme.CA) -> None:
    """A proxy that answers in place of the host gets no request."""
    tunnels = Tunnels(int(server.server_address[1]))
    with proxy(tunnels.serve) as port, pytest.raises(HttpError) as error:
        send(port, authority, host="other.example")
    assert error.value.reason == "connect_error"
    assert isinstance(error.value.__cause__, ssl.SSLCertVerificationError)
    assert not server.requests


@pytest.mark.parametrize("status", [301, 403, 407, 502, 503])
def test_a_refusal_has_a_reason_of_its_own_and_names_the_setting(status: int, authority: trustme.CA) -> None:
    def refuse(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 %d s3cr3t words\r\nContent-Length: 6\r\n\r\ns3cr3t" % status)

    error = failure(refuse, authority)
    assert (error.reason, str(error)) == (
        "proxy_refused",
        f"the proxy of HTTPS_PROXY refuses the tunnel with status {status}",
    )


def test_a_proxy_that_is_not_there_is_named(authority: trustme.CA) -> None:
    with pytest.raises(HttpError) as error:
        send(free_port(), authority)
    assert error.value.reason == "proxy_error"
    assert "HTTPS_PROXY" in str(error.value)
    assert "Connection refused" in str(error.value)


def endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Padding: " + b"x" * 10_000 + b"\r\n")


def endless_line(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    while True:
        connection.sendall(b"x" * 10_000)


def endless_interim_responses(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def no_http(connection: socket.socket) -> None:
    read_head(connection)
    connection.sendall(b"SSH-2.0-s3cr3t\r\n\r\n")


def end(connection: socket.socket) -> None:
    read_head(connection)


@pytest.mark.parametrize("serve", [endless_head, endless_line, endless_interim_responses, no_http, end])
def test_a_proxy_that_speaks_no_http_fails_at_once_in_little_memory(serve: Serve, authority: trustme.CA) -> None:
    tracemalloc.start()
    began = time.monotonic()
    error = failure(serve, authority, seconds=60)
    assert time.monotonic() - began < 30
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()
    assert error.reason == "proxy_error"
    assert "s3cr3t" not in str(error)


def silence(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not threading.Event().wait(0.05):
        connection.sendall(b"x")


@pytest.mark.parametrize("serve", [silence, drip])
def test_a_proxy_that_is_slow_is_given_up_at_the_deadline(serve: Serve, authority: trustme.CA) -> None:
    began = time.monotonic()
    error = failure(serve, authority, seconds=0.5)
    assert time.monotonic() - began < 5
    assert error.reason == "proxy_error"
    assert "deadline" in str(error)
