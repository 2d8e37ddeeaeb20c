"""Which records a command asks for: from a start on, of a messageId, or of a user."""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from consumer.cli.output import with_progress
from consumer.cli.params import END, Start
from consumer.errors import ServiceError
from consumer.jsonio import loads
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import MappedRecord, Record, RecordAddress, TrackEvent
from consumer.pipeline.record_mapper import MapRecord

_MESSAGE_ID = re.compile(r"[0-9a-f]{16}-(\d{1,9})-(\d{1,18})--?\d{1,18}", re.ASCII)

_T = TypeVar("_T")


class PreviewedRecord(NamedTuple):
    """A record, and what it would become."""

    record: Record
    mapped: MappedRecord


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """
    Which records are asked for. An empty `message_id` or `user` asks for any.

    `user` is the userId or anonymousId of an event. A record without an event is one of the user if its key or its
    value has the text, because Avro has texts as they are.
    """

    message_id: str = ""
    user: str = ""

    @property
    def is_search(self) -> bool:
        return bool(self.message_id or self.user)

    def matches(self, previewed: PreviewedRecord) -> bool:
        record, mapped = previewed
        if not isinstance(mapped, TrackEvent):
            text = self.user.encode()
            return not self.message_id and (text in (record.value or b"") or text in (record.key or b""))
        if not self.is_search:
            return True
        event = loads(mapped.body)
        if self.message_id and event.get("messageId") != self.message_id:
            return False
        return not self.user or self.user in (event.get("userId"), event.get("anonymousId"))


def named_address(message_id: str) -> RecordAddress | None:
    """The address that a messageId of the service has; None if a contract makes messageIds in another way."""
    match = _MESSAGE_ID.fullmatch(message_id)
    return RecordAddress(int(match[1]), int(match[2])) if match else None


def ranges_from(reader: TopicReader, start: Start) -> Mapping[int, OffsetRange]:
    """From the start to the present end of each partition. At `end` there is nothing to read. Raises ServiceError."""
    spans = reader.spans()
    if isinstance(start, RecordAddress):
        return {start.partition: _range_from(start, spans)}
    if start == END:
        return {partition: OffsetRange(end, end) for partition, (_, end) in spans.items()}
    return reader.since(start, spans) if isinstance(start, int) else spans


def select(
    reader: TopicReader, map_record: MapRecord, query: RecordQuery, start: Start, count: int
) -> Sequence[PreviewedRecord]:
    """The first records from `start` on, or the last ones, by time; within a partition by offset."""
    ranges = reader.spans() if start == END else ranges_from(reader, start)
    if query.is_search:
        total = sum(end - begin for begin, end in ranges.values())
        records = with_progress(reader.read(ranges), total, "records")
        return _select(
            filter(query.matches, mapped(records, map_record)), lambda previewed: previewed.record, start, count
        )
    records = reader.read({partition: _part(span, start, count) for partition, span in ranges.items()})
    return list(mapped(_select(records, lambda record: record, start, count), map_record))


def mapped(records: Iterable[Record], map_record: MapRecord) -> Iterator[PreviewedRecord]:
    return (PreviewedRecord(record, map_record(record)) for record in records)


def _select(items: Iterable[_T], record_of: Callable[[_T], Record], start: Start, count: int) -> Sequence[_T]:
    def time(item: _T) -> tuple[int, int, int]:
        record = record_of(item)
        return record.timestamp, record.partition, record.offset

    if start == END:
        return sorted(heapq.nlargest(count, items, key=time), key=time)
    return heapq.nsmallest(count, items, key=time)


def _part(span: OffsetRange, start: Start, count: int) -> OffsetRange:
    """No more of a partition than can be printed."""
    if start == END:
        return OffsetRange(max(span.begin, span.end - count), span.end)
    return OffsetRange(span.begin, min(span.end, span.begin + count))


def _range_from(start: RecordAddress, spans: Mapping[int, OffsetRange]) -> OffsetRange:
    if start.partition not in spans:
        raise ServiceError(f"there is no partition {start.partition}, but 0 to {len(spans) - 1}")
    low, high = spans[start.partition]
    if not low <= start.offset <= high:
        raise ServiceError(f"partition {start.partition} has offsets from {low} to before {high}, not {start.offset}")
    return OffsetRange(start.offset, high)
