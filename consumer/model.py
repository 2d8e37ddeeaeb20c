"""The values that travel through the service, in the order in which they are made. All are immutable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes | None]]


class RecordAddress(NamedTuple):
    """Where a record is in its topic, as logs, messageIds and commands name it."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Record(NamedTuple):
    """
    One Kafka record as it was read. If the client could not read its headers (`headers_unreadable`), it has none here.

    `timestamp` is in ms since 1970 (-1: none). `memory_bytes` is its size in memory.
    `leader_epoch` counts the leaders of its partition up to the one that wrote it (-1: not known).
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    memory_bytes: int = 0
    leader_epoch: int = -1
    headers_unreadable: bool = False

    @property
    def address(self) -> RecordAddress:
        return RecordAddress(self.partition, self.offset)


def fold_environment(environment: str) -> str:
    """A Sprig environment in the form in which it is compared: Sprig writes "Production", its users "production"."""
    return environment.strip().casefold()


@dataclass(frozen=True, slots=True)
class WriteKey:
    """
    The write key of a Segment source, and the Sprig environment that the source is for.

    Keys are equal if their environments are, because each environment has one key. The secret is never shown.
    """

    environment: str
    secret: str = field(repr=False, compare=False)


class TrackEvent(NamedTuple):
    """One Segment `track` event, serialised, with the record and the schema that it was made of."""

    record: Record
    key: WriteKey
    body: bytes
    schema: str = ""


class Skipped(NamedTuple):
    """A record with nothing to send, by a rule that is counted under its `reason`."""

    reason: str


class Rejected(NamedTuple):
    """
    Why a record is rejected. `stage` is framing, schema, decoding, mapping, internal, delivery or operator.

    `detail` names fields and rules, never a value of the record. `schema` names the writer's schema.
    """

    reason: str
    stage: str
    detail: str
    schema: str = ""


class Pending(NamedTuple):
    """A record that cannot be decoded yet, because its writer's schema `schema` is still being looked up."""

    schema: object


class Blocked(NamedTuple):
    """
    The record at `offset` must not be passed until an operator acts; None if no offset is known.

    `rejected` is one of the rejections that block the partition, None if something else does.
    """

    reason: str
    rejected: Rejected | None = None
    offset: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class DeadLetter:
    """A rejected record on its way to the dead-letter topic. Segment got its `event` (b"": none) `attempts` times."""

    record: Record
    rejected: Rejected
    attempts: int = 0
    event: bytes = b""


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """
    Consecutive track events of one partition with one write key, sent together.

    `body_bytes` is the size of its events in a request body, separators included. `memory_bytes` is the memory that it
    takes, with the records of its events. Nothing is appended to a chunk that `is_half`: it is part of a search.
    """

    partition: int
    key: WriteKey
    events: tuple[TrackEvent, ...]
    body_bytes: int
    memory_bytes: int
    is_half: bool = False

    @classmethod
    def of(cls, partition: int, key: WriteKey, events: tuple[TrackEvent, ...], is_half: bool = False) -> "Chunk":
        serialised = sum([len(event.body) for event in events])
        memory_bytes = serialised + sum([event.record.memory_bytes for event in events])
        return cls(partition, key, events, serialised + len(events), memory_bytes, is_half)

    def append(self, chunk: "Chunk") -> "Chunk":
        """This chunk and the one behind it as one."""
        sizes = self.body_bytes + chunk.body_bytes, self.memory_bytes + chunk.memory_bytes
        return Chunk(self.partition, self.key, self.events + chunk.events, *sizes)

    def halves(self) -> tuple["Chunk", "Chunk"]:
        """Two chunks in its place, to find the event that is refused."""
        middle = len(self.events) // 2
        first, second = self.events[:middle], self.events[middle:]
        return Chunk.of(self.partition, self.key, first, True), Chunk.of(self.partition, self.key, second, True)


@dataclass(frozen=True, eq=False, slots=True)
class BatchRequest:
    """
    One HTTP attempt with one write key; it carries chunks of several partitions, or none to ask if the key is denied.

    `started_at` is in monotonic seconds. `attempts` is how often any of its events was sent before.
    """

    key: WriteKey
    chunks: tuple[Chunk, ...]
    started_at: float
    attempts: int = 0

    @property
    def bodies(self) -> list[bytes]:
        return [event.body for chunk in self.chunks for event in chunk.events]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Segment accepted the whole batch."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Segment did not accept the batch, and the batch is not the cause. `wait`: in seconds, if Segment asked for it."""

    reason: str
    wait: float | None = None
    throttled: bool = False
    detail: str = ""  # for people


@dataclass(frozen=True, slots=True)
class Refused:
    """Segment will not accept something in the batch, however often it is sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """The write key, the endpoint or the network path is wrong; the records are not the cause."""

    reason: str


MappedRecord = TrackEvent | Skipped | Rejected | Pending  # by its schema and its contract
Outcome = Accepted | Retry | Refused | Misconfigured
