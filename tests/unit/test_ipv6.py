"""Kafka and Segment are reached over IPv6."""

import contextlib
import shutil
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.demo.segment_server import SegmentStandIn
from consumer.http_client.proxies import Proxies
from consumer.kafka.mock_broker import MockBroker, records
from consumer.model import Accepted, BatchRequest, Chunk, Record, TrackEvent, WriteKey
from consumer.segment.client import Endpoint, SegmentClient


class Forwarder(socketserver.ThreadingTCPServer):
    """Listens on ::1 and forwards connections to a port of 127.0.0.1."""

    address_family = socket.AF_INET6
    daemon_threads = True
    block_on_close = False

    def __init__(self, target_port: int) -> None:
        super().__init__(("::1", 0), _Forwarding)
        self.target_port = target_port
        self.connections = 0

    @property
    def address(self) -> str:
        return f"[::1]:{self.server_address[1]}"


class _Forwarding(socketserver.BaseRequestHandler):
    server: Forwarder

    def handle(self) -> None:
        self.server.connections += 1
        with socket.create_connection(("127.0.0.1", self.server.target_port)) as target:
            threading.Thread(target=_copy, args=(target, self.request), daemon=True).start()
            _copy(self.request, target)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError), source.makefile("rb", 0) as reader, target.makefile("wb", 0) as writer:
        shutil.copyfileobj(reader, writer)


@contextlib.contextmanager
def forwarder(target_port: int) -> Iterator[Forwarder]:
    try:
        server = Forwarder(target_port)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_segment_is_reached_over_ipv6() -> None:
    key = WriteKey("production", "demo-key")
    event: Any = TrackEvent(Record(0, 0, 0, None, b"", ()), key, b'{"type":"track","event":"a","userId":"b"}')
    with SegmentStandIn([key.secret]) as segment, forwarder(int(segment.url.split(":")[2].split("/")[0])) as server:
        client = SegmentClient(
            Endpoint(f"http://{server.address}/v1/batch", 10.0, False, False, "test"), Proxies.none()
        )
        with contextlib.closing(client):
            outcome = client.attempt(BatchRequest(key, (Chunk.of(0, key, (event,)),), 0.0))
        assert outcome == Accepted()
        assert server.connections


def test_kafka_is_reached_over_ipv6() -> None:
    broker = MockBroker()
    broker.create_topic("answers")
    broker.produce("answers", 0, b"key", b"value")
    broker.flush()
    port = int(broker.address.split(",")[0].split(":")[1])
    with forwarder(port) as server:
        assert [record.value() for record in records(server.address, "answers")] == [b"value"]
        assert server.connections
