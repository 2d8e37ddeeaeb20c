"""Puts the service together from its settings: the only composition root."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from consumer import factories
from consumer.attempt import ObserveAttempt
from consumer.avro.auto_framing import AutoFraming
from consumer.avro.schema_cache import SchemaCache
from consumer.closing import BoundedCloser
from consumer.internal_errors import as_service_error
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.dead_letters import UnwrapRecord, record_itself
from consumer.observability import recent_logs
from consumer.observability.http_server import StatusServer
from consumer.observability.snapshot import LatestSnapshot
from consumer.observability.status_page import ServiceInfo, StatusPage
from consumer.observability.telemetry.start import TelemetrySource, start_telemetry
from consumer.pipeline.dispatcher import DeadLetterSink, Ports
from consumer.pipeline.loop import Loop
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.pipeline.record_processor import RecordProcessor
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.pipeline.rejections import RejectionLimits
from consumer.pipeline.start_topics import StartTopics
from consumer.pipeline.status_reporter import StatusReporter
from consumer.segment.workers import AttemptClient, Workers
from consumer.settings import Settings

if TYPE_CHECKING:
    from consumer.observability.telemetry.export import Telemetry

LEAVE_SECONDS = 5.0  # of the shutdown timeout, for the last commit and for leaving the group


@dataclass(frozen=True, slots=True)
class Variant:
    """
    The parts that differ between `run`, a dry run and a replay.

    `map_record` gives the function that maps a record which `consumer` reads. `rejections` limits how many records are
    rejected. `unwrap` gives the record that is written as a dead letter. `client` and `dead_letters` are where events
    and dead letters go. `has_telemetry`: OTEL_* variables count.
    """

    consumer: Callable[[], GroupConsumer]
    policy: RejectPolicy
    map_record: Callable[[RecordMapper], MapRecord]
    rejections: RejectionLimits
    unwrap: UnwrapRecord = record_itself
    client: Callable[[Settings, Sequence[ObserveAttempt]], AttemptClient] = factories.segment_client
    dead_letters: Callable[[Settings, UnwrapRecord], DeadLetterSink] = factories.dead_letter_writer
    has_telemetry: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """The running parts that a command looks at."""

    loop: Loop
    consumer: GroupConsumer
    reporter: StatusReporter
    topics: StartTopics

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set. Raises ServiceError."""
        try:
            self.topics.wait(stop, self.reporter)
            if not stop.is_set():
                self.loop.run(stop)
        except Exception as error:  # noqa: BLE001 - also a defect of ours
            raise as_service_error(error) from None


def normal(settings: Settings, *, has_telemetry: bool = False) -> Variant:
    """The parts of `run` and `demo`. Only `run` exports telemetry: the demo would report invented responses."""
    policy = RejectPolicy(settings.on_rejected, settings.on_unknown_record)
    limits = factories.rejection_limits(settings)
    consumer = partial(factories.group_consumer, settings)
    return Variant(consumer, policy, lambda mapper: mapper.map, limits, has_telemetry=has_telemetry)


def _telemetry(settings: Settings, latest: LatestSnapshot) -> "Telemetry | None":
    """The export with OpenTelemetry; None if no OTEL_* variable asks for an export, or if none can start."""
    source = TelemetrySource(factories.VERSION, settings.kafka_topic, settings.kafka_group_id, settings.endpoint)
    return start_telemetry(os.environ, factories.proxies(settings), source, latest)


@contextmanager
def build(settings: Settings, variant: Variant) -> Iterator[Service]:
    """
    The service, which is closed in reverse order of its creation, except for the telemetry: it ends last, because a
    collector that hangs must not keep the member in its group.
    """
    with ExitStack() as closing_last, ExitStack() as closing:
        fetch, known_schemas = factories.schema_fetcher(settings, closing), factories.known_schemas(settings)
        schemas = SchemaCache(fetch, time.monotonic, known_schemas)
        closing.callback(schemas.close)
        frame = factories.record_framing(settings)
        mapper = factories.record_mapper(settings, factories.decode_stages(settings, frame, schemas.get))
        processor = RecordProcessor(variant.map_record(mapper), variant.policy)
        consumer, closer = variant.consumer(), BoundedCloser(components=2)
        closing.callback(closer.close, "consumer", consumer.close)
        audit = factories.audit_log(settings, consumer.topic, closing)
        blocks = audit.blocks if audit else tuple
        reporter = StatusReporter(time.monotonic(), settings.log_summary_seconds, blocks)
        telemetry = _telemetry(settings, reporter.latest) if variant.has_telemetry else None
        if telemetry:
            closer.components += 1
            closing_last.callback(closer.close, "OpenTelemetry", telemetry.close)
        # The audit log is the last one, because it can wait.
        client = variant.client(settings, [part.observe for part in (telemetry, audit) if part])
        closing.callback(client.close)
        workers = Workers(client.attempt, settings.max_requests_in_flight)
        closing.callback(workers.close)
        dead_letters = variant.dead_letters(settings, variant.unwrap)
        closing.callback(closer.close, "producer of dead letters", dead_letters.close)
        framings: Mapping[str, int] = frame.counts if isinstance(frame, AutoFraming) else {}
        send_queue = factories.send_queue(settings)
        changed_values = mapper.changed_values
        ports = Ports(consumer, schemas, framings, changed_values, processor, send_queue, workers, dead_letters)
        drain_seconds = settings.shutdown_timeout_seconds - LEAVE_SECONDS
        loop = Loop(ports, factories.partition_buffers(settings, variant.rejections), reporter, drain_seconds)
        closer.deadline = lambda: loop.stop_deadline() + LEAVE_SECONDS
        dead_letter_topic = settings.dead_letter_topic if variant.policy.writes_dead_letters else None
        findings = partial(factories.dead_letter_topic_findings, settings)
        topics = StartTopics(consumer, dead_letter_topic, findings, lambda: dead_letters.advance(time.monotonic()))
        yield Service(loop, consumer, reporter, topics)


@contextmanager
def status_server(settings: Settings, service: Service) -> Iterator[StatusServer]:
    """Serves health, metrics and the status page of a service."""
    with recent_logs.record_recent_logs() as logs:
        names = factories.VERSION, settings.kafka_topic, settings.kafka_group_id, settings.endpoint
        info = ServiceInfo(*names, settings.http_port)
        with closing(factories.group_watch(settings)) as group:
            page = StatusPage(service.reporter.latest, info, logs.lines, group.latest)
            with StatusServer(settings.http_host, settings.http_port, page) as server:
                yield server
