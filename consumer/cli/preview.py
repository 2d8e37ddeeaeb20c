"""`preview`: what records would become, without a trace: nothing is sent or committed, and no group is joined."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click

from consumer import factories
from consumer.cli import output
from consumer.cli.implausible_times import implausible_times
from consumer.cli.output import counted, print_text
from consumer.cli.params import BEGINNING, END, START, Start, exit_with, plain_errors, silence_logs
from consumer.cli.record_query import PreviewedRecord, RecordQuery, mapped, named_address, ranges_from, select
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.errors import ServiceError
from consumer.jsonio import loads
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import RecordAddress, TrackEvent
from consumer.pipeline.record_mapper import MapRecord
from consumer.settings import Settings
from consumer.signals import stop_requests

_DEFAULT_COUNT = 10
_STOP_SECONDS = 5.0


@click.command()
@settings_options
@click.option(
    "--from",
    "start",
    type=START,
    help="beginning, end (the last records), a time such as 2026-03-02T09:00:00Z, or PARTITION:OFFSET.  "
    "[default: beginning; with --follow: new records]",
)
@click.option(
    "--count",
    type=click.IntRange(1, 10_000),
    help=f"Print at most this many records.  [default: {_DEFAULT_COUNT}; with --follow: no limit]",
)
@click.option("--follow", is_flag=True, help="Go on with each new record, until Ctrl-C.")
@click.option("--message-id", default="", metavar="ID", help="Print the record whose event has this messageId.")
@click.option(
    "--user",
    default="",
    metavar="ID",
    help="Print the records whose event has this userId or anonymousId, and records without an event that contain it.",
)
@plain_errors
def preview(  # noqa: PLR0913, PLR0917 - click passes options by name
    env_file: Path | None,
    schemas_dir: Path | None,
    start: Start | None,
    count: int | None,
    follow: bool,
    message_id: str,
    user: str,
) -> None:
    """Print what records would become.

    Print events as Segment would receive them, and the reason why a record would be skipped or rejected. Warn of times
    before 2000 or more than a day ahead, which were often read with a wrong unit. The command
    joins no group, commits nothing and sends nothing, so you can use it at any time. It needs the settings of `run`.
    On a terminal it prints for people, in a pipe it prints one line of JSON for each record. The output contains your
    users' answers: take care where it goes.

    A messageId of the service names the address of its record, so the record is found at once. Exit code 1 if no record
    has the messageId. `--user` reads the topic from `--from` on.

    \b
    Examples:
      sprig-to-segment preview --env-file production.env --from end
      sprig-to-segment preview --from 3:1042 --count 1
      sprig-to-segment preview --from 2026-03-02 | jq 'select(.reason) | .reason'
      sprig-to-segment preview --follow
      sprig-to-segment preview --user user-00042 --from 2026-03-02
      sprig-to-segment preview --message-id 0123456789abcdef-3-1042-1772442000000
    """
    if message_id and follow:
        raise click.UsageError("--message-id names one record: give it without --follow")
    silence_logs()
    settings = SettingsSource(env_file, schemas_dir).load()
    query = RecordQuery(message_id, user)
    with ExitStack() as closing:
        mapper = factories.blocking_record_mapper(settings, closing)
        source = _Source(settings, factories.topic_reader(settings, settings.kafka_topic, closing), mapper.map)
        address = named_address(message_id)
        if address:
            exit_with(_print_named(source, message_id, address))
        if follow:
            _print_all(islice(_follow(source, query, start or END, closing), count))
            return
        limit = count or _DEFAULT_COUNT
        printed = _print_all(select(source.reader, source.map_record, query, start or BEGINNING, limit))
    if not printed:
        click.echo(f"topic {settings.kafka_topic} has no {'such ' if query.is_search else ''}record there", err=True)
        exit_with(not message_id)
    elif query.user and printed == limit:
        click.echo(f"There may be more: only {limit:,} are printed, by --count.", err=True)


class _Source(NamedTuple):
    """Where records are read from, and what maps them."""

    settings: Settings
    reader: TopicReader
    map_record: MapRecord


def _print_all(records: Iterable[PreviewedRecord]) -> int:
    """Print each record as it comes, and a summary on a terminal. How many there were."""
    outcomes = Counter[str]()
    for record, mapped_record in records:
        outcome = _with_warnings(output.as_dict(record, mapped_record))
        outcomes[outcome["outcome"]] += 1
        output.print_outcome(outcome)
    if outcomes and sys.stdout.isatty():
        click.echo(_summary(outcomes))
    return outcomes.total()


def _print_named(source: _Source, message_id: str, address: RecordAddress) -> bool:
    """Print the record at the address that a messageId names. False if its event has another messageId."""
    topic, (partition, offset) = source.settings.kafka_topic, address
    begin = ranges_from(source.reader, address)[partition].begin
    records = list(mapped(source.reader.read({partition: OffsetRange(begin, begin + 1)}), source.map_record))
    if [previewed.record.offset for previewed in records] != [offset]:
        raise ServiceError(f"topic {topic} has no record at {address}, which the messageId names")
    _print_all(records)
    event = records[0].mapped
    present_id = loads(event.body)["messageId"] if isinstance(event, TrackEvent) else message_id
    if present_id != message_id:
        cause = "it is of another topic, write key or MESSAGE_ID_NAMESPACE, or the topic was recreated"
        print_text(f"The event at {address} has the messageId {present_id}. Yours is another one: {cause}.", err=True)
    return bool(present_id == message_id)


def _follow(source: _Source, query: RecordQuery, start: Start, closing: ExitStack) -> Iterator[PreviewedRecord]:
    """Each record from the start on that is asked for, until a signal says stop."""
    begins = {partition: span.begin for partition, span in ranges_from(source.reader, start).items()}
    stop = closing.enter_context(stop_requests(_STOP_SECONDS))
    click.echo(f"Following topic {source.settings.kafka_topic}; Ctrl-C ends it.", err=True)
    outage = ""
    for records in source.reader.follow(begins):
        if stop.is_set():
            return
        yield from filter(query.matches, mapped(records, source.map_record))
        if source.reader.outage and not outage:
            print_text(f"Waiting: {source.reader.outage}", err=True)
        outage = source.reader.outage


def _with_warnings(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome, with `warnings` if its event has times that can hardly be right."""
    if outcome["outcome"] != output.EVENT:
        return outcome
    warnings = [str(time) for time in implausible_times(outcome["call"], datetime.now(UTC))]
    return {**outcome, "warnings": warnings} if warnings else outcome


def _summary(outcomes: Counter[str]) -> str:
    kinds = []
    if outcomes[output.EVENT]:
        kinds.append(counted(outcomes[output.EVENT], "event"))
    if outcomes[output.SKIPPED]:
        kinds.append(f"{outcomes[output.SKIPPED]:,} skipped")
    if outcomes[output.REJECTED]:
        kinds.append(f"{outcomes[output.REJECTED]:,} rejected")
    return f"{counted(outcomes.total(), 'record')}: {', '.join(kinds)}"
