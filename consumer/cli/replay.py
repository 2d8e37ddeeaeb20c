"""`dead-letters replay`: letters go the way of `run` again, as the records that they hold."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

import consumer.settings
from consumer import app
from consumer.avro.schema_cache import Schemas
from consumer.cli.dead_letter_filter import Choice
from consumer.cli.params import silent
from consumer.cli.progress import bar
from consumer.cli.replay_history import Memory, forget, group_of, recall
from consumer.cli.replay_plan import Account, Meant, planned
from consumer.cli.run import LEAVE_SECONDS, stopped_by_signals
from consumer.jsonio import dumps
from consumer.kafka import letters
from consumer.kafka.bounded_consumer import BoundedSource
from consumer.kafka.client_config import consumer_config
from consumer.kafka.topic_reader import Span
from consumer.observability import log_setup
from consumer.pipeline import reject_policy
from consumer.pipeline.buffers import Lanes
from consumer.pipeline.dispatcher import Doors
from consumer.pipeline.loop import Loop
from consumer.pipeline.status_reporter import Status
from consumer.segment.client import Segment
from consumer.segment.workers import Workers
from consumer.settings import Settings

_LOOK = 0.1  # seconds between two looks at how far it is


class Wanted(NamedTuple):
    """What the user asks for. `rate` in events a second, None as in the settings; `again`: whatever was before."""

    choice: Choice
    yes: bool
    again: bool
    rate: int | None


class End(NamedTuple):
    """How a replay ended: all done, or stopped by somebody, or as something holds, by reason."""

    account: Account
    done: bool
    holding: Mapping[str, int]


def main(env_file: Path | None, wanted: Wanted, as_json: bool) -> int:
    """Say what would be done, or do it; give the exit code. Raises UsageError, ServiceError."""
    silent()
    settings = consumer.settings.load(env_file)
    if wanted.rate:
        settings = settings.model_copy(update={"max_events_per_second": wanted.rate})
    with ExitStack() as closing:
        reader = app.reader(settings, settings.dead_letter_topic, closing)
        spans = reader.spans()
        memory = Memory([]) if wanted.again else recall(settings, wanted.choice, spans)
        meant = Meant(settings.kafka_topic, wanted.choice, memory)
        plan = planned(reader, spans, meant, app.translator_at_once(settings, closing))
    if not wanted.yes or not plan.to_do:
        _say(plan, as_json, "Nothing was sent." + (" Do it with --yes." if plan.to_do else ""))
        return 0
    if wanted.again:
        forget(settings, wanted.choice, {number: span.begin for number, span in spans.items()})
    log_setup.configure("console", "warning")
    logging.getLogger(reject_policy.__name__).setLevel(
        logging.ERROR
    )  # the account says it, with the number of each reason
    end = _run(settings, meant, spans, plan.to_do)
    _say(end.account, as_json, _ended(end), done=end.done)
    return 0 if end.done else 1


def _run(settings: Settings, meant: Meant, spans: Mapping[int, Span], total: int) -> End:
    stop, over = threading.Event(), threading.Event()
    with stopped_by_signals(stop, settings.shutdown_timeout_seconds), _replay(settings, meant, spans) as it:
        watcher = threading.Thread(target=_watch, args=(it, total, stop, over))
        watcher.start()
        try:
            it.loop.run(stop)
        finally:
            over.set()
            watcher.join()
    return End(Account.of(it.status.counts), it.source.done, it.status.latest().holding)


@dataclass(frozen=True, slots=True)
class _Replay:
    loop: Loop
    source: BoundedSource
    status: Status


@contextmanager
def _replay(settings: Settings, meant: Meant, spans: Mapping[int, Span]) -> Iterator[_Replay]:
    """As `run` is put together, but that it reads letters, ends, and lets no policy forget what is refused again."""
    with ExitStack() as closing:
        status = Status(time.monotonic())
        known = app.known_schemas(settings)
        schemas = Schemas(app.fetch(settings, closing), time.monotonic, known, status.counts.lookups)
        closing.callback(schemas.close)
        translator = app.translator(settings, app.steps(settings, schemas.get, status.counts.framed))
        treater = reject_policy.Treater(meant.translate(translator), reject_policy.Policy("dead-letter", "dead-letter"))
        group, options = group_of(settings, meant.choice), app.kafka_options(settings)
        config = consumer_config(settings.kafka_bootstrap_servers, group, options)
        source = BoundedSource(config, settings.dead_letter_topic, {number: span.end for number, span in spans.items()})
        closing.callback(source.close)
        segment = Segment(app.endpoint(settings))
        closing.callback(segment.close)
        workers = Workers(segment.attempt, settings.max_requests_in_flight)
        closing.callback(workers.close)
        dead_letters = app.dead_letters(settings, letters.record)
        closing.callback(dead_letters.close)
        doors = Doors(source, schemas, treater, app.outbox(settings), workers, dead_letters)
        lanes = Lanes(app.shares(settings))
        yield _Replay(Loop(doors, lanes, status, settings.shutdown_timeout_seconds - LEAVE_SECONDS), source, status)


def _watch(it: _Replay, total: int, stop: threading.Event, over: threading.Event) -> None:
    """Show how far it is, and stop it when all is done or when somebody has to mend something first."""
    with bar(total, "letters") as shown:
        while not over.wait(_LOOK):
            latest = it.status.latest()
            shown.update(Account.of(latest.counts).to_do - shown.n)
            if it.source.done or latest.holding:
                stop.set()


def _ended(end: End) -> str:
    if end.done:
        return "All letters that were meant are settled."
    why = f"It holds: {', '.join(end.holding)}. Mend that first." if end.holding else "Stopped."
    return f"{why} What is settled is remembered: the same command goes on where it was."


def _say(account: Account, as_json: bool, last: str, done: bool | None = None) -> None:
    if as_json:
        click.echo(dumps({**account.told(), "done": done}))
    else:
        account.show()
        click.echo(last)
