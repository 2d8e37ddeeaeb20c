"""The client's messages as records, and the result of one read of the group's consumer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from consumer.model import Headers, Record
from consumer.reasons import BlockReason

RECORD_OVERHEAD = 400  # bytes of Python objects around one buffered record
HEADER_OVERHEAD = 100


class LogPosition(NamedTuple):
    """
    Where the log of a partition is read on.

    `leader_epoch` tells whether a log that has this offset is the one that was read (KIP-320): it is the epoch of the
    record at this offset, or of the last record before. -1 if it is not known.
    """

    offset: int
    leader_epoch: int = -1


class Progress(NamedTuple):
    """What a member did of a partition: it settled everything before `end` except the `unsettled` offsets."""

    position: LogPosition
    """The committable position: nothing below it is unsettled."""
    end: int
    unsettled: frozenset[int] = frozenset()

    def is_settled(self, offset: int) -> bool:
        return offset < self.end and offset not in self.unsettled


@dataclass(frozen=True, slots=True)
class OffsetReset:
    """
    A partition cannot be read from `expected`, the offset that comes next (-1: the group has none).

    Of the log that was read before, the broker has the part from `low` to before `end`. The partition `goes_on` at
    `goes_on_at`, or is not read any more.
    """

    partition: int
    expected: int
    low: int
    end: int
    goes_on: bool

    @property
    def deleted(self) -> int:
        """How many records the broker deleted before they were read."""
        return max(0, self.low - self.expected) if self.expected >= 0 else 0

    @property
    def truncated(self) -> int:
        """How many offsets that were read already the broker has lost."""
        return max(0, self.expected - self.end)

    @property
    def block_reason(self) -> BlockReason:
        """Why the partition is not read any more, if it does not go on."""
        if self.expected < 0:
            return BlockReason.NO_COMMITTED_OFFSET
        return BlockReason.LOG_TRUNCATED if self.truncated else BlockReason.OFFSET_OUT_OF_RANGE

    @property
    def goes_on_at(self) -> int:
        return self.end if self.truncated else self.low


@dataclass(frozen=True, slots=True)
class ReadResult:
    """
    The result of one read: records by partition, ends of partitions that were reached, and offset resets.

    The resets of an assignment, `start_resets`, come before the records of the read, and `resets` come behind them.
    The `records` of `recreated` partitions are of a topic that does not exist any more; the next reads return the
    records of the new topic. The next batch of `unreadable` partitions, by the offset at which it is, cannot be
    unpacked, and the client asks for it again and again.
    """

    records: Mapping[int, list[Record]] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    resets: Sequence[OffsetReset] = ()
    start_resets: Sequence[OffsetReset] = ()
    recreated: Sequence[int] = ()
    unreadable: Mapping[int, int] = field(default_factory=dict)


def to_record(message: Any) -> Record:
    """The client's message as a record. Call this once for a message."""
    key, value, headers = message.key(), message.value(), _headers(message)
    memory_bytes = RECORD_OVERHEAD + len(value or b"") + len(key or b"")
    if headers:
        memory_bytes += _memory_bytes(headers)
    partition, offset, timestamp = message.partition(), message.offset(), message.timestamp()[1]
    epoch = message.leader_epoch()
    if epoch is None:
        epoch = -1
    return Record(partition, offset, timestamp, key, value, headers or (), memory_bytes, epoch, headers is None)


def _headers(message: Any) -> Headers | None:
    """
    The headers of the message; None if the name of a header is not UTF-8, because the writer may choose any bytes.

    The client has no other way to read headers. confluent-kafka 2.16 raises SystemError, caused by UnicodeDecodeError,
    and from then on its list of headers has null pointers: never ask the message for its headers again.
    """
    try:
        return message.headers() or ()
    except (SystemError, UnicodeDecodeError):
        return None


def _memory_bytes(headers: Headers) -> int:
    return sum(len(name) + len(value or b"") + HEADER_OVERHEAD for name, value in headers)
