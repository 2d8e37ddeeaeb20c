"""What became of the records of a time: delivered, skipped, dead-lettered, waiting or missing."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from consumer import factories
from consumer.cli.dead_letter_spans import dead_letter_spans
from consumer.cli.message_ids import MessageIdSet
from consumer.cli.output import with_progress
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


def record_states(
    settings: Settings, times: TimeRange, delivered: MessageIdSet, closing: ExitStack, quiet: bool
) -> Iterator[tuple[Record, str]]:
    """Each record of these times with its state, while a bar shows the progress, unless it must be `quiet`."""
    dead_letters = factories.topic_reader(settings, settings.dead_letter_topic, closing)
    dead_lettered = MessageIdSet(_dead_lettered_addresses(settings, dead_letters))
    reader = factories.topic_reader(settings, settings.kafka_topic, closing)
    mapper = factories.blocking_record_mapper(settings, closing)
    spans = reader.spans()
    committed = reader.committed(spans)
    classifier = _Classifier(mapper, delivered, dead_lettered, committed, settings.on_rejected == "skip")
    ranges = reader.between(times.begin, times.end, spans)
    total = sum(max(0, end - begin) for begin, end in ranges.values())
    for record in with_progress(reader.read(ranges), total, "records", quiet):
        if times.begin <= record.timestamp < times.end:
            yield record, classifier.state(record)


def _dead_lettered_addresses(settings: Settings, reader: TopicReader) -> Iterator[str]:
    spans = dead_letter_spans(settings, reader)
    total = sum(end - begin for begin, end in spans.values())
    for stored in with_progress(reader.read(spans), total, "dead letters"):
        dead_letter = parse_dead_letter(stored)
        if dead_letter and dead_letter.topic == settings.kafka_topic:
            yield str(dead_letter.record.address)
