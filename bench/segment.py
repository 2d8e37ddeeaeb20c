"""
A stand-in for Segment that is not the bottleneck: it counts events and answers success, in some 1 us an event.

The stand-in is a process of its own. It prints its port, and answers GET with its counts as JSON.
"""

import asyncio
import json
import re
import sys
import time
import zlib
from collections import Counter

MESSAGE_ID = re.compile(rb'"messageId":"[0-9a-f]{16}-(\d+)-(\d+)-(\d+)"')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
GZIP = re.compile(rb"content-encoding: *gzip", re.IGNORECASE)
ACCEPTED = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'


class Received:
    """What arrived so far. `delays` are in ms from a record's Kafka timestamp to its first acceptance."""

    def __init__(self) -> None:
        self.requests = self.bytes = 0
        self.first_at = self.last_at = 0.0
        self.addresses: set[tuple[bytes, bytes]] = set()
        self.delays: Counter[int] = Counter()

    def add(self, body: bytes) -> None:
        self.requests += 1
        self.bytes += len(body)
        self.last_at = time.time()
        self.first_at = self.first_at or self.last_at
        now = int(self.last_at * 1000)
        for partition, offset, timestamp in MESSAGE_ID.findall(body):
            if (partition, offset) not in self.addresses:
                self.addresses.add((partition, offset))
                self.delays[now - int(timestamp)] += 1

    def as_json(self) -> bytes:
        counts = {
            "requests": self.requests,
            "bytes": self.bytes,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "events": len(self.addresses),
            "delays": sorted(self.delays.items()),
        }
        return json.dumps(counts).encode()


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request after the other, and only as much of it as a POST with a Content-Length needs."""

    def __init__(self, received: Received, wait: float) -> None:
        self._received, self._wait = received, wait
        self._chunks: list[bytes] = []
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._head, end, data = (b"".join(self._chunks) + data).partition(b"\r\n\r\n")
            if not end:
                self._chunks = [self._head]
                return
            length = LENGTH.search(self._head)
            self._missing, self._chunks = int(length[1]) if length else 0, []
        self._chunks.append(data)
        self._missing -= len(data)
        if not self._missing:
            body, self._chunks = b"".join(self._chunks), []
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if self._head.startswith(b"GET"):
            counts = self._received.as_json()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(counts), counts))
            return
        if GZIP.search(self._head):
            body = zlib.decompress(body, 31)
        self._received.add(body)
        asyncio.get_running_loop().call_later(self._wait, self._transport.write, ACCEPTED)


async def serve(wait: float) -> None:
    """Serve until the process is killed. `wait` is in seconds until each answer, in place of a network."""
    received = Received()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(received, wait), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
