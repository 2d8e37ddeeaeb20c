"""A local HTTP or HTTPS server whose responses a test chooses, for clients that must cope with any response."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from consumer.demo.fault_scripts import ScriptedResponse


class PeerRequest(NamedTuple):
    """One request; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "GET"


class Peer(ThreadingHTTPServer):
    """`answer` may be replaced at any time; `requests` holds all requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[PeerRequest], ScriptedResponse], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[PeerRequest] = []
        self.stopped = threading.Event()
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server_address[1]}"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may disconnect, because it does not trust this peer or because this peer is too slow."""


class _Handler(BaseHTTPRequestHandler):
    server: Peer

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = PeerRequest(
            self.path, {name.lower(): value for name, value in self.headers.items()}, body, self.command
        )
        self.server.requests.append(request)
        response = self.server.answer(request)
        headers = {"Content-Length": str(len(response.body)), "Connection": "close", **response.headers}
        lines = [f"HTTP/1.1 {response.status} ?", *(f"{name}: {value}" for name, value in headers.items())]
        response.wire(self.connection, "\r\n".join([*lines, "", ""]).encode() + response.body, self.server.stopped)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def peer(answer: Callable[[PeerRequest], ScriptedResponse], tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer(answer, tls) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.stopped.set()
        server.shutdown()


def json_response(value: Any, status: int = 200) -> ScriptedResponse:
    return ScriptedResponse(status, json.dumps(value).encode())
