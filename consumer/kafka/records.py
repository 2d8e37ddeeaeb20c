"""The client's messages as records, and the result of one read of the group's consumer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from consumer.model import Headers, Record

RECORD_OVERHEAD = 400  # bytes of Python objects around one buffered record
HEADER_OVERHEAD = 100


@dataclass(frozen=True, slots=True)
class OffsetReset:
    """
    The broker has no record at `expected`, the group's offset (-1: the group has none).

    The broker has records from `low` to before `high`. The partition `goes_on` at `low`, or is not read any more.
    """

    partition: int
    expected: int
    low: int
    high: int
    goes_on: bool


@dataclass(frozen=True, slots=True)
class ReadResult:
    """
    The result of one read: records by partition, ends of partitions that were reached, and offset resets.

    The `records` of `recreated` partitions are of a topic that does not exist any more; the next reads return the
    records of the new topic. The next batch of `unreadable` partitions cannot be unpacked, and the client asks for it
    again and again.
    """

    records: Mapping[int, list[Record]] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    resets: Sequence[OffsetReset] = ()
    recreated: Sequence[int] = ()
    unreadable: Sequence[int] = ()


def to_record(message: Any, now: float) -> Record:
    """The client's message as a record. `now` is in monotonic seconds. Call this once for a message."""
    key, value, headers = message.key(), message.value(), _headers(message)
    memory_bytes = RECORD_OVERHEAD + len(value or b"") + len(key or b"")
    if headers:
        memory_bytes += _memory_bytes(headers)
    partition, offset, timestamp = message.partition(), message.offset(), message.timestamp()[1]
    return Record(partition, offset, timestamp, key, value, headers or (), now, memory_bytes, headers is None)


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
