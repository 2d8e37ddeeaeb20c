"""`run --dry-run`: the loop of `run`, which sends nothing, writes nothing and commits nothing."""

import logging
import threading
from collections import Counter
from collections.abc import Set
from contextlib import ExitStack
from dataclasses import dataclass, field

from consumer import app, factories
from consumer.cli.dry_run_report import DryRunResult, FirstRejection
from consumer.cli.output import print_json, print_text, progress_bar
from consumer.cli.settings_source import SettingsSource
from consumer.kafka.bounded_consumer import DryRunConsumer
from consumer.kafka.dead_letters import DeliveryReports
from consumer.model import Accepted, BatchRequest, DeadLetter, MappedRecord, Outcome, Record, Rejected
from consumer.observability import log_setup
from consumer.observability.snapshot import Snapshot
from consumer.pipeline import start_topics
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.settings import Settings
from consumer.signals import stop_requests

_PROGRESS_INTERVAL = 0.1  # seconds
_ANNOUNCEMENT = (
    "Dry run of what the group {group} has not committed, up to the present end of {topic}. Nothing is sent, written "
    "or committed, and no group is joined: the service can run meanwhile."
)


def print_dry_run(source: SettingsSource, as_json: bool) -> bool:
    """
    Print what `run` would do. False if it would be blocked, or if a signal ended the dry run.

    Raises UsageError, ServiceError.
    """
    settings = source.load()
    log_setup.configure("console", "warning")
    logging.getLogger("consumer.pipeline").setLevel(logging.CRITICAL)  # the report has the rejections and the blocks
    logging.getLogger(start_topics.__name__).setLevel(logging.WARNING)
    print_text(_ANNOUNCEMENT.format(group=settings.kafka_group_id, topic=settings.kafka_topic), err=True)
    # One request at a time, no rate and no audit log, because nothing goes anywhere.
    changes = {"max_requests_in_flight": 1, "max_events_per_second": None, "audit_log": None}
    result = _DryRun(settings.model_copy(update=changes)).run()
    if as_json:
        print_json(result.as_dict())
    else:
        result.print_table()
    return result.complete and not result.blocks


class DryRunSegment:
    """Accepts each batch at once, and counts the events by environment."""

    def __init__(self) -> None:
        self.events = Counter[str]()

    def attempt(self, request: BatchRequest) -> Outcome:
        self.events[request.key.environment] += len(request.bodies)
        return Accepted()

    def close(self) -> None:
        pass


class DryRunDeadLetters:
    """Confirms each dead letter at once, and keeps none."""

    waits = ()

    def __init__(self) -> None:
        self._unconfirmed: list[DeadLetter] = []

    def put(self, dead_letter: DeadLetter) -> None:
        self._unconfirmed.append(dead_letter)

    def forget(self, partitions: Set[int]) -> None:
        self._unconfirmed = [item for item in self._unconfirmed if item.record.partition not in partitions]

    def advance(self, now: float, wait: float = 0) -> DeliveryReports:  # noqa: ARG002 - as the writer
        confirmed, self._unconfirmed = self._unconfirmed, []
        return DeliveryReports(confirmed)

    def close(self) -> None:
        pass


@dataclass(slots=True)
class _DryRun:
    """The loop runs in the main thread, and another thread watches whether there is more to do."""

    settings: Settings
    segment: DryRunSegment = field(default_factory=DryRunSegment)
    rejections: dict[str, FirstRejection] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    is_complete: bool = False

    def run(self) -> DryRunResult:
        consumer = self._create_consumer()
        normal = app.normal(self.settings)
        variant = app.Variant(
            consumer=lambda: consumer,
            policy=normal.policy,
            map_record=self._observed,
            rejections=normal.rejections,
            client=lambda *_: self.segment,
            dead_letters=lambda *_: DryRunDeadLetters(),
        )
        with (
            stop_requests(self.settings.shutdown_timeout_seconds) as stop,
            app.build(self.settings, variant) as service,
        ):
            watcher = threading.Thread(target=self._watch, args=(service, consumer, stop))
            watcher.start()
            try:
                service.topics.wait(stop, service.reporter)
                service.loop.run(stop)
            finally:
                self.ended.set()
                watcher.join()
        latest, counters = service.reporter.latest(), service.reporter.counters
        return DryRunResult(
            self.segment.events, counters, self.rejections, latest.blocks, latest.waiting, self.is_complete
        )

    def _create_consumer(self) -> DryRunConsumer:
        settings = self.settings
        with ExitStack() as closing:
            spans = factories.topic_reader(settings, settings.kafka_topic, closing).spans()
        ends = {partition: span.end for partition, span in spans.items()}
        from_beginning = settings.kafka_auto_offset_reset == "earliest"
        return DryRunConsumer(factories.group_consumer_config(settings), settings.kafka_topic, ends, from_beginning)

    def _observed(self, mapper: RecordMapper) -> MapRecord:
        def map_record(record: Record) -> MappedRecord:
            mapped = mapper.map(record)
            if isinstance(mapped, Rejected):
                self.rejections.setdefault(mapped.reason, FirstRejection(record.address, mapped.detail))
            return mapped

        return map_record

    def _watch(self, service: app.Service, consumer: DryRunConsumer, stop: threading.Event) -> None:
        """Show the progress, and stop the loop when each partition is settled or blocked."""
        latest, unsettled = service.reporter.latest(), consumer.unsettled
        with progress_bar(0, "records") as progress:
            while not self.ended.wait(_PROGRESS_INTERVAL):
                before, latest = latest, service.reporter.latest()
                # The snapshot must be newer than the partitions that it is compared with: a success of one partition
                # can end the block of another.
                if latest.loop_ran_at > before.loop_ran_at:
                    if _is_blocked(unsettled, latest):
                        self.is_complete = True
                        stop.set()
                    unsettled = consumer.unsettled
                progress.update(latest.counters.settled - progress.n)


def _is_blocked(partitions: Set[int], snapshot: Snapshot) -> bool:
    """Whether all these partitions wait for an operator; also if there are none."""
    blocked = {block.target for block in snapshot.blocks}
    return all(f"partition {partition}" in blocked for partition in partitions)
