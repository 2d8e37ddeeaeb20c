"""A local HTTP or HTTPS server that answers as a test says, for clients that must cope with any."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from consumer.demo.fault_scripts import Answer


class Asked(NamedTuple):
    """One request; header names in lower case."""

    path: str
    headers: Mapping[str, str]


class Peer(ThreadingHTTPServer):
    """`answer` may be set at any time; `asked` holds all requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[Asked], Answer], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[Asked] = []
        self.stopped = threading.Event()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, as it does from a peer that it does not trust or that is too slow."""


class _Handler(BaseHTTPRequestHandler):
    server: Peer

    def do_GET(self) -> None:
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.asked.append(asked)
        answer = self.server.answer(asked)
        headers = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} ?", *(f"{name}: {value}" for name, value in headers.items())]
        answer.wire(self.connection, "\r\n".join([*lines, "", ""]).encode() + answer.body, self.server.stopped)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def peer(answer: Callable[[Asked], Answer], tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer(answer, tls) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.stopped.set()
        server.shutdown()


def says(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())
