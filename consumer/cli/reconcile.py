"""`reconcile`: compares the records in Kafka with the messageIds that arrived behind Segment."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from consumer import factories
from consumer.cli.message_ids import MessageIdSet, read_message_ids
from consumer.cli.output import counted, print_json, table, with_progress
from consumer.cli.params import TIME, as_json, exit_with, plain_errors, silence_logs
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.jsonio import loads
from consumer.kafka.dead_letter_headers import parse_dead_letter
from consumer.kafka.topic_reader import TopicReader
from consumer.model import Record, Skipped, TrackEvent
from consumer.pipeline.record_mapper import RecordMapper
from consumer.settings import Settings

DELIVERED, SKIPPED, DEAD_LETTERED, WAITING, MISSING = STATES = (
    "delivered",
    "skipped",
    "dead-lettered",
    "waiting",
    "missing",
)
"""The state of a record; also keys in JSON."""

_HOUR = 3_600_000  # ms

Counts = Counter[tuple[int, int, str]]
"""The number of records by partition, hour since 1970 and state."""


@click.command()
@settings_options
@click.option("--from", "begin", type=TIME, required=True, help="Records of this time or later, such as 2026-03-02.")
@click.option("--to", "end", type=TIME, help="Records from before this time.  [default: now]")
@click.option(
    "--delivered",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="messageIds that arrived: CSV, JSON lines or bare ids, gzipped or not; - is standard input.",
)
@click.option("--column", help="The column or field of the messageIds.  [default: messageId, message_id or id]")
@click.option(
    "--missing", "list_missing", is_flag=True, help="Print the missing records, one a line, in place of the table."
)
@as_json("table")
@plain_errors
def reconcile(  # noqa: PLR0913, PLR0917 - click passes options by name
    env_file: Path | None,
    schemas_dir: Path | None,
    begin: int,
    end: int | None,
    delivered: Path,
    column: str | None,
    list_missing: bool,
    as_json: bool,
) -> None:
    """Report which records were delivered and which are missing.

    Compare the records in Kafka with the messageIds that arrived behind Segment, in a warehouse or a bucket. The
    command reads the topic again and counts for each partition and hour how many records were delivered, skipped by a
    rule, dead-lettered, are waiting (not committed yet) or are missing. It needs the settings of `run` and the
    contract in force at that time. Segment's warehouses have the messageId as `id`. Exit code 1 if a record is
    missing.

    \b
    Examples:
      sprig-to-segment reconcile --from 2026-03-02 --delivered tracks.csv.gz
      bq query --format csv 'SELECT id FROM ...' |
        sprig-to-segment reconcile --from 2026-03-02 --delivered - --missing
    """
    silence_logs()
    if end is None:
        end = int(time.time() * 1000)
    settings = SettingsSource(env_file, schemas_dir).load()
    delivered_ids = MessageIdSet(read_message_ids(delivered, column))
    counts = Counts()
    with ExitStack() as closing:
        for record, state in _states(settings, TimeRange(begin, end), delivered_ids, closing):
            counts[record.partition, record.timestamp // _HOUR, state] += 1
            if list_missing and state == MISSING:
                _print_missing(record)
    totals = Counter[str]()
    for (_, _, state), number in counts.items():
        totals[state] += number
    if as_json:
        print_json({"total": {state: totals[state] for state in STATES}, "hours": _hours(counts)})
    elif not list_missing:
        _print_table(counts, totals, len(delivered_ids))
    exit_with(not totals[MISSING])


class TimeRange(NamedTuple):
    """From `begin` to before `end`, in ms since 1970."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class _Classifier:
    """
    Tells the state of a record.

    `delivered`: the messageIds behind Segment. `dead_lettered`: the addresses in the dead-letter topic. `committed`:
    the group's committed offsets by partition.
    """

    mapper: RecordMapper
    delivered: MessageIdSet
    dead_lettered: MessageIdSet
    committed: Mapping[int, int]
    skips_rejected: bool

    def state(self, record: Record) -> str:
        mapped = self.mapper.map(record)
        if isinstance(mapped, Skipped):
            return SKIPPED
        if isinstance(mapped, TrackEvent) and str(loads(mapped.body)["messageId"]) in self.delivered:
            return DELIVERED
        if str(record.address) in self.dead_lettered:
            return DEAD_LETTERED
        if record.offset >= self.committed[record.partition]:
            return WAITING
        if self.skips_rejected and not isinstance(mapped, TrackEvent):
            return SKIPPED
        return MISSING


def _states(
    settings: Settings, times: TimeRange, delivered: MessageIdSet, closing: ExitStack
) -> Iterator[tuple[Record, str]]:
    """Each record of these times with its state, while a bar shows the progress."""
    dead_letters = factories.topic_reader(settings, settings.dead_letter_topic, closing)
    dead_lettered = MessageIdSet(_dead_lettered_addresses(settings, dead_letters))
    reader = factories.topic_reader(settings, settings.kafka_topic, closing)
    mapper = factories.blocking_record_mapper(settings, closing)
    spans = reader.spans()
    committed = reader.committed(spans)
    classifier = _Classifier(mapper, delivered, dead_lettered, committed, settings.on_rejected == "skip")
    ranges = reader.between(times.begin, times.end, spans)
    total = sum(max(0, end - begin) for begin, end in ranges.values())
    for record in with_progress(reader.read(ranges), total, "records"):
        if times.begin <= record.timestamp < times.end:
            yield record, classifier.state(record)


def _dead_lettered_addresses(settings: Settings, reader: TopicReader) -> Iterator[str]:
    spans = reader.spans()
    total = sum(end - begin for begin, end in spans.values())
    for stored in with_progress(reader.read(spans), total, "dead letters"):
        dead_letter = parse_dead_letter(stored)
        if dead_letter and dead_letter.topic == settings.kafka_topic:
            yield str(dead_letter.record.address)


def _print_missing(record: Record) -> None:
    if sys.stdout.isatty():
        click.echo(str(record.address))
    else:
        print_json({"partition": record.partition, "offset": record.offset})


def _rows(counts: Counts) -> Iterator[tuple[int, str, dict[str, int]]]:
    """Partition, hour as text, and the number of records by state."""
    for partition, hour in sorted({(partition, hour) for partition, hour, _ in counts}):
        hour_text = datetime.fromtimestamp(hour * _HOUR / 1000, UTC).strftime("%Y-%m-%dT%H:00Z")
        yield partition, hour_text, {state: counts[partition, hour, state] for state in STATES}


def _hours(counts: Counts) -> list[dict[str, object]]:
    return [{"partition": partition, "hour": hour, **states} for partition, hour, states in _rows(counts)]


def _print_table(counts: Counts, totals: Mapping[str, int], delivered_ids: int) -> None:
    rows = [(str(partition), hour, *_cells(states)) for partition, hour, states in _rows(counts)]
    rows.append(("all", "", *_cells(totals)))
    notes = [f"{counted(delivered_ids, 'messageId')} in the file"]
    table("Records in Kafka, compared with what arrived", ("partition", "hour", *STATES), rows, notes)


def _cells(states: Mapping[str, int]) -> list[str]:
    return [f"{states[state]:,}" for state in STATES]
