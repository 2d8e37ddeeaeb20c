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
from consumer import aside
from consumer.commands import parts
from consumer.commands.choice import Choice
from consumer.commands.common import silent
from consumer.commands.memory import Memory, forget, group_of, recall
from consumer.commands.plan import Account, Meant, planned
from consumer.commands.progress import bar
from consumer.commands.run import LEAVE_SECONDS, stopped_by_signals
from consumer.delivery.http import Segment
from consumer.delivery.workers import Workers
from consumer.json import dumps
from consumer.kafka import letters
from consumer.kafka.bounded import BoundedSource
from consumer.kafka.client import consumer_config
from consumer.kafka.reader import Span
from consumer.lanes import Lanes
from consumer.loop import Loop
from consumer.operate import logs
from consumer.reading.schemas import Schemas
from consumer.settings import Settings
from consumer.settling import Doors
from consumer.status import Status

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
        reader = parts.reader(settings, settings.dead_letter_topic, closing)
        spans = reader.spans()
        memory = Memory([]) if wanted.again else recall(settings, wanted.choice, spans)
        meant = Meant(settings.kafka_topic, wanted.choice, memory)
        plan = planned(reader, spans, meant, parts.translator_at_once(settings, closing))
    if not wanted.yes or not plan.to_do:
        _say(plan, as_json, "Nothing was sent." + (" Do it with --yes." if plan.to_do else ""))
        return 0
    if wanted.again:
        forget(settings, wanted.choice, {number: span.begin for number, span in spans.items()})
    logs.configure("console", "warning")
    logging.getLogger(aside.__name__).setLevel(logging.ERROR)  # the account says it, with the number of each reason
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
        known = parts.known_schemas(settings)
        schemas = Schemas(parts.fetch(settings, closing), time.monotonic, known, status.counts.lookups)
        closing.callback(schemas.close)
        translator = parts.translator(settings, parts.steps(settings, schemas.get, status.counts.framed))
        treater = aside.Treater(meant.translate(translator), aside.Policy("dead-letter", "dead-letter"))
        group, options = group_of(settings, meant.choice), parts.kafka_options(settings)
        config = consumer_config(settings.kafka_bootstrap_servers, group, options)
        source = BoundedSource(config, settings.dead_letter_topic, {number: span.end for number, span in spans.items()})
        closing.callback(source.close)
        segment = Segment(parts.endpoint(settings))
        closing.callback(segment.close)
        workers = Workers(segment.attempt, settings.max_requests_in_flight)
        closing.callback(workers.close)
        dead_letters = parts.dead_letters(settings, letters.record)
        closing.callback(dead_letters.close)
        doors = Doors(source, schemas, treater, parts.outbox(settings), workers, dead_letters)
        lanes = Lanes(parts.shares(settings))
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
