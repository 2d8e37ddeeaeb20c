"""`reconcile`: what Kafka has against what arrived behind Segment, record by record."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

import consumer.settings
from consumer import app
from consumer.cli.message_ids import Ids, message_ids
from consumer.cli.param_types import Address
from consumer.cli.params import silent
from consumer.cli.progress import followed
from consumer.cli.terminal import counted, table
from consumer.jsonio import dumps, loads
from consumer.kafka.letters import opened
from consumer.kafka.topic_reader import Reader, Span
from consumer.model import Call, Message, Skipped
from consumer.pipeline.record_processor import Translator
from consumer.settings import Settings

DELIVERED, SKIPPED, SET_ASIDE, WAITING, MISSING = FATES = (
    "delivered",
    "skipped",
    "dead-lettered",
    "waiting",
    "missing",
)
_HOUR = 3_600_000  # ms


class Range(NamedTuple):
    """Records of these times, in ms since 1970; the second is the first that is not meant."""

    begin: int
    end: int


class Arrived(NamedTuple):
    """What is known to be somewhere: messageIds behind Segment, addresses in the dead-letter topic."""

    delivered: Ids
    letters: Ids


class Export(NamedTuple):
    """The file of messageIds, and where they stand in it."""

    file: Path
    column: str | None


def main(env_file: Path | None, times: Range, export: Export, listed: bool, as_json: bool) -> int:
    """Print the account, or the missing records; give the exit code. Raises UsageError, ServiceError."""
    silent()
    settings = consumer.settings.load(env_file)
    delivered = Ids(message_ids(export.file, export.column))
    with ExitStack() as closing:
        letters = Ids(_letters(settings, app.reader(settings, settings.dead_letter_topic, closing)))
        reader = app.reader(settings, settings.kafka_topic, closing)
        translator = app.translator_at_once(settings, closing)
        account: Counter[tuple[int, int, str]] = Counter()
        for message, fate in _fates(settings, reader, times, translator, Arrived(delivered, letters)):
            account[message.partition, message.timestamp // _HOUR, fate] += 1
            if listed and fate == MISSING:
                click.echo(_missing(message))
    total = Counter[str]()
    for (_, _, fate), number in account.items():
        total[fate] += number
    if as_json:
        click.echo(dumps({"total": {fate: total[fate] for fate in FATES}, "hours": list(_hours(account))}))
    elif not listed:
        _show(account, total, len(delivered))
    return 1 if total[MISSING] else 0


def _fates(
    settings: Settings, reader: Reader, times: Range, translator: Translator, arrived: Arrived
) -> Iterator[tuple[Message, str]]:
    """Each record of these times with what became of it, while a bar shows how far it is."""
    spans = reader.spans()
    committed = reader.committed(spans)
    begins, ends = reader.since(times.begin, spans), reader.since(times.end, spans)
    meant = {number: Span(begins[number].begin, ends[number].begin) for number in spans}
    total = sum(max(0, span.end - span.begin) for span in meant.values())
    for message in followed(reader.read(meant), total, "records"):
        if times.begin <= message.timestamp < times.end:
            yield message, _fate(settings, message, translator, arrived, committed)


def _fate(
    settings: Settings, message: Message, translator: Translator, arrived: Arrived, committed: Mapping[int, int]
) -> str:
    made = translator.translate(message)
    if isinstance(made, Skipped):
        return SKIPPED
    if isinstance(made, Call) and str(loads(made.body)["messageId"]) in arrived.delivered:
        return DELIVERED
    if _address(message) in arrived.letters:
        return SET_ASIDE
    if message.offset >= committed[message.partition]:
        return WAITING
    skips = not isinstance(made, Call) and settings.on_rejected == "skip"
    return SKIPPED if skips else MISSING


def _letters(settings: Settings, reader: Reader) -> Iterator[str]:
    spans = reader.spans()
    for message in followed(reader.read(spans), sum(end - begin for begin, end in spans.values()), "letters"):
        letter = opened(message)
        if letter and letter.topic == settings.kafka_topic:
            yield _address(letter.record)


def _address(message: Message) -> str:
    return str(Address(message.partition, message.offset))


def _missing(message: Message) -> str:
    address = _address(message)
    if sys.stdout.isatty():
        return address
    return dumps({"partition": message.partition, "offset": message.offset}).decode()


def _rows(account: Mapping[tuple[int, int, str], int]) -> Iterator[tuple[int, str, dict[str, int]]]:
    for partition, hour in sorted({(partition, hour) for partition, hour, _ in account}):
        time = datetime.fromtimestamp(hour * _HOUR / 1000, UTC).strftime("%Y-%m-%dT%H:00Z")
        yield partition, time, {fate: account.get((partition, hour, fate), 0) for fate in FATES}


def _hours(account: Mapping[tuple[int, int, str], int]) -> Iterator[dict[str, object]]:
    for partition, time, fates in _rows(account):
        yield {"partition": partition, "hour": time, **fates}


def _show(account: Mapping[tuple[int, int, str], int], total: Mapping[str, int], ids: int) -> None:
    rows = [
        (str(partition), time, *(f"{fates[fate]:,}" for fate in FATES)) for partition, time, fates in _rows(account)
    ]
    rows.append(("all", "", *(f"{total[fate]:,}" for fate in FATES)))
    known = f"{counted(ids, 'messageId')} in the file"
    table("Kafka against what arrived", ("partition", "hour", *FATES), rows, [known])
