"""Owns Segment's own Python client, which is the reference for requests, and a server that records requests."""

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from unittest import mock

import requests
from segment.analytics import request as transport
from segment.analytics.client import Client


@contextmanager
def reference(endpoint: str, key: str, **options: Any) -> Iterator[Client]:
    """Segment's client for a batch endpoint. By default it posts each event alone, before `track` returns."""
    with requests.Session() as session:
        session.trust_env = False  # use no proxy of this machine
        # Without this, the client's own session and its connections live as long as the process.
        with mock.patch.object(transport, "_session", session):
            client = Client(key, host=endpoint.removesuffix("/v1/batch"), **{"sync_mode": True, **options})
            try:
                yield client
            finally:
                if client.consumers:
                    client.join()


class Sent(NamedTuple):
    """A request as it was on the wire. `headers` has lower-case names."""

    line: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(gzip.decompress(self.raw) if "content-encoding" in self.headers else self.raw)


@contextmanager
def recorder() -> Iterator[tuple[str, list[Sent]]]:
    """The address of a batch endpoint that accepts every request, and the list of the requests."""
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent.append(Sent(self.requestline, headers, self.rfile.read(int(headers["content-length"]))))
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"success":true}')
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/batch", sent
    finally:
        server.shutdown()
        server.server_close()
