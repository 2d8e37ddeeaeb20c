"""The export against an OTLP receiver: what arrives, and that delivery depends on none of it."""

import logging
import os
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import consumer.settings
from consumer import app, factories
from consumer.attempt import Attempt
from consumer.cli.demo_environment import demo_environment
from consumer.http_client.proxies import Proxies
from consumer.kafka.consumer import GroupConsumer
from consumer.model import Accepted, BatchRequest, Chunk, Headers, Outcome, Record, Retry, TrackEvent, WriteKey
from consumer.observability.metrics import METRICS
from consumer.observability.prometheus import PREFIX, renderer
from consumer.observability.snapshot import Block, Counters, PartitionState, Snapshot
from consumer.observability.telemetry import export
from consumer.observability.telemetry.spans import MAX_LINKS
from consumer.observability.telemetry.start import TelemetrySource, start_telemetry
from consumer.settings import Settings
from tests.otlp_receiver import OtlpReceiver, attributes_of, otlp_receiver
from tests.support import wait_until
from tests.tunnels import Tunnels, proxy

SECRET, ANSWER = "s3cr3t-write-key", b"an answer that nobody may read"
KEY = WriteKey("production", SECRET)
SOURCE = TelemetrySource("1.2.3", "answers", "surveys", "https://user:pass@gateway.example/v1/batch?token=abc")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
COUNTERS = Counters(consumed=9, delivered=4, skipped=Counter(anonymous=2), requests=Counter(accepted=3, retried=1))
COUNTERS.request_seconds.add(0.2)
COUNTERS.request_seconds.add(99)
SNAPSHOT = Snapshot(
    loop_ran_at=1.0,
    counters=COUNTERS,
    waiting=3,
    blocks=[Block("key", "http_401", 1764000000.0)],
    partitions={0: PartitionState(lag=7, records=3), 1: PartitionState()},
    is_group_member=True,
)

Start = Callable[..., Any]


def traceparent(number: int) -> tuple[str, bytes]:
    return "traceparent", f"00-{TRACE}-{number:016x}-01".encode()


def chunk(partition: int, *headers: Headers) -> Chunk:
    records = [Record(partition, offset, 0, b"u", b"", lines) for offset, lines in enumerate(headers)]
    return Chunk.of(partition, KEY, tuple(TrackEvent(record, KEY, ANSWER) for record in records))


def attempt(
    *chunks: Chunk,
    outcome: Outcome | None = None,
    status: int | None = 200,
    attempts: int = 0,
    started_at: float = 1e12,
) -> Attempt:
    request = BatchRequest(KEY, chunks, started_at, attempts)
    return Attempt(request, outcome or Accepted(), status, 1234, 5_000_000_000, 6_000_000_000)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No OTEL_* variable of the machine, and the logger of the libraries as it was before."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    logger = logging.getLogger("opentelemetry")
    handlers, propagates = logger.handlers[:], logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagates


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
def start(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the export to the receiver, with these variables besides."""

    def start(proxies: Proxies = Proxies.none(), **variables: str) -> Any:  # noqa: B008 - it is immutable
        for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **variables}.items():
            monkeypatch.setenv(name, value)
        return start_telemetry(os.environ, proxies, SOURCE, lambda: SNAPSHOT)

    return start


def exported(start: Start, receiver: OtlpReceiver, *attempts: Attempt, **variables: str) -> list[Span]:
    telemetry = start(**variables)
    for ended in attempts:
        telemetry.observe(ended)
    telemetry.close()
    return receiver.spans


def test_a_batch_is_a_consumer_span_with_the_request_as_its_client_span(start: Start, receiver: OtlpReceiver) -> None:
    request, process = exported(start, receiver, attempt(chunk(3, (), ()), chunk(7, ())))
    assert (process.name, process.kind) == ("process answers", Span.SPAN_KIND_CONSUMER)
    assert attributes_of(process.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "answers",
        "messaging.consumer.group.name": "surveys",
        "messaging.batch.message_count": 3,
        "sprig_to_segment.environment": "production",
    }
    assert (request.name, request.kind) == ("POST", Span.SPAN_KIND_CLIENT)
    assert attributes_of(request.attributes) == {
        "http.request.method": "POST",
        "http.request.body.size": 1234,
        "http.response.status_code": 200,
        "server.address": "gateway.example",
        "server.port": 443,
        "url.full": "https://gateway.example/v1/batch",
    }
    assert (request.trace_id, request.parent_span_id) == (process.trace_id, process.span_id)
    assert not process.parent_span_id
    times = {(span.start_time_unix_nano, span.end_time_unix_nano) for span in (request, process)}
    assert times == {(5_000_000_000, 6_000_000_000)}
    assert {span.status.code for span in (request, process)} == {Status.STATUS_CODE_UNSET}
    resource = attributes_of(receiver.traces[0].resource_spans[0].resource.attributes)
    assert (resource["service.name"], resource["service.version"]) == ("sprig-to-segment", "1.2.3")


def test_nothing_secret_and_nothing_of_a_record_is_exported(start: Start, receiver: OtlpReceiver) -> None:
    exported(start, receiver, attempt(chunk(3, (("email", ANSWER), traceparent(1)))))
    content = b"".join(
        [request.SerializeToString() for request in receiver.traces]
        + [request.SerializeToString() for request in receiver.metrics]
    )
    assert content
    for secret in (SECRET.encode(), ANSWER, b"user:pass", b"token=abc"):
        assert secret not in content


def test_a_request_that_waits_for_a_thread_is_processed_for_longer(start: Start, receiver: OtlpReceiver) -> None:
    request, process = exported(start, receiver, attempt(chunk(0, ()), started_at=0.0))
    assert process.start_time_unix_nano <= request.start_time_unix_nano


@pytest.mark.parametrize(
    ("outcome", "status", "request_error", "batch_error"),
    [
        (Retry("http_503"), 503, "503", "http_503"),
        (Retry("connect_timeout"), None, "connect_timeout", "connect_timeout"),
        (Retry("200_not_segment"), 200, "200_not_segment", "200_not_segment"),
    ],
)
def test_a_failed_attempt_is_an_error_with_its_type(
    start: Start, receiver: OtlpReceiver, outcome: Outcome, status: int | None, request_error: str, batch_error: str
) -> None:
    request, process = exported(start, receiver, attempt(chunk(3, ()), outcome=outcome, status=status, attempts=2))
    assert attributes_of(request.attributes)["error.type"] == request_error
    assert attributes_of(process.attributes)["error.type"] == batch_error
    assert attributes_of(process.attributes)["messaging.destination.partition.id"] == "3"
    assert attributes_of(request.attributes)["http.request.resend_count"] == 2
    assert attributes_of(request.attributes).get("http.response.status_code") == status
    assert {span.status.code for span in (request, process)} == {Status.STATUS_CODE_ERROR}


def test_a_request_without_events_is_no_batch(start: Start, receiver: OtlpReceiver) -> None:
    (request,) = exported(start, receiver, attempt())
    assert (request.name, request.parent_span_id) == ("POST", b"")


def test_a_batch_is_linked_to_each_trace_context_of_its_records(start: Start, receiver: OtlpReceiver) -> None:
    headers = [(traceparent(1),), (traceparent(2), ("other", b"x")), (), (traceparent(1),)]
    _, process = exported(start, receiver, attempt(chunk(3, *headers), chunk(7, (traceparent(3),))))
    assert [link.span_id.hex() for link in process.links] == [f"{number:016x}" for number in (1, 2, 3)]
    assert {link.trace_id.hex() for link in process.links} == {TRACE}


def test_the_number_of_links_is_bounded(start: Start, receiver: OtlpReceiver) -> None:
    _, process = exported(start, receiver, attempt(chunk(3, *[(traceparent(number),) for number in range(1, 501)])))
    assert len(process.links) == MAX_LINKS


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"\xff" * 55,
        b"0" * 100_000,
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".encode("utf-16"),
    ],
    ids=repr,
)
def test_a_header_that_is_no_trace_context_is_no_link_and_no_line(
    start: Start, receiver: OtlpReceiver, value: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    _, process = exported(start, receiver, attempt(chunk(3, (("traceparent", value),), (traceparent(1),))))
    assert len(process.links) == 1
    assert "problem" not in caplog.text


def test_the_exported_metrics_are_those_that_are_scraped(start: Start, receiver: OtlpReceiver) -> None:
    start(OTEL_TRACES_EXPORTER="none").close()
    metrics = receiver.latest_metrics
    page = renderer(lambda: SNAPSHOT)().decode()
    with_values = [metric for metric in METRICS if f"\n{PREFIX}{metric.name}" in page]
    assert metrics.keys() == {PREFIX + metric.name for metric in with_values}
    assert len(with_values) > 20
    for metric in with_values:
        sent = metrics[PREFIX + metric.name]
        assert sent.description == metric.meaning
        kind = {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}[metric.kind]
        assert sent.WhichOneof("data") == kind
        for point in getattr(sent, kind).data_points:
            labels = ",".join(f'{name}="{value}"' for name, value in attributes_of(point.attributes).items())
            name = sent.name + (f"{{{labels}}}" if labels else "")
            if kind != "histogram" and "age" not in name:
                assert f"{name} {float(point.as_double or point.as_int)}" in page
    assert not receiver.spans


def test_a_counter_is_monotonic_and_a_histogram_has_the_buckets(start: Start, receiver: OtlpReceiver) -> None:
    start().close()
    delivered = receiver.latest_metrics[f"{PREFIX}records_delivered_total"].sum
    assert delivered.is_monotonic
    assert delivered.aggregation_temporality == 2  # cumulative
    assert 0 < delivered.data_points[0].start_time_unix_nano <= delivered.data_points[0].time_unix_nano
    (seconds,) = receiver.latest_metrics[f"{PREFIX}request_duration_seconds"].histogram.data_points
    assert (seconds.count, seconds.sum) == (2, 99.2)
    assert [*seconds.explicit_bounds] == [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
    assert [*seconds.bucket_counts] == [0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert not seconds.HasField("min")
    (lag,) = receiver.latest_metrics[f"{PREFIX}consumer_lag"].gauge.data_points  # that of partition 1 is not known
    assert attributes_of(lag.attributes) == {"partition": "0"}


def test_metrics_are_exported_at_each_interval(start: Start, receiver: OtlpReceiver) -> None:
    telemetry = start(OTEL_METRIC_EXPORT_INTERVAL="10")
    wait_until(lambda: len(receiver.metrics) > 2, "three exports")
    telemetry.close()


def test_the_standard_variables_count(start: Start, receiver: OtlpReceiver) -> None:
    variables = {
        "OTEL_SERVICE_NAME": "surveys",
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=9,deployment.environment.name=test",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=abc",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_METRICS_EXPORTER": "none",
    }
    assert len(exported(start, receiver, attempt(chunk(0, ())), **variables)) == 2
    resource = attributes_of(receiver.traces[0].resource_spans[0].resource.attributes)
    assert (resource["service.name"], resource["service.version"]) == ("surveys", "9")
    assert resource["deployment.environment.name"] == "test"
    assert (receiver.headers[0]["api-key"], receiver.headers[0]["content-encoding"]) == ("abc", "gzip")
    assert not receiver.metrics


def test_a_sampler_is_obeyed(start: Start, receiver: OtlpReceiver) -> None:
    assert not exported(start, receiver, attempt(chunk(0, ())), OTEL_TRACES_SAMPLER="always_off")


def test_an_https_collector_is_reached_through_the_proxy_of_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("collector.example").configure_cert(server_tls)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tmp_path / "ca.pem"))
    with otlp_receiver(server_tls) as receiver:
        tunnels = Tunnels(receiver.port)
        with proxy(tunnels.serve) as port:
            proxies = Proxies.parse(f"http://127.0.0.1:{port}", "")
            telemetry = cast(Any, start_telemetry(os.environ, proxies, SOURCE, lambda: SNAPSHOT))
            telemetry.observe(attempt(chunk(0, ())))
            telemetry.close()
        assert (len(receiver.spans), len(receiver.metrics)) == (2, 1)
        assert tunnels.heads[0].startswith(b"CONNECT collector.example:4318 HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [401, 503])
def test_a_collector_that_refuses_is_a_warning_without_the_headers_of_the_request(
    start: Start, receiver: OtlpReceiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = status
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    exported(start, receiver, attempt(chunk(0, ())), **headers)
    assert receiver.headers[0]["authorization"] == f"Bearer {SECRET}"
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert {line.getMessage() for line in lines} == {"OpenTelemetry reports a problem, delivery continues"}
    assert any("ailed to export" in cast(Any, line).error for line in lines)
    assert SECRET not in "".join(str(vars(record)) for record in caplog.records)


def test_headers_that_cannot_be_parsed_are_a_warning_without_them(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start(OTEL_EXPORTER_OTLP_HEADERS=f"authorization: {SECRET}").close()
    assert any("Header format invalid" in getattr(record, "error", "") for record in caplog.records)
    assert SECRET not in "".join(str(vars(record)) for record in caplog.records)


def test_an_attempt_waits_for_no_collector_and_the_queue_is_bounded(
    start: Start, receiver: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.hangs.set()
    telemetry = start(OTEL_BSP_MAX_QUEUE_SIZE="20", OTEL_METRICS_EXPORTER="none")
    for _ in range(200):
        telemetry.observe(attempt(chunk(0, ())))
    receiver.hangs.clear()
    receiver.released.set()
    telemetry.close()
    assert 0 < len(receiver.spans) <= 60  # the queue, and what was on its way
    assert "Queue full, dropping Span." in [getattr(record, "error", "") for record in caplog.records]


def test_without_a_collector_the_end_does_not_try_for_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    telemetry = cast(Any, start_telemetry(os.environ, Proxies.none(), SOURCE, lambda: SNAPSHOT))
    telemetry.observe(attempt(chunk(0, ())))
    telemetry.close()
    problems = [getattr(record, "error", "") for record in caplog.records]
    assert any("Connection refused" in problem for problem in problems)
    assert not [problem for problem in problems if "retrying" in problem]


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_the_end_repeats_nothing_for_a_collector_that_asks_for_it(
    start: Start, receiver: OtlpReceiver, status: int
) -> None:
    receiver.status = status
    exported(start, receiver, attempt(chunk(0, ())))
    assert (len(receiver.traces), len(receiver.metrics)) == (1, 1)


def test_all_that_is_left_has_one_deadline(
    start: Start, receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LAST_SECONDS", 0)
    exported(start, receiver, attempt(chunk(0, ())))
    assert not receiver.headers


class NotingConsumer(GroupConsumer):
    """Notes how many requests the collector had when the consumer left its group."""

    def __init__(self, settings: Settings, receiver: OtlpReceiver) -> None:
        super().__init__(factories.group_consumer_config(settings), settings.kafka_topic, from_beginning=True)
        self._receiver = receiver
        self.requests_before = -1

    def close(self) -> None:
        self.requests_before = len(self._receiver.headers)
        super().close()


def test_a_member_leaves_its_group_before_the_collector_gets_the_rest(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector that hangs must not keep the partitions from the next owner."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    settings = consumer.settings.load(environ={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "SEGMENT_WRITE_KEY": SECRET})
    noting = NotingConsumer(settings, receiver)
    with app.build(settings, replace(app.normal(settings, has_telemetry=True), consumer=lambda: noting)):
        pass
    assert (noting.requests_before, len(receiver.metrics)) == (0, 1)


def test_the_demo_exports_nothing(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its responses are invented, and the collector is that of a team."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    with demo_environment():
        pass
    assert not receiver.headers


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"}, "OTEL_EXPORTER_OTLP_CERTIFICATE: cannot use the file"),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": "/nowhere/tls.pem"},
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: cannot use the file: No such file or directory",
        ),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "9"}, "internal error: ValueError"),
    ],
)
def test_an_export_that_cannot_start_is_a_warning(
    start: Start, variables: dict[str, str], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert start(**variables) is None
    (line,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert line.getMessage() == "OpenTelemetry not started, continuing without it"
    assert cast(Any, line).error.startswith(error)


def test_what_is_not_supported_is_a_warning(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    assert start(OTEL_EXPORTER_OTLP_PROTOCOL="grpc") is None
    (line,) = caplog.records
    assert line.getMessage() == "OpenTelemetry is not used as configured, continuing"
    assert cast(Any, line).error == "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is supported"


WITHOUT_EXTRA = """
import logging, os, sys
sys.modules["opentelemetry"] = None
from consumer.http_client.proxies import Proxies
from consumer.observability.telemetry.start import TelemetrySource, start_telemetry
logging.basicConfig(format="%(levelname)s %(message)s: %(error)s")
print(start_telemetry(os.environ, Proxies.none(), TelemetrySource("1", "t", "g", "https://s"), None))
"""


def test_without_the_extra_the_service_says_so_and_continues() -> None:
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    command = [sys.executable, "-c", WITHOUT_EXTRA]
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert result.stdout == "None\n"
    assert result.stderr.startswith(
        "WARNING OpenTelemetry not started, continuing without it: "
        "the extra otel of sprig-to-segment is not installed: there is no module opentelemetry"
    )
    assert result.stderr.count("\n") == 1


def test_without_variables_nothing_of_opentelemetry_is_imported() -> None:
    script = WITHOUT_EXTRA.replace('sys.modules["opentelemetry"] = None', "") + "print(*sys.modules)"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    ).stdout.split()
    assert result[0] == "None"
    assert not {"opentelemetry", "google", "requests", "urllib3"} & {name.split(".")[0] for name in result}
