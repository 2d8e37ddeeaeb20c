"""What a dry run of `run` found, for people and for scripts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.cli.output import label, table
from consumer.model import RecordAddress
from consumer.observability.snapshot import Block, Counters
from consumer.reasons import block_meaning, reject_meaning


class FirstRejection(NamedTuple):
    """The first record that was rejected for a reason, and why."""

    address: RecordAddress
    detail: str


class DryRunResult(NamedTuple):
    """
    What `run` would do: `counters` count what would be sent, skipped and rejected.

    `rejections` has the first record of each reason. `waiting` records are behind a block. `complete`: all partitions
    were read to their end, or are blocked.
    """

    events: Mapping[str, int]
    counters: Counters
    rejections: Mapping[str, FirstRejection]
    blocks: Sequence[Block]
    waiting: int
    complete: bool

    def as_dict(self) -> Mapping[str, Any]:
        return {
            "sent": self.counters.delivered,
            "sent_by_environment": self.events,
            "skipped": self.counters.skipped,
            "rejected": self.counters.dead_lettered,
            "first_rejected": {
                reason: {"partition": first.address.partition, "offset": first.address.offset, "detail": first.detail}
                for reason, first in self.rejections.items()
            },
            "blocked": [
                {"target": block.target, "reason": block.reason, "records": block.records} for block in self.blocks
            ],
            "waiting": self.waiting,
            "done": self.complete,
        }

    def print_table(self) -> None:
        rows = [(action, f"{number:,}", text) for action, number, text in self._rows()]
        notes = [f"{block.target} would be blocked: {_describe(block)}" for block in self.blocks]
        if not self.complete:
            notes.append("Stopped before the end: the numbers are not complete.")
        table("What `run` would do", ("", "records", ""), rows, notes)

    def _rows(self) -> Iterator[tuple[str, int, str]]:
        for environment, number in sorted(self.events.items()):
            yield "would be sent", number, environment
        if not self.events:
            yield "would be sent", 0, ""
        for reason, number in sorted(self.counters.skipped.items()):
            yield "would be skipped", number, self._text(reason)
        for reason, number in sorted(self.counters.dead_lettered.items()):
            yield "would be rejected", number, self._text(reason)
        if self.waiting:
            yield "would wait", self.waiting, "behind a block, of the records that were read"

    def _text(self, reason: str) -> str:
        first = self.rejections.get(reason)
        if first is None:
            return reason
        return f"{reason}: {label(reject_meaning(reason), first.detail, '; ')}; the first is {first.address}"


def _describe(block: Block) -> str:
    texts = [block.reason, block_meaning(block.reason), block.detail]
    if block.records:
        texts.append(f"at {block.records}")
    if block.settings:
        texts.append(f"look at {block.settings}")
    return "; ".join(filter(None, texts))
