"""The export of both signals by OTLP, put together from the OTEL_* variables."""

import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from consumer.attempt import Attempt, ObserveAttempt
from consumer.http_client.proxies import Proxies
from consumer.observability.snapshot import LatestSnapshot
from consumer.observability.telemetry.metrics_export import MetricsExport
from consumer.observability.telemetry.problems import redirect_logs
from consumer.observability.telemetry.signals import WantedSignals
from consumer.observability.telemetry.spans import AttemptSpans
from consumer.observability.telemetry.start import TelemetrySource
from consumer.observability.telemetry.transport import OtlpTransport, otlp_transport

log = logging.getLogger(__name__)

# A quarter of the SDK's own sizes, because each second span has up to `MAX_LINKS` links, which take memory.
QUEUED_SPANS, EXPORTED_SPANS = 512, 128
METRICS_INTERVAL_MS = 60_000
LAST_SECONDS = 2.0  # for all that is left at the end


class Telemetry:
    """The running export. It never waits for a collector, except in `close`."""

    def __init__(
        self, observe: ObserveAttempt, transports: Sequence[OtlpTransport], closing: Sequence[Callable[[], None]]
    ) -> None:
        self.observe = observe
        """Takes note of an attempt, on any thread."""
        self._transports, self._closing = transports, closing

    def close(self) -> None:
        """Export what is left, for LAST_SECONDS at most."""
        deadline = time.monotonic() + LAST_SECONDS
        for transport in self._transports:
            transport.end_at(deadline)
        for close in self._closing:
            close()


def start_export(
    environ: Mapping[str, str], wanted: WantedSignals, proxies: Proxies, source: TelemetrySource, latest: LatestSnapshot
) -> Telemetry:
    """Export these signals from now on. Raises ServiceError, and ValueError for a wrong size of a queue."""
    redirect_logs()
    resource = _resource(source)
    observe: ObserveAttempt = _ignore
    traces_transport = otlp_transport(environ, "TRACES", proxies)
    metrics_transport = otlp_transport(environ, "METRICS", proxies)
    closing: list[Callable[[], None]] = []
    if wanted.traces:
        spans = AttemptSpans(_tracer_provider(environ, resource, traces_transport), source)
        observe = spans.observe
        closing.append(spans.close)
    if wanted.metrics:
        exporter = OTLPMetricExporter(_transport=metrics_transport)
        closing.append(MetricsExport(exporter, resource, latest, _metrics_interval(environ)).close)
    signals = [name for name, is_wanted in (("traces", wanted.traces), ("metrics", wanted.metrics)) if is_wanted]
    log.info("OpenTelemetry started", extra={"signals": signals})
    return Telemetry(observe, (traces_transport, metrics_transport), closing)


def _ignore(_attempt: Attempt) -> None:
    """Without traces there is nothing to note: the metrics are those of the snapshot."""


def _tracer_provider(environ: Mapping[str, str], resource: Resource, transport: OtlpTransport) -> TracerProvider:
    queued = _number(environ, "OTEL_BSP_MAX_QUEUE_SIZE", QUEUED_SPANS)
    exported = _number(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", min(EXPORTED_SPANS, queued))
    processor = BatchSpanProcessor(OTLPSpanExporter(_transport=transport), queued, max_export_batch_size=exported)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _resource(source: TelemetrySource) -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the service's own attributes."""
    own = {"service.name": "sprig-to-segment", "service.version": source.version, "host.name": socket.gethostname()}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def _metrics_interval(environ: Mapping[str, str]) -> float:
    """In seconds. The variable is in milliseconds."""
    return _number(environ, "OTEL_METRIC_EXPORT_INTERVAL", METRICS_INTERVAL_MS) / 1000


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    """A whole number above 0, or else the default, as the SDK reads its variables."""
    text = environ.get(name, "").strip()
    return int(text) if text.isdecimal() and int(text) else default
