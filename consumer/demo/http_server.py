"""The HTTP side of the stand-in for Segment: requests in, responses out, one connection a thread."""

import base64
import binascii
import contextlib
import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from consumer import jsonio
from consumer.demo.fault_scripts import ScriptedResponse, problem

PATH = "/v1/batch"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request to the batch path, its body decompressed; a body that cannot be decompressed is empty."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    @property
    def user(self) -> str:
        """The user name of HTTP Basic authentication, "" without it."""
        scheme, _, credentials = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        try:
            return base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def json(self) -> Any:
        """The body as JSON; None for a JSON null and for a body that is not JSON, because Segment refuses both."""
        try:
            return jsonio.loads(self.body)
        except ValueError:
            return None


class StandInServer(ThreadingHTTPServer):
    """Listens as soon as it is created. `stop` ends all connections, so that no thread of the server is left."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[ReceivedRequest], ScriptedResponse],
        page: Callable[[str, str], ScriptedResponse],
    ) -> None:
        super().__init__(address, _StandInHandler)
        self.answer, self.page = answer, page
        self.stopped = threading.Event()
        self._connections: set[Any] = set()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.01,), name="segment", daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # the client may have closed the connection
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close their connection, because faults make them do so."""


class _StandInHandler(BaseHTTPRequestHandler):
    """One connection; the server has the responses."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: StandInServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != PATH:
            self._not_found()
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = _decompress(body, headers.get("content-encoding", ""))
        self._send(self.server.answer(ReceivedRequest(headers, body)))

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._send(self.server.page(path, query))

    def _not_found(self) -> None:
        self._send(problem(404, "not found"))

    do_PUT = do_DELETE = _not_found  # noqa: N815 - http.server's names

    def _send(self, response: ScriptedResponse) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": len(response.body), **response.headers}
        status_line = f"HTTP/1.1 {response.status} {_phrase(response.status)}"
        lines = [status_line, *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.close_connection = not response.wire(self.connection, head + response.body, self.server.stopped)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Log nothing, because the demo prints its own output."""


def _decompress(body: bytes, encoding: str) -> bytes:
    if encoding != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return b""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
