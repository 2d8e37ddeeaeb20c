"""The HTTP server of the service: health, metrics and the status page, with bounds that no client can exhaust."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from consumer.errors import ServiceError
from consumer.jsonio import dumps
from consumer.observability import prometheus
from consumer.observability.snapshot import Snapshot
from consumer.observability.status_page import STALE_SECONDS, StatusPage
from consumer.web import HEADERS, asset

MAX_CONNECTIONS = 32
CONNECTION_SECONDS = 10.0
_POLL_SECONDS = 0.1
_ASSETS = {"/": "status.html", **{f"/{name}": name for name in ("status.js", "common.js", "style.css", "icon.svg")}}


class Page(NamedTuple):
    """One response."""

    status: HTTPStatus
    text: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]

_OK = Page(HTTPStatus.OK, b"ok\n")
_METHOD_NOT_ALLOWED = Page(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD\n")


def pages(status_page: StatusPage) -> Pages:
    """The pages by path, each rendered on demand."""
    render = prometheus.renderer(status_page.latest)
    return {
        "/livez": lambda: liveness(status_page.latest(), time.monotonic()),
        "/readyz": lambda: readiness(status_page.latest()),
        "/metrics": lambda: Page(HTTPStatus.OK, render(), prometheus.CONTENT_TYPE),
        "/status.json": lambda: Page(HTTPStatus.OK, dumps(status_page.status()), "application/json"),
        **{path: _asset_page(name) for path, name in _ASSETS.items()},
    }


def liveness(snapshot: Snapshot, now: float) -> Page:
    """Alive while the loop runs, even if Segment or Kafka fail, because a restart would not repair them."""
    idle = now - snapshot.loop_ran_at
    if idle >= STALE_SECONDS:
        return _unavailable(f"no iteration of the loop for {idle:.0f} s")
    return _OK


def readiness(snapshot: Snapshot) -> Page:
    """Ready while a group member, even without partitions; otherwise a rolling update would wait for itself."""
    if snapshot.draining:
        return _unavailable("draining")
    if not snapshot.is_group_member:
        return _unavailable("not in the group yet")
    return _OK


def _unavailable(problem: str) -> Page:
    return Page(HTTPStatus.SERVICE_UNAVAILABLE, f"{problem}\n".encode())


def _not_found() -> Page:
    return Page(HTTPStatus.NOT_FOUND, b"not found\n")


def _asset_page(name: str) -> Callable[[], Page]:
    content_type, text = asset(name)
    return lambda: Page(HTTPStatus.OK, text, content_type)


class _StatusHandler(BaseHTTPRequestHandler):
    """One request a connection (HTTP/1.0). `timeout` bounds a read; the server bounds the whole connection."""

    timeout = CONNECTION_SECONDS
    server_version = "sprig-to-segment"
    sys_version = ""
    server: "_BoundedServer"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        render = self.server.pages.get(path, _not_found)
        self._respond(render())

    do_HEAD = do_GET  # noqa: N815 - http.server's names

    def _refuse(self) -> None:
        self._respond(_METHOD_NOT_ALLOWED)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815 - http.server's names

    def _respond(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.text)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Log nothing, because probes come every few seconds."""


class _BoundedServer(ThreadingHTTPServer):
    """
    Connections are few and short.

    A connection older than `CONNECTION_SECONDS` is closed, whatever its client does. Beyond `MAX_CONNECTIONS` the
    oldest is closed. An honest client gets its response within milliseconds, so its connection is never the oldest.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], status_page: StatusPage) -> None:
        self.pages = pages(status_page)
        self._status_page = status_page
        self._opened_at: dict[Any, float] = {}
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _StatusHandler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks DNS for a name that the service does not use.

    def process_request(self, request: Any, client_address: Any) -> None:
        for oldest in list(self._opened_at)[: len(self._opened_at) + 1 - MAX_CONNECTIONS]:
            self._opened_at.pop(oldest, None)  # its thread ends by itself
            _hang_up(oldest)
        self._opened_at[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._opened_at.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """
        Close old connections, and sample the history of the status page.

        Called between connections, at least every `_POLL_SECONDS`. A client that sends a byte now and then cannot keep
        its connection open.
        """
        self._status_page.sample()
        for request, opened_at in list(self._opened_at.items()):
            if time.monotonic() - opened_at > CONNECTION_SECONDS:
                _hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error: a client that hung up does not concern the service."""


def _hang_up(request: socket.socket) -> None:
    with contextlib.suppress(OSError):  # The client may have hung up already.
        request.shutdown(socket.SHUT_RDWR)


class StatusServer:
    """Serves in its own threads from its creation until `close`."""

    def __init__(self, host: str, port: int, status_page: StatusPage) -> None:
        try:
            self._server = _BoundedServer((host, port), status_page)
        except OSError as error:
            raise ServiceError(f"cannot serve on HTTP_HOST={host} HTTP_PORT={port}: {error.strerror}") from None
        threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), name="http", daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port on which the server listens."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
