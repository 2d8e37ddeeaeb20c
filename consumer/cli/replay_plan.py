"""What a replay would do with dead letters."""

from contextlib import ExitStack
from dataclasses import dataclass

from consumer import factories
from consumer.cli.deleted_dead_letters import deleted_offsets
from consumer.cli.output import with_progress
from consumer.cli.replay_history import ReplayHistory, Selection, group_of, load_history
from consumer.cli.replay_pass import ReplayPass
from consumer.cli.replay_summary import FOREIGN, NOT_SELECTED, REPLAYED, ReplaySummary
from consumer.kafka.dead_letter_headers import dead_lettered_record, parse_dead_letter
from consumer.model import MappedRecord, Record, RecordAddress, Skipped, TrackEvent
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """Which dead letters a replay sends: those that are selected and were not replayed before."""

    topic: str
    selection: Selection
    history: ReplayHistory

    def map_record(self, mapper: RecordMapper) -> MapRecord:
        """The function that maps a record of the dead-letter topic, whose offset is committed when it is settled."""

        def map_dead_letter(stored: Record) -> MappedRecord:
            dead_letter = parse_dead_letter(stored)
            if dead_letter is None or dead_letter.topic != self.topic:
                return Skipped(FOREIGN)
            if dead_letter not in self.selection:
                return Skipped(NOT_SELECTED)
            if dead_letter in self.history:
                return Skipped(REPLAYED)
            mapped = mapper.map(dead_letter.record)
            if isinstance(mapped, TrackEvent):
                return mapped._replace(record=stored)
            return mapped

        return map_dead_letter


@dataclass(frozen=True, slots=True)
class DeadLetterPlan:
    """The pass over the dead-letter topic. `addresses`: of the records whose dead letters are selected."""

    summary: ReplaySummary
    replay_pass: ReplayPass
    addresses: frozenset[RecordAddress]


def plan_dead_letters(settings: Settings, selection: Selection, again: bool) -> DeadLetterPlan:
    """What a replay would do with the dead letters that are there now. Raises ServiceError."""
    summary, addresses = ReplaySummary(), set()
    with ExitStack() as closing:
        reader = factories.topic_reader(settings, settings.dead_letter_topic, closing)
        spans = reader.spans()
        history = ReplayHistory([]) if again else load_history(settings, selection, spans)
        replay_filter = ReplayFilter(settings.kafka_topic, selection, history)
        map_record = replay_filter.map_record(factories.blocking_record_mapper(settings, closing))
        for stored in with_progress(reader.read(spans), sum(end - begin for begin, end in spans.values()), "records"):
            summary.add(map_record(stored))
            dead_letter = parse_dead_letter(stored)
            if dead_letter and dead_letter.topic == settings.kafka_topic and dead_letter in selection:
                addresses.add(dead_letter.record.address)
    summary.deleted = deleted_offsets(spans)
    replay_pass = ReplayPass(
        topic=settings.dead_letter_topic,
        group=group_of(settings, selection),
        begins={partition: span.begin for partition, span in spans.items()} if again else {},
        ends={partition: span.end for partition, span in spans.items()},
        map_record=replay_filter.map_record,
        unwrap=dead_lettered_record,
        total=summary.to_do,
    )
    return DeadLetterPlan(summary, replay_pass, frozenset(addresses))
