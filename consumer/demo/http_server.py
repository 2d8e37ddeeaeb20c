"""The HTTP side of the stand-in of Segment: requests in, answers out, one connection a thread."""

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
from consumer.demo.fault_scripts import Answer, problem

PATH = "/v1/batch"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the batch path, its body decompressed; a body that cannot be decompressed is empty."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    @property
    def user(self) -> str:
        """The user name of HTTP Basic, "" without."""
        scheme, _, credentials = self.headers.get("authorization", "").partition(" ")
        try:
            return base64.b64decode(credentials).decode().partition(":")[0] if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def json(self) -> Any:
        """What the body says; `None` for JSON's null as for no JSON at all, as Segment refuses both."""
        try:
            return jsonio.loads(self.body)
        except ValueError:
            return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self._answer(Request(headers, _plain(body, headers.get("content-encoding", "")))))

    def _answer(self, request: Request) -> Answer:
        return self.server.answer(request) if self.path == PATH else problem(404, "not found")

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._send(self.server.page(path, query))

    def _not_found(self) -> None:
        self._send(problem(404, "not found"))

    do_PUT = do_DELETE = _not_found  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": len(answer.body), **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", *(f"{n}: {v}" for n, v in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.close_connection = not answer.wire(self.connection, head + answer.body, self.server.stopped)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """The demo's output is its own."""


class Server(ThreadingHTTPServer):
    """Listens from the moment it is made; `stop` ends all connections, so that no thread of it is left."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, answer: Callable[[Request], Answer], page: Callable[[str, str], Answer]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer, self.page = answer, page
        self.stopped = threading.Event()
        self._open: set[Any] = set()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.01,), name="segment", daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            _hang_up(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or one that a fault sent away."""


def _plain(body: bytes, encoding: str) -> bytes:
    try:
        return gzip.decompress(body) if encoding == "gzip" else body
    except (OSError, EOFError, zlib.error):
        return b""


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # It may have hung up itself.
        connection.shutdown(socket.SHUT_RDWR)
