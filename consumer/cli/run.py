"""`run`: the service, put together from its settings, from its start to its last commit."""

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import consumer.settings
from consumer import app
from consumer.avro.schema_cache import Schemas
from consumer.errors import NoAnswer, ServiceError
from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import Source
from consumer.observability import http_server, log_setup, recent_logs
from consumer.observability.status_page import About, View
from consumer.pipeline.buffers import Lanes
from consumer.pipeline.dispatcher import Doors
from consumer.pipeline.loop import Loop
from consumer.pipeline.reject_policy import Policy, Treater
from consumer.pipeline.status_reporter import Status
from consumer.segment.client import Segment
from consumer.segment.workers import Workers
from consumer.settings import Settings

log = logging.getLogger(__name__)

LEAVE_SECONDS = 4.0  # of the shutdown timeout, for the last commit and for leaving the group
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(env_file: Path | None) -> None:
    """Run until a signal says stop. Raises UsageError before anything is read, ServiceError for what cannot go on."""
    settings = consumer.settings.load(env_file)
    log_setup.configure(settings.log_format, settings.log_level, settings.kafka_topic)
    for warning in consumer.settings.suspicious():
        log.warning(warning)
    stop = threading.Event()
    with stopped_by_signals(stop, settings.shutdown_timeout_seconds), service(settings) as it:
        _collect_rarely()
        log.info("started", extra={"version": app.VERSION, "topic": settings.kafka_topic, "http": it.server.address})
        it.run(stop)
        log.info("stopped", extra={"delivered": it.status.counts.delivered})


def _collect_rarely() -> None:
    """
    Python looks for cycles after each 700 new objects, which is one in thirty of an event's CPU time.

    Nothing on a record's way is a cycle, and no attempt leaves one (tests/unit/segment/test_garbage.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that somebody outside looks at."""

    loop: Loop
    source: Source
    status: Status
    server: http_server.Server
    dead_letter_topic: str | None

    def run(self, stop: threading.Event) -> None:
        try:
            self._await_dead_letter_topic(stop)
            if not stop.is_set():
                self.loop.run(stop)
        except ServiceError as error:
            log.critical("fatal error, exiting", extra={"error": str(error)})
            raise

    def _await_dead_letter_topic(self, stop: threading.Event) -> None:
        """Nothing is read before there is a place for what cannot be delivered; a broker that is away is waited for."""
        while self.dead_letter_topic and not stop.wait(0):
            try:
                if not self.source.partitions(self.dead_letter_topic):
                    raise ServiceError(
                        f"DEAD_LETTER_TOPIC: there is no topic {self.dead_letter_topic}: create it, or let neither "
                        "ON_REJECTED nor ON_UNKNOWN_RECORD be dead-letter"
                    )
                return
            except NoAnswer as error:
                log.warning("waiting for Kafka", extra={"error": str(error)})
                self.status.alive(time.monotonic())
                stop.wait(1.0)


@contextmanager
def service(settings: Settings) -> Iterator[Service]:
    """Everything that `run` needs, closed again in reverse order."""
    with ExitStack() as closing:
        errors = closing.enter_context(recent_logs.watching())
        status = Status(time.monotonic())
        known = app.known_schemas(settings)
        schemas = Schemas(app.fetch(settings, closing), time.monotonic, known, status.counts.lookups)
        closing.callback(schemas.close)
        translator = app.translator(settings, app.steps(settings, schemas.get, status.counts.framed))
        policy = Policy(settings.on_rejected, settings.on_unknown_record)
        treater = Treater(translator.translate, policy)
        source = Source(
            consumer_config(settings.kafka_bootstrap_servers, settings.kafka_group_id, app.kafka_options(settings)),
            settings.kafka_topic,
            from_beginning=settings.kafka_auto_offset_reset == "earliest",
        )
        closing.callback(source.close)
        segment = Segment(app.endpoint(settings))
        closing.callback(segment.close)
        workers = Workers(segment.attempt, settings.max_requests_in_flight)
        closing.callback(workers.close)
        about = About(app.VERSION, settings.kafka_topic, settings.kafka_group_id, settings.endpoint)
        view = View(status.latest, about, errors.lines)
        server = closing.enter_context(http_server.Server(settings.http_host, settings.http_port, view))
        dead_letters = app.dead_letters(settings)
        closing.callback(dead_letters.close)
        doors = Doors(source, schemas, treater, app.outbox(settings), workers, dead_letters)
        hand_over = settings.shutdown_timeout_seconds - LEAVE_SECONDS
        loop = Loop(doors, Lanes(app.shares(settings)), status, hand_over)
        yield Service(loop, source, status, server, settings.dead_letter_topic if policy.writes else None)


@contextmanager
def stopped_by_signals(stop: threading.Event, seconds: float) -> Iterator[None]:
    """
    The first signal asks for a hand-over; the second ends the process at once.

    A watchdog ends it after `seconds`, wherever it is by then: a thread that looks a name up cannot be hurried.
    """

    def end() -> None:
        log.critical("not stopped in time: what is not committed is read again by the next owner")
        os._exit(1)

    def ask(_: int, __: FrameType | None) -> None:
        if watchdog.ident is not None:
            os._exit(1)
        watchdog.start()  # first, as the main thread may hold the lock of `stop` itself
        stop.set()

    watchdog = threading.Timer(seconds, end)
    watchdog.daemon = True
    before = {number: signal.signal(number, ask) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
