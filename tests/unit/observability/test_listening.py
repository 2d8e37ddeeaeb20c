"""The addresses on which the service listens: both families by default, and whatever HTTP_HOST names."""

import errno
import socket

import httpx
import pytest

from consumer.errors import ServiceError
from consumer.observability.http_server import StatusServer
from consumer.settings import Settings
from tests.unit.observability.conftest import FakeLoop

DEFAULT = Settings.model_fields["http_host"].default


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


def is_served(server: StatusServer, host: str) -> bool:
    return httpx.get(f"http://{host}:{server.address[1]}/livez", trust_env=False, verify=False, timeout=5).is_success


@NEEDS_IPV6
def test_by_default_both_families_are_served(loop: FakeLoop) -> None:
    with StatusServer(DEFAULT, 0, loop.status_page) as server:
        assert is_served(server, "127.0.0.1")
        assert is_served(server, "[::1]")
        assert server.url == f"http://[::]:{server.address[1]}/"


@pytest.mark.parametrize(
    ("host", "served", "url"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1"),
        ("0.0.0.0", "127.0.0.1", "http://0.0.0.0"),
        ("localhost", "127.0.0.1", "http://127.0.0.1"),
        pytest.param("::1", "[::1]", "http://[::1]", marks=NEEDS_IPV6),
        pytest.param("::ffff:127.0.0.1", "127.0.0.1", "http://[::ffff:127.0.0.1]", marks=NEEDS_IPV6),
    ],
)
def test_an_address_or_a_name_is_served(loop: FakeLoop, host: str, served: str, url: str) -> None:
    with StatusServer(host, 0, loop.status_page) as server:
        assert is_served(server, served)
        assert server.url == f"{url}:{server.address[1]}/"


class Ipv4Socket(socket.socket):
    """A socket on a machine without IPv6: `errors` has the error of the creation, or of the binding."""

    at_creation = 0
    at_bind = 0

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        if family == socket.AF_INET6 and self.at_creation:
            raise OSError(self.at_creation, "no IPv6")
        super().__init__(family, type, proto, fileno)

    def bind(self, address: object) -> None:
        if self.family == socket.AF_INET6 and self.at_bind:
            raise OSError(self.at_bind, "no IPv6")
        super().bind(address)  # type: ignore[arg-type]


@pytest.fixture(params=[("at_creation", errno.EAFNOSUPPORT), ("at_bind", errno.EADDRNOTAVAIL)])
def without_ipv6(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ipv4Socket, *request.param)
    monkeypatch.setattr(socket, "socket", Ipv4Socket)


@pytest.mark.usefixtures("without_ipv6")
def test_without_ipv6_the_default_is_every_ipv4_address(loop: FakeLoop) -> None:
    with StatusServer(DEFAULT, 0, loop.status_page) as server:
        assert server.url == f"http://0.0.0.0:{server.address[1]}/"
        assert is_served(server, "127.0.0.1")


@pytest.mark.usefixtures("without_ipv6")
def test_without_ipv6_an_ipv6_address_is_an_error(loop: FakeLoop) -> None:
    with pytest.raises(ServiceError, match="cannot serve on HTTP_HOST=::1 HTTP_PORT=0: no IPv6"):
        StatusServer("::1", 0, loop.status_page)


@pytest.mark.parametrize("host", ["nowhere.invalid", "[::1]", "a..b", "x" * 70])
def test_a_host_without_an_address_is_reported_clearly(loop: FakeLoop, host: str) -> None:
    with pytest.raises(ServiceError, match="cannot serve on HTTP_HOST="):
        StatusServer(host, 0, loop.status_page)
