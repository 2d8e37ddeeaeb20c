"""What a replay would do, and what it did, in numbers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.cli.dead_letter_filter import DeadLetterFilter
from consumer.cli.deleted_dead_letters import DELETED, deleted_offsets, describe_deleted
from consumer.cli.output import table, with_progress
from consumer.cli.replay_history import ReplayHistory
from consumer.kafka.dead_letter_headers import parse_dead_letter
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import MappedRecord, Record, Rejected, Skipped, TrackEvent
from consumer.observability.snapshot import Counters
from consumer.pipeline.record_mapper import MapRecord, RecordMapper

FOREIGN, NOT_SELECTED, REPLAYED = "no letter of this topic", "not chosen", "replayed before"
"""Why a record of the dead-letter topic is passed over; keys in JSON."""

_PASSED_OVER = {
    FOREIGN: "no dead letter of this topic",
    NOT_SELECTED: "not selected",
    REPLAYED: "replayed before",
}


@dataclass(slots=True)
class ReplaySummary:
    """
    Numbers of dead letters: sent to Segment, rejected again or skipped by the contract, and passed over.

    `deleted` has the offsets that the topic lacks, by partition.
    """

    sent: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    deleted: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, counters: Counters) -> "ReplaySummary":
        """What the service counted while it replayed."""
        passed_over = Counter({reason: counters.skipped[reason] for reason in _PASSED_OVER})
        return cls(counters.delivered, counters.dead_lettered, counters.skipped - passed_over, passed_over)

    @property
    def to_do(self) -> int:
        return self.sent + self.rejected.total() + self.skipped.total()

    def add(self, mapped: MappedRecord) -> None:
        match mapped:
            case TrackEvent():
                self.sent += 1
            case Skipped(reason) if reason in _PASSED_OVER:
                self.passed_over[reason] += 1
            case Skipped(reason):
                self.skipped[reason] += 1
            case Rejected(reason):
                self.rejected[reason] += 1

    def as_dict(self) -> Mapping[str, Any]:
        return {
            "sent": self.sent,
            "set_aside": dict(self.rejected),
            "skipped": dict(self.skipped),
            "passed": {reason: number for reason, number in self.passed_over.items() if number},
            DELETED: self.deleted,
        }

    def print_table(self) -> None:
        rows = [(name, f"{number:,}", reason) for name, number, reason in self._rows()]
        table("Replay of dead letters", ("", "dead letters", ""), rows, describe_deleted(self.deleted))

    def _rows(self) -> Iterator[tuple[str, int, str]]:
        yield "sent to Segment", self.sent, ""
        for reason, number in sorted(self.rejected.items()):
            yield "rejected again", number, reason
        for reason, number in sorted(self.skipped.items()):
            yield "skipped", number, reason
        for reason, number in self.passed_over.items():
            if number:
                yield "passed over", number, _PASSED_OVER[reason]


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """Which dead letters a replay sends: those that are selected and were not replayed before."""

    topic: str
    selection: DeadLetterFilter
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


def plan_replay(
    reader: TopicReader, spans: Mapping[int, OffsetRange], replay_filter: ReplayFilter, mapper: RecordMapper
) -> ReplaySummary:
    """What a replay would do. Raises ServiceError."""
    summary, map_record = ReplaySummary(deleted=deleted_offsets(spans)), replay_filter.map_record(mapper)
    total = sum(end - begin for begin, end in spans.values())
    for stored in with_progress(reader.read(spans), total, "dead letters"):
        summary.add(map_record(stored))
    return summary
