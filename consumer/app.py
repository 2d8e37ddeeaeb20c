"""Puts the service together from its settings: the only composition root."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from consumer import factories
from consumer.avro.auto_framing import AutoFraming
from consumer.avro.schema_cache import SchemaCache
from consumer.errors import NoAnswer, NotPermitted, ServiceError
from consumer.internal_errors import as_service_error
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.dead_letter_topic import TopicFinding
from consumer.kafka.dead_letters import UnwrapRecord, record_itself
from consumer.observability import recent_logs
from consumer.observability.http_server import StatusServer
from consumer.observability.status_page import ServiceInfo, StatusPage
from consumer.pipeline.dispatcher import DeadLetterSink, Ports
from consumer.pipeline.loop import Loop
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.pipeline.record_processor import RecordProcessor
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.pipeline.rejections import RejectionLimits
from consumer.pipeline.status_reporter import StatusReporter
from consumer.segment.workers import AttemptClient, Workers
from consumer.settings import Settings

log = logging.getLogger(__name__)

LEAVE_SECONDS = 5.0  # of the shutdown timeout, for the last commit and for leaving the group
CLOSE_SECONDS = 5.0  # at most; a group waits for a session timeout if a member ends before it has left
MARGIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Variant:
    """
    The parts that differ between `run`, a dry run and a replay.

    `map_record` gives the function that maps a record which `consumer` reads. `rejections` limits how many records are
    rejected. `unwrap` gives the record that is written as a dead letter. `client` and `dead_letters` are where events
    and dead letters go.
    """

    consumer: Callable[[], GroupConsumer]
    policy: RejectPolicy
    map_record: Callable[[RecordMapper], MapRecord]
    rejections: RejectionLimits
    unwrap: UnwrapRecord = record_itself
    client: Callable[[Settings], AttemptClient] = factories.segment_client
    dead_letters: Callable[[Settings, UnwrapRecord], DeadLetterSink] = factories.dead_letter_writer


@dataclass(frozen=True, slots=True)
class Service:
    """The running parts that a command looks at."""

    loop: Loop
    consumer: GroupConsumer
    reporter: StatusReporter
    dead_letter_topic: str | None
    dead_letter_topic_findings: Callable[[], Sequence[TopicFinding]]

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set. Raises ServiceError."""
        try:
            self._await_topics(stop)
            if not stop.is_set():
                self._judge_dead_letter_topic()
                self.loop.run(stop)
        except Exception as error:  # noqa: BLE001 - also a defect of ours
            raise as_service_error(error) from None

    def _await_topics(self, stop: threading.Event) -> None:
        """Nothing is read before the dead-letter topic is there. A broker that does not answer is waited for."""
        while not stop.wait(0):
            try:
                self._require_dead_letter_topic()
                self._warn_of_topic()
                return
            except NoAnswer as error:
                log.warning("waiting for Kafka", extra={"error": str(error), "fold_by": error.condition})
                self.reporter.starting(time.monotonic())
                stop.wait(1.0)

    def _require_dead_letter_topic(self) -> None:
        """Raises ServiceError if the topic cannot be used, and NoAnswer."""
        if not self.dead_letter_topic:
            return
        otherwise = "or set neither ON_REJECTED nor ON_UNKNOWN_RECORD to dead-letter"
        try:
            if not self.consumer.partition_count(self.dead_letter_topic):
                raise ServiceError(
                    f"DEAD_LETTER_TOPIC: there is no topic {self.dead_letter_topic}: create it, {otherwise}"
                )
        except NotPermitted:
            raise ServiceError(
                f"DEAD_LETTER_TOPIC: not permitted: the principal needs WRITE for topic {self.dead_letter_topic}, "
                f"{otherwise}"
            ) from None

    def _warn_of_topic(self) -> None:
        """Log why nothing will be read, of which not every client of a group says anything. Raises NoAnswer."""
        topic = self.consumer.topic
        try:
            if not self.consumer.partition_count(topic):
                log.warning("topic cannot be read, waiting", extra={"error": f"there is no topic {topic}: create it"})
        except NotPermitted:
            text = f"not permitted: the principal needs READ for topic {topic}"
            log.warning("topic cannot be read, waiting", extra={"error": text})

    def _judge_dead_letter_topic(self) -> None:
        """Log what the settings of the topic may cost. Raises ServiceError if they cost dead letters for certain."""
        if not self.dead_letter_topic:
            return
        findings = self.dead_letter_topic_findings()
        if problems := _details(findings, "problem"):
            raise ServiceError(f"DEAD_LETTER_TOPIC: {problems}")
        if warnings := _details(findings, "warning"):
            log.warning("settings of the dead-letter topic are risky, continuing", extra={"detail": warnings})
        if notes := _details(findings, "note"):
            log.info("settings of the dead-letter topic noted, continuing", extra={"detail": notes})


def _details(findings: Sequence[TopicFinding], state: str) -> str:
    """The findings with this state in one line; "" if there are none."""
    return "; ".join(f"{finding.subject}: {finding.detail}" for finding in findings if finding.state == state)


def normal(settings: Settings) -> Variant:
    """The parts of `run` and `demo`."""
    policy = RejectPolicy(settings.on_rejected, settings.on_unknown_record)
    limits = factories.rejection_limits(settings)
    return Variant(lambda: factories.group_consumer(settings), policy, lambda mapper: mapper.map, limits)


@contextmanager
def build(settings: Settings, variant: Variant) -> Iterator[Service]:
    """The service, which is closed in reverse order of its creation."""
    with ExitStack() as closing:
        reporter = StatusReporter(time.monotonic())
        fetch, known_schemas = factories.schema_fetcher(settings, closing), factories.known_schemas(settings)
        schemas = SchemaCache(fetch, time.monotonic, known_schemas)
        closing.callback(schemas.close)
        frame = factories.record_framing(settings)
        mapper = factories.record_mapper(settings, factories.decode_stages(settings, frame, schemas.get))
        processor = RecordProcessor(variant.map_record(mapper), variant.policy)
        consumer, closer = variant.consumer(), ClientCloser(clients=2)
        closing.callback(closer.close, consumer.close)
        client = variant.client(settings)
        closing.callback(client.close)
        workers = Workers(client.attempt, settings.max_requests_in_flight)
        closing.callback(workers.close)
        dead_letters = variant.dead_letters(settings, variant.unwrap)
        closing.callback(closer.close, dead_letters.close)
        framings: Mapping[str, int] = frame.counts if isinstance(frame, AutoFraming) else {}
        send_queue = factories.send_queue(settings)
        ports = Ports(consumer, schemas, framings, processor, send_queue, workers, dead_letters)
        drain_seconds = settings.shutdown_timeout_seconds - LEAVE_SECONDS
        loop = Loop(ports, factories.partition_buffers(settings, variant.rejections), reporter, drain_seconds)
        closer.deadline = lambda: loop.stop_deadline() + LEAVE_SECONDS
        dead_letter_topic = settings.dead_letter_topic if variant.policy.writes_dead_letters else None
        findings = partial(factories.dead_letter_topic_findings, settings)
        yield Service(loop, consumer, reporter, dead_letter_topic, findings)


class ClientCloser:
    """Closes the Kafka clients, which have no timeout of their own: before the process must have ended."""

    def __init__(self, clients: int) -> None:
        """`clients` of them share the time."""
        self._open_clients = clients
        self.deadline: Callable[[], float] = lambda: float("inf")
        """When the process must have ended, in monotonic seconds."""

    def close(self, close: Callable[[], None]) -> None:
        rest = self.deadline() - time.monotonic() - MARGIN_SECONDS
        seconds = min(CLOSE_SECONDS, rest / self._open_clients)
        self._open_clients = max(self._open_clients - 1, 1)
        thread = threading.Thread(target=close, name="close", daemon=True)
        thread.start()
        thread.join(max(seconds, 0))
        if thread.is_alive():
            log.warning("a Kafka client did not close in time")


@contextmanager
def status_server(settings: Settings, service: Service) -> Iterator[StatusServer]:
    """Serves health, metrics and the status page of a service."""
    with recent_logs.record_recent_logs() as logs:
        info = ServiceInfo(factories.VERSION, settings.kafka_topic, settings.kafka_group_id, settings.endpoint)
        with closing(factories.group_watch(settings)) as group:
            page = StatusPage(service.reporter.latest, info, logs.lines, group.latest)
            with StatusServer(settings.http_host, settings.http_port, page) as server:
                yield server
