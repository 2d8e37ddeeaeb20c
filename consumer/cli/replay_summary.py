"""What a replay would do, and what it did, in numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.cli.deleted_dead_letters import DELETED, describe_deleted
from consumer.cli.output import table
from consumer.model import MappedRecord, Rejected, Skipped, TrackEvent
from consumer.observability.snapshot import Counters

FOREIGN, NOT_SELECTED, REPLAYED = "no letter of this topic", "not chosen", "replayed before"
GONE, ABSENT, WAITING = "deleted by Kafka", "no such record", "not delivered yet"
"""Why a record is passed over; keys in JSON. A record that is GONE or ABSENT cannot be sent by anybody."""

_PASSED_OVER = {
    FOREIGN: "no dead letter of this topic",
    NOT_SELECTED: "not selected",
    REPLAYED: "replayed before",
    GONE: "gone: Kafka deleted the record, by the retention of the topic",
    ABSENT: "the topic has no record at this address",
    WAITING: "the service has not come to the record yet, and will send it",
}
_ACTIONS = "sent to Segment", "rejected again", "skipped", "passed over"
_PLANNED_ACTIONS = tuple(f"would be {action}" for action in _ACTIONS)


@dataclass(slots=True)
class ReplaySummary:
    """
    Numbers of records: sent to Segment, rejected again or skipped by the contract, and passed over.

    `deleted` has the offsets that the dead-letter topic lacks, by partition.
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

    @property
    def unsendable(self) -> int:
        """Records that were asked for and are nowhere any more."""
        return self.passed_over[GONE] + self.passed_over[ABSENT]

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

    def print_table(self, planned: bool) -> None:
        """`planned`: nothing was done so far, and the table says what would be done."""
        actions = _PLANNED_ACTIONS if planned else _ACTIONS
        rows = [(action, f"{number:,}", reason) for action, number, reason in self._rows(*actions)]
        title = "Replay, as it would be" if planned else "Replay"
        table(title, ("", "records", ""), rows, describe_deleted(self.deleted))

    def _rows(self, sent: str, rejected: str, skipped: str, passed_over: str) -> Iterator[tuple[str, int, str]]:
        yield sent, self.sent, ""
        for reason, number in sorted(self.rejected.items()):
            yield rejected, number, reason
        for reason, number in sorted(self.skipped.items()):
            yield skipped, number, reason
        for reason, number in self.passed_over.items():
            if number:
                yield passed_over, number, _PASSED_OVER[reason]


def total_of(summaries: Iterable[ReplaySummary]) -> ReplaySummary:
    """The sum of what several passes did, without what they passed over."""
    total = ReplaySummary()
    for summary in summaries:
        total.sent += summary.sent
        total.rejected.update(summary.rejected)
        total.skipped.update(summary.skipped)
    return total
