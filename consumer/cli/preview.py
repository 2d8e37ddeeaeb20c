"""`preview`: what records would become, without a trace: nothing is sent or committed, and no group is joined."""

import heapq
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from consumer import factories
from consumer.cli import output
from consumer.cli.implausible_times import implausible_times
from consumer.cli.output import counted
from consumer.cli.params import BEGINNING, END, START, Start, plain_errors, silence_logs
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.errors import ServiceError
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import Record, RecordAddress


@click.command()
@settings_options
@click.option(
    "--from",
    "start",
    type=START,
    default=BEGINNING,
    show_default=True,
    help="beginning, end (the last records), a time such as 2026-03-02T09:00:00Z, or PARTITION:OFFSET.",
)
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Print at most this many records."
)
@plain_errors
def preview(env_file: Path | None, schemas_dir: Path | None, start: Start, count: int) -> None:
    """Print what records would become.

    Print events as Segment would receive them, and the reason why a record would be skipped or rejected. Warn of times
    before 2000 or more than a day ahead, which were often read with a wrong unit. The command
    joins no group, commits nothing and sends nothing, so you can use it at any time. It needs the settings of `run`.
    On a terminal it prints for people, in a pipe it prints one line of JSON for each record. The output contains your
    users' answers: take care where it goes.

    \b
    Examples:
      sprig-to-segment preview --env-file production.env --from end
      sprig-to-segment preview --from 3:1042 --count 1
      sprig-to-segment preview --from 2026-03-02 | jq 'select(.reason) | .reason'
    """
    silence_logs()
    settings = SettingsSource(env_file, schemas_dir).load()
    outcomes = Counter[str]()
    with ExitStack() as closing:
        mapper = factories.blocking_record_mapper(settings, closing)
        reader = factories.topic_reader(settings, settings.kafka_topic, closing)
        for record in _select(reader, start, count):
            outcome = _with_warnings(output.as_dict(record, mapper.map(record)))
            outcomes[outcome["outcome"]] += 1
            output.print_outcome(outcome)
    if not outcomes:
        click.echo(f"topic {settings.kafka_topic} has no record there", err=True)
    elif sys.stdout.isatty():
        click.echo(_summary(outcomes))


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


def _select(reader: TopicReader, start: Start, count: int) -> Sequence[Record]:
    """The first records from `start` on, or the last ones, by time; within a partition by offset."""
    spans = reader.spans()
    if isinstance(start, RecordAddress):
        return list(reader.read({start.partition: _range_from(start, spans, count)}))
    if start == END:
        last = {partition: OffsetRange(max(begin, end - count), end) for partition, (begin, end) in spans.items()}
        return sorted(heapq.nlargest(count, reader.read(last), key=_by_time), key=_by_time)
    if isinstance(start, int):
        spans = reader.since(start, spans)
    first = {partition: OffsetRange(begin, min(end, begin + count)) for partition, (begin, end) in spans.items()}
    return heapq.nsmallest(count, reader.read(first), key=_by_time)


def _range_from(start: RecordAddress, spans: Mapping[int, OffsetRange], count: int) -> OffsetRange:
    if start.partition not in spans:
        raise ServiceError(f"there is no partition {start.partition}, but 0 to {len(spans) - 1}")
    low, high = spans[start.partition]
    if not low <= start.offset <= high:
        raise ServiceError(f"partition {start.partition} has offsets from {low} to before {high}, not {start.offset}")
    return OffsetRange(start.offset, min(high, start.offset + count))


def _by_time(record: Record) -> tuple[int, int, int]:
    return record.timestamp, record.partition, record.offset
