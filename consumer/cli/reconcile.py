"""`reconcile`: compares the records in Kafka with the messageIds that arrived behind Segment."""

import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from consumer.cli.address_file import AddressFile
from consumer.cli.message_ids import MessageIdSet, read_message_ids
from consumer.cli.output import counted, print_command, print_json, print_text, table
from consumer.cli.params import TIME, as_json, exit_with, plain_errors, silence_logs
from consumer.cli.record_states import MISSING, STATES, TimeRange, record_states
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.model import Record

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
@click.option(
    "--missing-file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the addresses of the missing records to this file, for `dead-letters replay --only`.",
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
    missing_file: Path | None,
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
      sprig-to-segment reconcile --from 2026-03-02 --delivered tracks.csv.gz \\
        --missing-file missing.txt
      bq query --format csv 'SELECT id FROM ...' |
        sprig-to-segment reconcile --from 2026-03-02 --delivered - --missing
    """
    silence_logs()
    time_range = _time_range(begin, end)
    source = SettingsSource(env_file, schemas_dir)
    settings = source.load()
    quiet = list_missing and sys.stdout.isatty()  # a bar would be between the lines
    delivered_ids = MessageIdSet(read_message_ids(delivered, column))
    counts = Counts()
    with ExitStack() as closing:
        file = closing.enter_context(AddressFile(missing_file, settings.kafka_topic)) if missing_file else None
        for record, state in record_states(settings, time_range, delivered_ids, closing, quiet):
            counts[record.partition, record.timestamp // _HOUR, state] += 1
            if list_missing and state == MISSING:
                _print_missing(record)
            if file and state == MISSING:
                file.add(record.address)
    totals = Counter[str]()
    for (_, _, state), number in counts.items():
        totals[state] += number
    if as_json:
        print_json({"total": {state: totals[state] for state in STATES}, "hours": _hours(counts)})
    elif not list_missing:
        _print_table(counts, totals, len(delivered_ids))
    if missing_file:
        _say_what_to_do(missing_file, totals[MISSING], source)
    exit_with(not totals[MISSING])


def _time_range(begin: int, end: int | None) -> TimeRange:
    """`end` is now if it is not given. Raises BadParameter for a range without records."""
    now = int(time.time() * 1000)
    if end is None and begin >= now:
        raise click.BadParameter("must be in the past", param_hint="--from")
    if end is not None and end <= begin:
        raise click.BadParameter("must be after --from", param_hint="--to")
    return TimeRange(begin, now if end is None else end)


def _print_missing(record: Record) -> None:
    if sys.stdout.isatty():
        click.echo(str(record.address))
    else:
        print_json({"partition": record.partition, "offset": record.offset})


def _say_what_to_do(missing_file: Path, missing: int, source: SettingsSource) -> None:
    text = f"{missing_file} has {counted(missing, 'missing record')}."
    if not missing:
        print_text(text, err=True)
        return
    print_text(f"{text} See what would be sent again:", err=True)
    words = ["dead-letters", "replay", *source.options(), "--only", str(missing_file)]
    print_command(shlex.join(words), err=True)


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
