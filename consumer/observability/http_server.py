"""The service's own small web server, which no client can keep busy or fill up."""

import contextlib
import socket
import socketserver
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from consumer.errors import ServiceError
from consumer.observability.pages import Page, pages
from consumer.observability.status_page import View
from consumer.web import HEADERS

MOST_CONNECTIONS = 32
CONNECTION_SECONDS = 10.0
_POLL_SECONDS = 0.1


class _Handler(BaseHTTPRequestHandler):
    """One request a connection (HTTP/1.0). `timeout` bounds a read; the server bounds the whole connection."""

    timeout = CONNECTION_SECONDS
    server_version = "sprig-to-segment"
    sys_version = ""
    server: "_Server"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self._answer(self.server.pages.get(path, lambda: Page(HTTPStatus.NOT_FOUND, b"not found\n"))())

    do_HEAD = do_GET  # noqa: N815 - http.server's names

    def _refuse(self) -> None:
        self._answer(Page(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD\n"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815 - http.server's names

    def _answer(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.text)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Probes come every few seconds; nothing of theirs is worth a line."""


class _Server(ThreadingHTTPServer):
    """
    Connections are few and short: one that is older than they may be is closed, whatever it does, and so is the oldest
    where there would be too many. An honest one is answered within milliseconds, so it is never the oldest.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], view: View) -> None:
        self.pages = pages(view)
        self._view = view
        self._open: dict[Any, float] = {}
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks DNS for a name that nobody needs.

    def process_request(self, request: Any, client_address: Any) -> None:
        for oldest in list(self._open)[: len(self._open) + 1 - MOST_CONNECTIONS]:
            self._open.pop(oldest, None)  # its thread ends by itself
            _hang_up(oldest)
        self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called between connections, at least every `_POLL_SECONDS`. A byte now and then keeps no connection open."""
        self._view.sample()
        for request, since in list(self._open.items()):
            if time.monotonic() - since > CONNECTION_SECONDS:
                _hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no concern of the service."""


def _hang_up(request: socket.socket) -> None:
    with contextlib.suppress(OSError):  # It may have hung up itself.
        request.shutdown(socket.SHUT_RDWR)


class Server:
    """Serves in threads of its own from the moment it is made until `close`."""

    def __init__(self, host: str, port: int, view: View) -> None:
        try:
            self._server = _Server((host, port), view)
        except OSError as error:
            raise ServiceError(f"cannot serve on HTTP_HOST={host} HTTP_PORT={port}: {error.strerror}") from None
        threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), name="http", daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
