"""The look-up of a name, which has no timeout of its own: no request waits for it beyond its deadline."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from consumer.http_client.messages import HttpError
from consumer.http_client.resolver import Resolver


class NameServer:
    """Answers when `answers` is set. `asked` counts the look-ups."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = 0

    def getaddrinfo(self, host: str, port: int, **_: object) -> list[object]:
        self.asked += 1
        assert self.answers.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def look_ups() -> list[threading.Thread]:
    """The threads of look-ups that are under way."""
    return [thread for thread in threading.enumerate() if thread.name == "resolve"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    name_server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", name_server.getaddrinfo)
    yield name_server
    name_server.answers.set()
    for thread in look_ups():
        thread.join(10)


def test_a_look_up_without_an_answer_ends_at_the_deadline(server: NameServer) -> None:
    began = time.monotonic()
    with pytest.raises(HttpError) as error:
        Resolver().addresses("slow.example", 443, began + 0.2)
    assert error.value.reason == "connect_timeout"
    assert time.monotonic() - began < 5


def test_requests_that_wait_for_the_same_name_share_a_look_up(server: NameServer) -> None:
    resolver = Resolver()
    for _ in range(20):
        with pytest.raises(HttpError):
            resolver.addresses("slow.example", 443, time.monotonic() + 0.01)
    assert server.asked == 1
    assert len(look_ups()) == 1


def test_after_an_answer_the_name_is_looked_up_anew(server: NameServer) -> None:
    """The addresses of a host change."""
    server.answers.set()
    resolver = Resolver()
    for _ in range(2):
        (address,) = resolver.addresses("quick.example", 443, time.monotonic() + 5)
        assert address.sockaddr == ("127.0.0.1", 443)
    assert server.asked == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_thread(host: str) -> None:
    (address,) = Resolver().addresses(host, 443, time.monotonic() + 5)
    assert address.sockaddr[0] == host
    assert not look_ups()


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_name_that_cannot_be_looked_up_is_a_failure_to_connect(host: str) -> None:
    with pytest.raises(HttpError) as error:
        Resolver().addresses(host, 443, time.monotonic() + 5)
    assert error.value.reason == "connect_error"


def test_a_look_up_that_cannot_begin_costs_one_request(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver, ends_at = Resolver(), time.monotonic() + 10
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(HttpError) as error:
            resolver.addresses("some.example", 443, ends_at)
    assert error.value.reason == "connect_error"
    server.answers.set()
    assert resolver.addresses("some.example", 443, ends_at)


def test_a_look_up_that_ends_by_a_defect_is_a_failure_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [()])
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(HttpError) as error:
            resolver.addresses("some.example", 443, time.monotonic() + 10)
        assert error.value.reason == "connect_error"
