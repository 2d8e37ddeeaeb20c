"""A host with several addresses: the first one that answers is used, and those without an answer cost a moment."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from consumer.http_client import race
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest
from consumer.http_client.proxies import Proxies
from tests.dead_addresses import dead_addresses
from tests.http_peer import json_response, peer
from tests.ports import free_port

REAL = socket.getaddrinfo


@pytest.fixture
def client() -> Iterator[HttpClient]:
    http = HttpClient(Proxies.none())
    yield http
    http.close()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Let the name `several.example` have these addresses."""

    def getaddrinfo(host: str, port: int, **options: object) -> Sequence[object]:
        return [row for address in hosts for row in REAL(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def get(http: HttpClient, port: int, seconds: float) -> int:
    return http.send(HttpRequest("GET", f"http://several.example:{port}/", {}), seconds, 1000).status


def failure(http: HttpClient, port: int, seconds: float) -> tuple[str, float]:
    """The reason of the failure, and after how many seconds it came."""
    began = time.monotonic()
    with pytest.raises(HttpError) as error:
        get(http, port, seconds)
    return error.value.reason, time.monotonic() - began


@pytest.mark.parametrize(
    "hosts",
    [
        ("::1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.1"),
        ("127.0.0.2", "::1", "127.0.0.3", "127.0.0.1"),
        (*(f"127.0.0.{number}" for number in range(2, 15)), "127.0.0.1"),
    ],
    ids=["IPv6 dead", "IPv4 dead", "both families dead", "many dead"],
)
def test_dead_addresses_cost_a_moment(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, hosts: Sequence[str]
) -> None:
    resolve_to(monkeypatch, *hosts)
    with peer(lambda _: json_response({})) as server:
        port = int(server.server_address[1])
        with dead_addresses(*hosts[:-1], port=port):
            began = time.monotonic()
            assert get(client, port, 20) == 200
            assert time.monotonic() - began < 10  # with one deadline for each address in turn it never ends well


def test_the_other_family_is_second_however_many_addresses_the_first_one_has(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = [f"127.0.0.{number}" for number in range(2, 12)]
    resolve_to(monkeypatch, *dead, "::1")
    monkeypatch.setattr(race, "_HEAD_START_SECONDS", 1.0)
    port = free_port()
    with dead_addresses(*dead, port=port), socket.create_server(("::1", port), family=socket.AF_INET6) as listener:
        began = time.monotonic()
        thread = threading.Thread(target=failure, args=(client, port, 60.0))
        thread.start()
        listener.settimeout(20)
        listener.accept()[0].close()
        assert time.monotonic() - began < 6  # as the last of all it would begin after 10
        thread.join(10)


def test_a_refused_address_costs_nothing(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "::1", "127.0.0.3", "127.0.0.1")
    monkeypatch.setattr(race, "_HEAD_START_SECONDS", 60.0)
    with peer(lambda _: json_response({})) as server:
        began = time.monotonic()
        assert get(client, int(server.server_address[1]), 200) == 200
        assert time.monotonic() - began < 20


def test_refused_at_all_addresses_is_an_error_at_once(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "::1", "127.0.0.2", "127.0.0.1")
    reason, seconds = failure(client, free_port(), 20)
    assert reason == "connect_error"
    assert seconds < 5


@pytest.mark.parametrize("hosts", [("127.0.0.2",), ("::1", "127.0.0.2"), ("127.0.0.2", "127.0.0.3", "127.0.0.4")])
def test_no_answer_at_all_addresses_ends_at_the_deadline(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, hosts: Sequence[str]
) -> None:
    resolve_to(monkeypatch, *hosts)
    with dead_addresses(*hosts) as port:
        reason, seconds = failure(client, port, 0.5)
    assert reason == "connect_timeout"
    assert 0.4 < seconds < 3


def test_an_attempt_that_loses_is_closed(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python warns of a socket that is left open, and the tests make an error of each warning."""
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with ExitStack() as closing:
        server = closing.enter_context(peer(lambda _: json_response({})))
        closing.enter_context(dead_addresses("127.0.0.2", port=int(server.server_address[1])))
        assert get(client, int(server.server_address[1]), 20) == 200


def test_a_peer_that_makes_no_tls_handshake_is_a_failure_to_connect(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(HttpError) as error:
        client.send(HttpRequest("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/", {}), 0.5, 1000)
    assert error.value.reason == "connect_timeout"
    assert "TLS" in str(error.value)


def test_a_name_without_an_address_is_a_failure_to_connect(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    assert failure(client, 1, 5)[0] == "connect_error"
