"""The spans of an attempt: the processing of its batch, and in it the HTTP request to Segment."""

import time
from collections.abc import Iterator, Mapping
from itertools import islice
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from consumer.attempt import Attempt
from consumer.observability.telemetry.start import TelemetrySource

MAX_LINKS = 128
"""Of a span: a batch can have 2,500 records, and a queue of spans must not fill the memory."""

TRACEPARENT = "traceparent"
_LENGTHS = range(55, 513)  # of a header by W3C's Trace Context, with what later versions may append
_PROPAGATOR = TraceContextTextMapPropagator()

Attributes = Mapping[str, str | int]


class AttemptSpans:
    """
    Two spans for each attempt, by OpenTelemetry's conventions for messaging and for HTTP.

    No span has a write key or data of a record. Segment gets no trace context, because it is another organisation.
    """

    def __init__(self, provider: TracerProvider, source: TelemetrySource) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("sprig-to-segment", source.version)
        self._topic = source.topic
        self._messaging: Attributes = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": source.topic,
            "messaging.consumer.group.name": source.group,
        }
        self._http = _http_attributes(source.endpoint)

    def observe(self, attempt: Attempt) -> None:
        """Create both spans of an attempt that has ended. A request without events is no batch: it has one span."""
        if not attempt.request.chunks:
            self._add_request(attempt, Context())
            return
        waited = int((time.monotonic() - attempt.request.started_at) * 1e9)
        process = self._tracer.start_span(
            f"process {self._topic}",
            Context(),
            SpanKind.CONSUMER,
            {**self._messaging, **_batch_attributes(attempt)},
            [*_links(attempt)],
            min(attempt.started_ns, time.time_ns() - waited),
        )
        self._add_request(attempt, set_span_in_context(process, Context()))
        _end(process, attempt, attempt.reason)

    def close(self) -> None:
        """Export what is left. Waits for the exporter."""
        self._provider.shutdown()

    def _add_request(self, attempt: Attempt, context: Context) -> None:
        attributes: dict[str, str | int] = {**self._http, "http.request.body.size": attempt.body_bytes}
        error_type = attempt.reason
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
            error_type = str(attempt.status) if attempt.status >= 400 else attempt.reason
        if attempt.request.attempts:
            attributes["http.request.resend_count"] = attempt.request.attempts
        span = self._tracer.start_span("POST", context, SpanKind.CLIENT, attributes, start_time=attempt.started_ns)
        _end(span, attempt, error_type)


def _end(span: Span, attempt: Attempt, error_type: str) -> None:
    if error_type:
        span.set_attribute("error.type", error_type)
        span.set_status(StatusCode.ERROR)
    span.end(attempt.ended_ns)


def _batch_attributes(attempt: Attempt) -> Attributes:
    attributes: dict[str, str | int] = {
        "messaging.batch.message_count": attempt.event_count,
        "sprig_to_segment.environment": attempt.request.key.environment,
    }
    if len(attempt.request.chunks) == 1:
        attributes["messaging.destination.partition.id"] = str(attempt.request.chunks[0].partition)
    return attributes


def _http_attributes(endpoint: str) -> Attributes:
    """The parts of the endpoint without user, password and query, which could be secret."""
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    place = parts.netloc.rpartition("@")[2]
    return {
        "http.request.method": "POST",
        "server.address": host,
        "server.port": port,
        "url.full": f"{parts.scheme}://{place}{parts.path}",
    }


def _links(attempt: Attempt) -> Iterator[Link]:
    """A link to each trace context in the headers of the records, in their order, `MAX_LINKS` at most."""
    for header in islice(dict.fromkeys(_trace_headers(attempt)), MAX_LINKS):
        context = _PROPAGATOR.extract({TRACEPARENT: [header.decode("ascii", "replace")]})
        span_context = get_current_span(context).get_span_context()
        if span_context.is_valid:
            yield Link(span_context)


def _trace_headers(attempt: Attempt) -> Iterator[bytes]:
    records = (event.record for chunk in attempt.request.chunks for event in chunk.events)
    for record in records:
        for name, value in record.headers:
            if name == TRACEPARENT and value and len(value) in _LENGTHS:
                yield value
