"""What a replay would do with dead letters."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from consumer import factories
from consumer.cli.dead_letter_spans import dead_letter_spans
from consumer.cli.deleted_dead_letters import deleted_offsets
from consumer.cli.output import with_progress
from consumer.cli.replay_history import ReplayHistory, Selection, group_of, load_history
from consumer.cli.replay_pass import ReplayPass
from consumer.cli.replay_summary import FOREIGN, NOT_SELECTED, REPLAYED, ReplaySummary
from consumer.kafka.dead_letter_headers import dead_lettered_record, parse_dead_letter
from consumer.model import MappedRecord, Record, RecordAddress, Skipped, TrackEvent
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.settings import Settings


def ignore(_address: RecordAddress) -> None:
    """For a replay that does not ask for addresses: it must not keep each of them."""


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """Which dead letters a replay sends: those that are selected and were not replayed before."""

    topic: str
    selection: Selection
    history: ReplayHistory

    note_selected: Callable[[RecordAddress], object] = ignore
    """Gets the address of the record of each dead letter that is selected, also of one that was replayed."""

    def map_record(self, mapper: RecordMapper) -> MapRecord:
        """The function that maps a record of the dead-letter topic, whose offset is committed when it is settled."""

        def map_dead_letter(stored: Record) -> MappedRecord:
            dead_letter = parse_dead_letter(stored)
            if dead_letter is None or dead_letter.topic != self.topic:
                return Skipped(FOREIGN)
            if dead_letter not in self.selection:
                return Skipped(NOT_SELECTED)
            self.note_selected(dead_letter.record.address)
            if dead_letter in self.history:
                return Skipped(REPLAYED)
            mapped = mapper.map(dead_letter.record)
            if isinstance(mapped, TrackEvent):
                return mapped._replace(record=stored)
            return mapped

        return map_dead_letter


@dataclass(frozen=True, slots=True)
class DeadLetterPlan:
    """What a replay would do with dead letters, and its pass over the dead-letter topic."""

    summary: ReplaySummary
    replay_pass: ReplayPass


def plan_dead_letters(
    settings: Settings, selection: Selection, again: bool, note_selected: Callable[[RecordAddress], object] = ignore
) -> DeadLetterPlan:
    """What a replay would do with the dead letters that are there now. Raises ServiceError."""
    summary = ReplaySummary()
    with ExitStack() as closing:
        reader = factories.topic_reader(settings, settings.dead_letter_topic, closing)
        spans = dead_letter_spans(settings, reader)
        history = ReplayHistory([]) if again or not spans else load_history(settings, selection, spans)
        replay_filter = ReplayFilter(settings.kafka_topic, selection, history)
        planning_filter = replace(replay_filter, note_selected=note_selected)
        map_record = planning_filter.map_record(factories.blocking_record_mapper(settings, closing))
        for stored in with_progress(reader.read(spans), sum(end - begin for begin, end in spans.values()), "records"):
            summary.add(map_record(stored))
    summary.deleted = deleted_offsets(spans)
    replay_pass = ReplayPass(
        topic=settings.dead_letter_topic,
        group=group_of(settings, selection),
        begins={partition: span.begin for partition, span in spans.items()} if again else {},
        ends={partition: span.end for partition, span in spans.items()},
        map_record=replay_filter.map_record,
        unwrap=dead_lettered_record,
        total=summary.to_do,
        policy=_policy(settings, has_topic=bool(spans)),
    )
    return DeadLetterPlan(summary, replay_pass)


def _policy(settings: Settings, *, has_topic: bool) -> RejectPolicy:
    """A record that is rejected again must not be lost, so it becomes a dead letter wherever there can be one."""
    if has_topic:
        return RejectPolicy("dead-letter", "dead-letter")
    return RejectPolicy(settings.on_rejected, settings.on_unknown_record)
