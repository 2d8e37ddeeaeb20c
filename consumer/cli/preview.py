"""`preview`: what would become of records, without a trace: nothing is sent, committed or joined."""

import heapq
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

import consumer.settings
from consumer import app
from consumer.cli import output
from consumer.cli.param_types import END, Address, Start
from consumer.cli.params import silent
from consumer.cli.terminal import counted
from consumer.errors import ServiceError
from consumer.kafka.topic_reader import Reader, Span
from consumer.model import Message


def main(env_file: Path | None, start: Start, count: int) -> None:
    """Print what would become of at most `count` records. Raises UsageError, and ServiceError for what Kafka says."""
    silent()
    settings = consumer.settings.load(env_file)
    with ExitStack() as closing:
        translator = app.translator_at_once(settings, closing)
        reader = app.reader(settings, settings.kafka_topic, closing)
        seen = Counter[str]()
        for message in _chosen(reader, start, count):
            it = output.told(message, translator.translate(message))
            seen[it["outcome"]] += 1
            output.show(it)
    if not seen:
        click.echo(f"topic {settings.kafka_topic} has no record there", err=True)
    elif sys.stdout.isatty():
        calls = [counted(seen[output.CALL], "call")] if seen[output.CALL] else []
        others = (output.SKIPPED, output.SET)
        kinds = ", ".join(calls + [f"{seen[kind]:,} {kind.replace('_', ' ')}" for kind in others if seen[kind]])
        click.echo(f"{counted(seen.total(), 'record')}: {kinds}")


def _chosen(reader: Reader, start: Start, count: int) -> Sequence[Message]:
    """The first, or with `end` the last, by time; of each partition in the order of its offsets."""
    spans = reader.spans()
    if isinstance(start, Address):
        return list(reader.read({start.partition: _from(start, spans, count)}))
    if isinstance(start, int):
        spans = reader.since(start, spans)
    if start == END:
        last = {number: Span(max(begin, end - count), end) for number, (begin, end) in spans.items()}
        return sorted(heapq.nlargest(count, reader.read(last), key=_when), key=_when)
    first = {number: Span(begin, min(end, begin + count)) for number, (begin, end) in spans.items()}
    return heapq.nsmallest(count, reader.read(first), key=_when)


def _from(start: Address, spans: Mapping[int, Span], count: int) -> Span:
    if start.partition not in spans:
        raise ServiceError(f"there is no partition {start.partition}, but 0 to {len(spans) - 1}")
    low, high = spans[start.partition]
    if not low <= start.offset <= high:
        raise ServiceError(f"partition {start.partition} has offsets from {low} to before {high}, not {start.offset}")
    return Span(start.offset, min(high, start.offset + count))


def _when(message: Message) -> tuple[int, int, int]:
    return message.timestamp, message.partition, message.offset
