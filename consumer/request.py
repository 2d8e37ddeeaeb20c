"""The values of delivery: what a lane gives out, parts that travel together, requests, and what comes of them."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from consumer.model import Call, Letter, WriteKey


@dataclass(eq=False, slots=True)
class Part:
    """
    Consecutive calls of one lane with one write key, under way together.

    `alone` bars it from sharing a request, `revoked` says that its lane is gone and that no answer counts any more.
    Of a part that fails while others with its key succeed, `strikes` counts those failures, the last of them at
    `struck_at`, for which it waited `stuck_for` seconds in all; it is not sent again until `not_before`. Times in
    monotonic seconds.
    """

    partition: int
    key: WriteKey
    calls: tuple[Call, ...]
    attempts: int = 0
    alone: bool = False
    revoked: bool = False
    failed_at: float | None = None
    stuck_for: float = 0.0
    strikes: int = 0
    struck_at: float | None = None
    not_before: float = 0.0
    size: int = field(init=False)
    """Bytes of its calls in a request body, separators included."""
    weight: int = field(init=False)
    """Bytes that holding it takes, with the records that its calls are made of."""

    def __post_init__(self) -> None:
        self.size = sum([len(call.body) for call in self.calls]) + len(self.calls)
        self.weight = self.size - len(self.calls) + sum([call.message.weight for call in self.calls])

    def join(self, part: "Part") -> None:
        """Take in the calls of the part behind it."""
        self.calls += part.calls
        self.size += part.size
        self.weight += part.weight

    def halves(self) -> tuple["Part", "Part"]:
        """Two parts in its place, both with its history, to find the call that is refused."""
        middle = len(self.calls) // 2
        return self._with(self.calls[:middle]), self._with(self.calls[middle:])

    def _with(self, calls: tuple[Call, ...]) -> "Part":
        # Its strikes are not handed on: they only stretch the waits, and the search should be quick.
        return Part(
            self.partition,
            self.key,
            calls,
            self.attempts,
            alone=True,
            failed_at=self.failed_at,
            stuck_for=self.stuck_for,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one batch of a lane: events, bytes of their calls, and unprocessable records in a row before it holds."""

    events: int
    size: int
    unprocessable: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane's next batch: a part for each write key, letters, and how many records were skipped for which reason."""

    parts: list[Part]
    letters: list[Letter]
    skipped: Counter[str]


@dataclass(frozen=True, eq=False, slots=True)
class Request:
    """One HTTP attempt with one write key, carrying calls of several lanes. `started_at` in monotonic seconds."""

    key: WriteKey
    parts: tuple[Part, ...]
    started_at: float

    @property
    def bodies(self) -> list[bytes]:
        return [call.body for part in self.parts for call in part.calls]

    @property
    def attempts(self) -> int:
        """How often any of its calls was sent before."""
        return max(part.attempts for part in self.parts)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Segment took it all."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not taken, through no fault of its own. `wait` in seconds where Segment said how long; `detail` for people."""

    reason: str
    wait: float | None = None
    throttled: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Segment will not take something in it, however often it is sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Our key, endpoint or network path is wrong: nothing of the records themselves."""

    reason: str


Outcome = Accepted | Retry | Refused | Misconfigured


class Fate(Enum):
    """What an answer means for one part of a request; a part without a fate is sent again by and by."""

    SETTLED = "settled"
    SPLIT = "split"
    ASIDE = "aside"


class Verdict(NamedTuple):
    """A part and its fate, with the reason of one that is set aside."""

    part: Part
    fate: Fate
    reason: str = ""
