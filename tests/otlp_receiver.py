"""An OTLP receiver on loopback, which decodes what arrives with OpenTelemetry's own protocol definitions."""

import gzip
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attributes = Mapping[str, str | int]


class OtlpReceiver:
    """Keeps every request. `status` is the answer to each; while `hangs` is set, there is no answer."""

    def __init__(self) -> None:
        self.status = 200
        self.hangs = threading.Event()
        self.released = threading.Event()
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.headers: list[Mapping[str, str]] = []
        self.url, self.port = "", 0

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        lower = {name.lower(): value for name, value in headers.items()}
        content = gzip.decompress(body) if lower.get("content-encoding") == "gzip" else body
        assert lower["content-type"] == "application/x-protobuf"
        self.headers.append(lower)
        match path:
            case "/v1/traces":
                self.traces.append(ExportTraceServiceRequest.FromString(content))
            case "/v1/metrics":
                self.metrics.append(ExportMetricsServiceRequest.FromString(content))
            case _:
                raise AssertionError(path)

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.traces
            for resource_spans in request.resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]

    @property
    def latest_metrics(self) -> Mapping[str, Metric]:
        """The metrics of the last export, by name."""
        (resource_metrics,) = self.metrics[-1].resource_metrics
        (scope_metrics,) = resource_metrics.scope_metrics
        return {metric.name: metric for metric in scope_metrics.metrics}


def attributes_of(key_values: Any) -> Attributes:
    """The attributes of a span, a resource or a data point."""
    return {key_value.key: _value(key_value) for key_value in key_values}


def _value(key_value: KeyValue) -> str | int:
    kind = key_value.value.WhichOneof("value")
    assert kind in ("string_value", "int_value")
    return key_value.value.string_value if kind == "string_value" else key_value.value.int_value


@contextmanager
def otlp_receiver(tls: ssl.SSLContext | None = None) -> Iterator[OtlpReceiver]:
    receiver = OtlpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.receive(self.path, dict(self.headers.items()), body)
            if receiver.hangs.is_set():
                receiver.released.wait(60)
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.port = server.server_address[1]
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
