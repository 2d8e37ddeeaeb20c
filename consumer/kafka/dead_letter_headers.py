"""The format of a dead letter: the record as it was, with headers that give its address and why it was rejected."""

from typing import NamedTuple

from consumer.errors import MAX_DETAIL_LENGTH
from consumer.jsonio import loads
from consumer.model import DeadLetter, Record, Rejected
from consumer.outside_text import outside_text

PREFIX = "dead-letter-"
_FIRST = f"{PREFIX}topic"
_MESSAGE_ID, _EVENT = "message-id", "event"  # only if Segment refused an event of the record
_HEADERS, _UNREADABLE = "headers", "unreadable"  # only if the headers of the record could not be read


class Origin(NamedTuple):
    """The topic that the records are read from, and the version of the service."""

    topic: str
    version: str


class StoredDeadLetter(NamedTuple):
    """
    A dead letter that was read back.

    `stored` is the record of the dead-letter topic, `record` the rejected one as it was read from `topic`. `version`
    is that of the service that wrote the dead letter. `message_id` and `event_name` are "" if there was no event.
    """

    stored: Record
    record: Record
    topic: str
    rejected: Rejected
    attempts: int
    version: str
    message_id: str = ""
    event_name: str = ""

    @property
    def rejected_at(self) -> int:
        """
        When the dead letter was written, in ms since 1970; -1 if that is not known.

        The first dead letters of the service were stored with the timestamp of their record.
        """
        return self.stored.timestamp if self.stored.timestamp != self.record.timestamp else -1


def headers_of(dead_letter: DeadLetter, record: Record, origin: Origin) -> list[tuple[str, str | bytes | None]]:
    """The headers of the record, with those of the service behind them."""
    rejected = dead_letter.rejected
    own_headers: dict[str, object] = {
        "topic": origin.topic,
        "version": origin.version,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "reason": rejected.reason,
        "stage": rejected.stage,
        "detail": rejected.detail,
        "schema": rejected.schema,
        "attempts": dead_letter.attempts,
    }
    if dead_letter.event:
        event = loads(dead_letter.event)
        own_headers |= {_MESSAGE_ID: event.get("messageId", ""), _EVENT: event.get("event", "")}
    if record.headers_unreadable:
        own_headers[_HEADERS] = _UNREADABLE
    texts = {name: outside_text(value, MAX_DETAIL_LENGTH) for name, value in own_headers.items()}
    return [*record.headers, *((PREFIX + name, text.encode()) for name, text in texts.items())]


def parse_dead_letter(stored: Record) -> StoredDeadLetter | None:
    """The dead letter in a record of the dead-letter topic; None if the service did not write the record."""
    # The service appends its headers to those of the record, which may have any name.
    first_indexes = [index for index, (name, _) in enumerate(stored.headers) if name == _FIRST]
    if not first_indexes:
        return None
    first_index = first_indexes[-1]
    own_headers = stored.headers[first_index:]
    texts = {name.removeprefix(PREFIX): (value or b"").decode("utf-8", "replace") for name, value in own_headers}
    try:
        record = stored._replace(
            partition=int(texts["partition"]),
            offset=int(texts["offset"]),
            timestamp=int(texts["timestamp"]),
            headers=tuple(stored.headers[:first_index]),
            headers_unreadable=texts.get(_HEADERS) == _UNREADABLE,
        )
        rejected = Rejected(texts["reason"], texts["stage"], texts["detail"], texts["schema"])
        attempts, version = int(texts["attempts"]), texts["version"]
        event = texts.get(_MESSAGE_ID, ""), texts.get(_EVENT, "")
        return StoredDeadLetter(stored, record, texts["topic"], rejected, attempts, version, *event)
    except (KeyError, ValueError):
        return None


def dead_lettered_record(stored: Record) -> Record:
    """The record that a dead letter holds, for callers that were given dead letters only."""
    dead_letter = parse_dead_letter(stored)
    assert dead_letter, "the record was parsed as a dead letter before"
    return dead_letter.record
