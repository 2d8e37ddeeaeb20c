"""`dead-letters list` and `show`: which records were rejected, why, and what they would become now."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import consumer.settings
from consumer import factories
from consumer.cli import dead_letter_details, output
from consumer.cli.dead_letter_filter import DeadLetterFilter, filter_options, from_options
from consumer.cli.deleted_dead_letters import DELETED, deleted_offsets, describe_deleted
from consumer.cli.output import counted, table, with_progress
from consumer.cli.params import ADDRESS, ENV_FILE, as_json, plain_errors, silence_logs
from consumer.cli.replay_history import load_history
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.errors import ServiceError
from consumer.kafka.dead_letter_headers import StoredDeadLetter, parse_dead_letter
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import RecordAddress
from consumer.reasons import reject_meaning
from consumer.settings import Settings

READ_SETTINGS = (
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_TOPIC",
    "KAFKA_GROUP_ID",
    "KAFKA_CONFIG",
    "KAFKA_MSK_REGION",
    "DEAD_LETTER_TOPIC",
)


@click.command("list")
@ENV_FILE
@filter_options
@click.option("--each", is_flag=True, help="Print a line for each dead letter in place of the table.")
@as_json("table")
@plain_errors
def list_reasons(env_file: Path | None, each: bool, as_json: bool, **selection: Any) -> None:
    """Count the dead letters by reason.

    For each reason, print the times of the first and the last record, how many dead letters were replayed, and the
    address of the latest record. A record that was read twice may have two dead letters. If Kafka deleted dead letters,
    say from which offsets on the topic has them (in JSON: `deleted_offsets`, by partition). Nothing is changed, and no
    write key is needed.

    A line of `--each` has the address of the record, its time, the reason, whether the dead letter was replayed, and
    the messageId and the name of the event if Segment refused an event; - is for what is not known. `replay --only`
    reads such lines. With `--json` each line is JSON.

    \b
    Examples:
      sprig-to-segment dead-letters list
      sprig-to-segment dead-letters list --since 2026-03-02 --partition 3 --json
      sprig-to-segment dead-letters list --reason http_400 --each
    """
    silence_logs()
    dead_letter_filter = from_options(**selection)
    settings = consumer.settings.load(env_file, only=READ_SETTINGS)
    summaries: dict[str, ReasonSummary] = {}
    with ExitStack() as closing:
        reader = factories.topic_reader(settings, settings.dead_letter_topic, closing)
        spans = reader.spans()
        history = load_history(settings, DeadLetterFilter(), spans)
        for dead_letter in _read(settings, reader, spans, dead_letter_filter, quiet=each and sys.stdout.isatty()):
            summary = summaries.setdefault(dead_letter.rejected.reason, ReasonSummary())
            summary.add(dead_letter, dead_letter in history)
            if each:
                dead_letter_details.print_line(dead_letter, dead_letter in history, as_json)
    if each:
        _print_end_of_lines(summaries, describe_deleted(deleted_offsets(spans)))
        return
    summaries = dict(sorted(summaries.items(), key=lambda item: -item[1].dead_letters))
    if as_json:
        report: dict[str, Any] = {reason: summary.as_dict() for reason, summary in summaries.items()}
        if deleted := deleted_offsets(spans):
            report[DELETED] = deleted
        output.print_json(report)
    else:
        _print_table(settings.dead_letter_topic, summaries, describe_deleted(deleted_offsets(spans)))


@click.command()
@settings_options
@click.argument("address", type=ADDRESS)
@as_json("report")
@plain_errors
def show(env_file: Path | None, schemas_dir: Path | None, address: RecordAddress, as_json: bool) -> None:
    """Show one rejected record.

    Print the record as far as it can be decoded, what went wrong and at which stage, and what the record would become
    with the present settings and contracts. PARTITION:OFFSET is the record's address in KAFKA_TOPIC, as in logs and in
    `dead-letters list`. The output contains your users' answers: take care where it goes.

    \b
    Example:
      sprig-to-segment dead-letters show 3:1042
    """
    silence_logs()
    settings = SettingsSource(env_file, schemas_dir).load()
    offsets = (address.offset, address.offset + 1)
    dead_letter_filter = DeadLetterFilter(partitions=frozenset([address.partition]), offsets=offsets)
    with ExitStack() as closing:
        reader = factories.topic_reader(settings, settings.dead_letter_topic, closing)
        spans = reader.spans()
        dead_letters = list(_read(settings, reader, spans, dead_letter_filter))
        if not dead_letters:
            absence = f"{settings.dead_letter_topic} has no dead letter of {settings.kafka_topic} {address}"
            raise ServiceError("\n".join([absence, *describe_deleted(deleted_offsets(spans))]))
        stages = factories.blocking_decode_stages(settings, closing)
        mapper = factories.record_mapper(settings, stages)
        reports = [dead_letter_details.as_dict(dead_letter, stages, mapper) for dead_letter in dead_letters]
    for report in reports:
        if as_json:
            output.print_json(report)
        else:
            dead_letter_details.print_details(report)


@dataclass(slots=True)
class ReasonSummary:
    """The dead letters with one reason: numbers, and times of their records in ms since 1970."""

    dead_letters: int = 0
    replayed: int = 0
    first: int = 2**63
    last: int = -1
    partitions: Counter[int] = field(default_factory=Counter)
    latest: str = ""

    def add(self, dead_letter: StoredDeadLetter, replayed: bool) -> None:
        record = dead_letter.record
        self.dead_letters += 1
        self.replayed += replayed
        self.partitions[record.partition] += 1
        self.first = min(self.first, record.timestamp)
        if record.timestamp >= self.last:
            self.last, self.latest = record.timestamp, str(record.address)

    def as_dict(self) -> Mapping[str, Any]:
        return {
            "letters": self.dead_letters,
            "replayed": self.replayed,
            "first": output.iso_time(self.first),
            "last": output.iso_time(self.last),
            "partitions": {str(partition): count for partition, count in sorted(self.partitions.items())},
            "latest": self.latest,
        }

    def row(self, reason: str) -> tuple[str, ...]:
        counts = f"{self.dead_letters:,}", f"{self.replayed:,}"
        return (reason, *counts, _time(self.first), _time(self.last), self.latest, reject_meaning(reason))


def _read(
    settings: Settings,
    reader: TopicReader,
    spans: Mapping[int, OffsetRange],
    dead_letter_filter: DeadLetterFilter,
    quiet: bool = False,
) -> Iterator[StoredDeadLetter]:
    """The selected dead letters of KAFKA_TOPIC, while a bar shows the progress, unless it must be `quiet`."""
    total = sum(end - begin for begin, end in spans.values())
    for stored in with_progress(reader.read(spans), total, "dead letters", quiet):
        dead_letter = parse_dead_letter(stored)
        if dead_letter and dead_letter.topic == settings.kafka_topic and dead_letter in dead_letter_filter:
            yield dead_letter


def _print_end_of_lines(summaries: Mapping[str, ReasonSummary], notes: Sequence[str]) -> None:
    """On standard error, so that a file has nothing but lines of dead letters."""
    total = sum(summary.dead_letters for summary in summaries.values())
    for text in (counted(total, "dead letter"), *notes):
        output.print_text(text, err=True)


def _print_table(topic: str, summaries: Mapping[str, ReasonSummary], notes: Sequence[str]) -> None:
    total = sum(summary.dead_letters for summary in summaries.values())
    columns = ("reason", "dead letters", "replayed", "first record", "last record", "latest", "meaning")
    rows = [summary.row(reason) for reason, summary in summaries.items()]
    table(f"{topic}: {counted(total, 'dead letter')}", columns, rows, notes)


def _time(millis: int) -> str:
    return (output.iso_time(millis) or "-")[:19].replace("T", " ")
