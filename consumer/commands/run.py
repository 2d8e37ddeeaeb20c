"""`run`: the service, put together from its settings, from its start to its last commit."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import consumer.settings
from consumer import paths
from consumer.aside import Policy, Treater
from consumer.contract.mapper import Contracts
from consumer.delivery.body import overhead
from consumer.delivery.http import Endpoint, Segment
from consumer.delivery.outbox import Capacity, Outbox
from consumer.delivery.workers import Workers
from consumer.errors import NoAnswer, ServiceError
from consumer.kafka.client import consumer_config, producer_config
from consumer.kafka.dead_letters import DeadLetters
from consumer.kafka.source import Source
from consumer.lane import Limits
from consumer.lanes import Lanes, Shares
from consumer.loop import Loop
from consumer.operate import http, logs
from consumer.reading import avro, files
from consumer.reading.framing import framing
from consumer.reading.lookup import Fetch, no_registry
from consumer.reading.schemas import Schemas
from consumer.settings import Settings
from consumer.settling import Doors
from consumer.status import Status
from consumer.translator import Steps, Translator

log = logging.getLogger(__name__)

VERSION = version("sprig-to-segment")
LEAVE_SECONDS = 4.0  # of the shutdown timeout, for the last commit and for leaving the group
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(env_file: Path | None) -> None:
    """Run until a signal says stop. Raises UsageError before anything is read, ServiceError for what cannot go on."""
    settings = consumer.settings.load(env_file)
    logs.configure(settings.log_format, settings.log_level)
    for warning in consumer.settings.suspicious():
        log.warning(warning)
    stop = threading.Event()
    with stopped_by_signals(stop, settings.shutdown_timeout_seconds), service(settings) as it:
        log.info("started", extra={"version": VERSION, "topic": settings.kafka_topic, "http": it.server.address})
        it.run(stop)
        log.info("stopped", extra={"delivered": it.status.counts.delivered})


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that somebody outside looks at."""

    loop: Loop
    source: Source
    status: Status
    server: http.Server
    dead_letter_topic: str | None

    def run(self, stop: threading.Event) -> None:
        self._await_dead_letter_topic(stop)
        if not stop.is_set():
            self.loop.run(stop)

    def _await_dead_letter_topic(self, stop: threading.Event) -> None:
        """Nothing is read before there is a place for what cannot be delivered; a broker that is away is waited for."""
        while self.dead_letter_topic and not stop.wait(0):
            try:
                if not self.source.partitions(self.dead_letter_topic):
                    raise ServiceError(
                        f"DEAD_LETTER_TOPIC: there is no topic {self.dead_letter_topic}: create it, or let neither "
                        "ON_UNPROCESSABLE nor ON_UNKNOWN_RECORD be dead-letter"
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
        status = Status(time.monotonic())
        schemas, treater, policy = _reading(settings, status, closing)
        closing.callback(schemas.close)
        source = Source(
            consumer_config(settings.kafka_bootstrap_servers, settings.kafka_group_id, _options(settings)),
            settings.kafka_topic,
            from_beginning=settings.kafka_auto_offset_reset == "earliest",
        )
        closing.callback(source.close)
        segment = Segment(_endpoint(settings))
        closing.callback(segment.close)
        workers = Workers(segment.attempt, settings.max_requests_in_flight)
        closing.callback(workers.close)
        server = closing.enter_context(http.Server(settings.http_host, settings.http_port, status.latest))
        dead_letters = _dead_letters(settings)
        closing.callback(dead_letters.close)
        doors = Doors(source, schemas, treater, _outbox(settings), workers, dead_letters)
        hand_over = settings.shutdown_timeout_seconds - LEAVE_SECONDS
        loop = Loop(doors, Lanes(_shares(settings)), status, hand_over)
        yield Service(loop, source, status, server, settings.dead_letter_topic if policy.writes else None)


@contextmanager
def stopped_by_signals(stop: threading.Event, seconds: float) -> Iterator[None]:
    """The first signal asks for a hand-over, which a watchdog ends after `seconds`; the second ends at once."""

    def end() -> None:
        log.critical("not stopped in time: what is not committed is read again by the next owner")
        os._exit(1)

    def ask(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()
        watchdog.start()

    watchdog = threading.Timer(seconds, end)
    watchdog.daemon = True
    before = {number: signal.signal(number, ask) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        watchdog.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _reading(settings: Settings, status: Status, closing: ExitStack) -> tuple[Schemas, Treater, Policy]:
    folder = settings.schemas_dir or paths.schemas()
    known = files.known_schemas(settings.avro_framing, folder)
    schemas = Schemas(_fetch(settings, closing), time.monotonic, known, status.counts.lookups)
    contracts = Contracts(folder, VERSION)
    framed = framing(settings.avro_framing, known, status.counts.framed)
    steps = Steps(framed, schemas.get, avro.branch, avro.decode, contracts.mapper)
    translator = Translator(steps, settings.kafka_topic, settings.write_keys, settings.namespace)
    policy = Policy(settings.on_unprocessable, settings.on_unknown_record)
    return schemas, Treater(translator.translate, policy), policy


def _fetch(settings: Settings, closing: ExitStack) -> Fetch:
    if settings.avro_framing in ("raw", "single-object"):
        return no_registry
    from consumer.reading.registry import Registry  # its client takes 0.15 s to import

    config = settings.schema_registry_config.get_secret_value()
    registry = Registry(str(settings.schema_registry_url), config)
    closing.callback(registry.close)  # a look-up under way ends with its present request, and the process can
    return registry.fetch


def _options(settings: Settings) -> Mapping[str, object]:
    options: Mapping[str, object] = settings.kafka_config.get_secret_value()
    return {"client.id": f"sprig-to-segment-{VERSION}", **options, "logger": logging.getLogger(logs.LIBRDKAFKA)}


def _endpoint(settings: Settings) -> Endpoint:
    return Endpoint(
        settings.endpoint,
        settings.segment_timeout_seconds,
        settings.segment_gzip,
        settings.segment_accept_any_body,
        f"sprig-to-segment/{VERSION}",
    )


def _outbox(settings: Settings) -> Outbox:
    capacity = Capacity(
        settings.batch_max_events, settings.batch_max_bytes, settings.refusal_limit, settings.max_events_per_second
    )
    return Outbox(list(settings.write_keys.values()), capacity, random.Random())  # noqa: S311 - jitter


def _dead_letters(settings: Settings) -> DeadLetters:
    config = producer_config(settings.kafka_bootstrap_servers, _options(settings))
    return DeadLetters(config, settings.dead_letter_topic, settings.kafka_topic, VERSION)


def _shares(settings: Settings) -> Shares:
    room = settings.batch_max_bytes - max(map(overhead, settings.write_keys.values()))
    batch = Limits(settings.batch_max_events, room, settings.dead_letter_limit)
    return Shares(batch, settings.max_held_bytes, settings.batch_linger_seconds)
