"""`dead-letters replay`: sends the records of dead letters through the service again."""

import logging
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import click

from consumer import app, factories
from consumer.cli.dead_letter_filter import DeadLetterFilter, filter_options, from_options
from consumer.cli.output import print_json, print_text, progress_bar
from consumer.cli.params import YES, as_json, exit_with, plain_errors, silence_logs
from consumer.cli.replay_history import ReplayHistory, forget, group_of, load_history
from consumer.cli.replay_plan import ReplayFilter, ReplaySummary, plan_replay
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.kafka.bounded_consumer import BoundedGroupConsumer
from consumer.kafka.client_config import consumer_config
from consumer.kafka.dead_letter_headers import dead_lettered_record
from consumer.kafka.topic_reader import OffsetRange
from consumer.observability import log_setup
from consumer.pipeline import reject_policy
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.pipeline.rejections import RejectionLimits
from consumer.settings import Settings
from consumer.signals import stop_requests

_PROGRESS_INTERVAL = 0.1  # seconds


@click.command()
@settings_options
@filter_options
@YES
@click.option("--again", is_flag=True, help="Also replay dead letters that were replayed before.")
@click.option("--rate", type=click.IntRange(1), help="Events per second.  [default: MAX_EVENTS_PER_SECOND]")
@as_json("table")
@plain_errors
def replay(
    env_file: Path | None,
    schemas_dir: Path | None,
    yes: bool,
    again: bool,
    rate: int | None,
    as_json: bool,
    **selection: Any,
) -> None:
    """Send rejected records again.

    A replay works as `run` does and needs its settings; each record keeps its messageId. A record that is rejected
    again gets a new dead letter, which only the next replay reads. Each selection of dead letters has a group of its
    own, `KAFKA_GROUP_ID.replay.SELECTION`, which remembers what is settled. So you can stop a replay (Ctrl-C) and
    continue it with the same command. Dead letters that another replay settled are passed over. Segment
    recognises repeats for about a day only: later, `--again` makes duplicates. Exit code 1 if the replay did not
    complete.

    \b
    Examples:
      sprig-to-segment dead-letters replay --reason no_write_key
      sprig-to-segment dead-letters replay --since 2026-03-02 --rate 100 --yes
    """
    options = ReplayOptions(from_options(**selection), yes, again, rate)
    exit_with(_replay(SettingsSource(env_file, schemas_dir), options, as_json))


class ReplayOptions(NamedTuple):
    """What the user asks for. `rate` is in events per second; None: as in the settings."""

    selection: DeadLetterFilter
    yes: bool
    again: bool
    rate: int | None


class ReplayResult(NamedTuple):
    """How a replay ended. `blocked`: how many keys and partitions were blocked, by reason."""

    summary: ReplaySummary
    complete: bool
    blocked: Mapping[str, int]


def _replay(source: SettingsSource, options: ReplayOptions, as_json: bool) -> bool:
    """Print what would be done, or do it. False if a replay did not complete. Raises UsageError, ServiceError."""
    silence_logs()
    settings = source.load()
    if options.rate:
        settings = settings.model_copy(update={"max_events_per_second": options.rate})
    with ExitStack() as closing:
        reader = factories.topic_reader(settings, settings.dead_letter_topic, closing)
        spans = reader.spans()
        history = ReplayHistory([]) if options.again else load_history(settings, options.selection, spans)
        replay_filter = ReplayFilter(settings.kafka_topic, options.selection, history)
        plan = plan_replay(reader, spans, replay_filter, factories.blocking_record_mapper(settings, closing))
    if not options.yes or not plan.to_do:
        conclusion = "Nothing was sent. Do it with --yes." if plan.to_do else "Nothing was sent."
        _print_summary(plan, as_json, conclusion)
        return True
    if options.again:
        forget(settings, options.selection, {partition: span.begin for partition, span in spans.items()})
    log_setup.configure("console", "warning")
    # The summary has the number of each reason, so that a log line for each rejected record is not needed.
    logging.getLogger(reject_policy.__name__).setLevel(logging.ERROR)
    result = _Replay(settings, replay_filter, spans, plan.to_do).run()
    result.summary.deleted = plan.deleted
    _print_summary(result.summary, as_json, _conclusion(result), complete=result.complete)
    return result.complete


@dataclass(slots=True)
class _Replay:
    """One replay of `total` dead letters, which runs in the main thread and is watched from another thread."""

    settings: Settings
    replay_filter: ReplayFilter
    spans: Mapping[int, OffsetRange]
    total: int
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> ReplayResult:
        """Replay until all is settled, delivery is blocked, or a signal says stop."""
        consumer = self._create_consumer()
        with (
            stop_requests(self.settings.shutdown_timeout_seconds) as stop,
            app.build(self.settings, self._variant(consumer)) as service,
        ):
            watcher = threading.Thread(target=self._watch, args=(service, consumer, stop))
            watcher.start()
            try:
                service.loop.run(stop)
            finally:
                self.ended.set()
                watcher.join()
        summary = ReplaySummary.of(service.reporter.counters)
        return ReplayResult(summary, consumer.done, service.reporter.latest().blocked)

    def _variant(self, consumer: BoundedGroupConsumer) -> app.Variant:
        return app.Variant(
            consumer=lambda: consumer,
            policy=RejectPolicy("dead-letter", "dead-letter"),  # a record that is rejected again must not be lost
            map_record=self.replay_filter.map_record,
            # An operator chose these records and saw how many of them would be rejected again.
            rejections=RejectionLimits(in_partition=self.settings.max_consecutive_dead_letters),
            unwrap=dead_lettered_record,
        )

    def _create_consumer(self) -> BoundedGroupConsumer:
        """Reads the dead letters that are there now, in the group that remembers this selection."""
        settings = self.settings
        group, options = group_of(settings, self.replay_filter.selection), factories.kafka_options(settings)
        config = consumer_config(settings.kafka_bootstrap_servers, group, options)
        ends = {partition: span.end for partition, span in self.spans.items()}
        return BoundedGroupConsumer(config, settings.dead_letter_topic, ends)

    def _watch(self, service: app.Service, consumer: BoundedGroupConsumer, stop: threading.Event) -> None:
        """Show the progress, and stop the service when all is settled or an operator has to act first."""
        with progress_bar(self.total, "dead letters") as progress:
            while not self.ended.wait(_PROGRESS_INTERVAL):
                latest = service.reporter.latest()
                progress.update(ReplaySummary.of(latest.counters).to_do - progress.n)
                if consumer.done or latest.blocked:
                    stop.set()


def _conclusion(result: ReplayResult) -> str:
    if result.complete:
        return "All selected dead letters are settled."
    cause = "Stopped."
    if result.blocked:
        cause = f"Delivery is blocked: {', '.join(result.blocked)}. Fix that first."
    return f"{cause} The group remembers what is settled: run the same command to continue."


def _print_summary(summary: ReplaySummary, as_json: bool, conclusion: str, complete: bool | None = None) -> None:
    if as_json:
        print_json({**summary.as_dict(), "done": complete})
    else:
        summary.print_table()
        print_text(conclusion)
