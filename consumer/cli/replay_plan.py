"""What a replay would do, and what it did, in numbers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.cli.dead_letter_filter import Choice
from consumer.cli.progress import followed
from consumer.cli.replay_history import Memory
from consumer.cli.terminal import table
from consumer.kafka.letters import opened
from consumer.kafka.topic_reader import Reader, Span
from consumer.model import Call, Message, Skipped, Translate, Translation, Unprocessable
from consumer.observability.snapshot import Counts
from consumer.pipeline.record_processor import Translator

FOREIGN, NOT_MEANT, BEFORE = "no letter of this topic", "not chosen", "replayed before"
_PASSED = (FOREIGN, NOT_MEANT, BEFORE)


@dataclass(slots=True)
class Account:
    """Letters that go to Segment, that are set aside again or skipped by the contract, and that are passed over."""

    sent: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, counts: Counts) -> "Account":
        """What the service counted while it replayed."""
        passed = Counter({why: counts.skipped[why] for why in _PASSED})
        return cls(counts.delivered, counts.dead_lettered, counts.skipped - passed, passed)

    @property
    def to_do(self) -> int:
        return self.sent + self.set_aside.total() + self.skipped.total()

    def add(self, made: Translation) -> None:
        match made:
            case Call():
                self.sent += 1
            case Skipped(reason) if reason in _PASSED:
                self.passed[reason] += 1
            case Skipped(reason):
                self.skipped[reason] += 1
            case Unprocessable(reason):
                self.set_aside[reason] += 1

    def told(self) -> Mapping[str, Any]:
        return {
            "sent": self.sent,
            "set_aside": dict(self.set_aside),
            "skipped": dict(self.skipped),
            "passed": {why: number for why, number in self.passed.items() if number},
        }

    def show(self) -> None:
        rows = [
            ("sent to Segment", self.sent, ""),
            *(("set aside again", number, reason) for reason, number in sorted(self.set_aside.items())),
            *(("skipped", number, reason) for reason, number in sorted(self.skipped.items())),
            *(("passed over", number, why) for why, number in self.passed.items() if number),
        ]
        table(
            "Replay of dead letters", ("", "letters", ""), [(name, f"{number:,}", what) for name, number, what in rows]
        )


@dataclass(frozen=True, slots=True)
class Meant:
    """Which letters a replay is for."""

    topic: str
    choice: Choice
    memory: Memory

    def translate(self, translator: Translator) -> Translate:
        """What becomes of a letter. A call stays tied to the letter, whose offset is committed when it is settled."""

        def translated(message: Message) -> Translation:
            letter = opened(message)
            if letter is None or letter.topic != self.topic:
                return Skipped(FOREIGN)
            if letter not in self.choice:
                return Skipped(NOT_MEANT)
            if letter in self.memory:
                return Skipped(BEFORE)
            made = translator.translate(letter.record)
            return made._replace(message=message) if isinstance(made, Call) else made

        return translated


def planned(reader: Reader, spans: Mapping[int, Span], meant: Meant, translator: Translator) -> Account:
    """What would become of all letters. Raises ServiceError."""
    account, translate = Account(), meant.translate(translator)
    total = sum(end - begin for begin, end in spans.values())
    for message in followed(reader.read(spans), total, "letters"):
        account.add(translate(message))
    return account
