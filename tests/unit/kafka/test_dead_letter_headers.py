"""Headers of dead letters are read back as they were written, behind headers of any name of the record itself."""

import pytest

from consumer.kafka.dead_letter_headers import PREFIX, Origin, StoredDeadLetter, headers_of, parse_dead_letter
from consumer.model import DeadLetter, Headers, Record, Rejected
from consumer.reasons import Reason

REJECTED = Rejected(Reason.INVALID, "mapping", "properties.ü", "7")
ORIGIN = Origin("topic", "1.2.3")


def stored_as(dead_letter: DeadLetter) -> Record:
    """The record of the dead-letter topic that the dead letter is written as."""
    headers: Headers = headers_of(dead_letter, dead_letter.record, ORIGIN)  # type: ignore[assignment]
    return dead_letter.record._replace(partition=0, offset=5, timestamp=9, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [(), (("h", None),), (("dead-letter-topic", b"another"), ("dead-letter-reason", b"another"))],
    ids=["none", "own", "same names"],
)
def test_a_dead_letter_is_read_back_as_it_was_written(headers: Headers) -> None:
    record = Record(3, 42, 1_700_000_000_000, b"k", b"v", headers)
    stored = stored_as(DeadLetter(record, REJECTED, attempts=2))
    assert parse_dead_letter(stored) == StoredDeadLetter(stored, record, "topic", REJECTED, 2, "1.2.3")


def test_a_dead_letter_names_the_event_that_segment_refused() -> None:
    record = Record(3, 42, 1_700_000_000_000, b"k", b"v", ())
    stored = stored_as(DeadLetter(record, REJECTED, 1, b'{"messageId": "id-1", "event": "Answered", "userId": "u"}'))
    dead_letter = parse_dead_letter(stored)
    assert dead_letter
    assert (dead_letter.message_id, dead_letter.event_name) == ("id-1", "Answered")
    assert b"u" not in dict(stored.headers).values()


def test_a_dead_letter_of_an_older_version_was_stored_with_the_time_of_its_record() -> None:
    record = Record(3, 42, 1_700_000_000_000, b"k", b"v", ())
    stored = stored_as(DeadLetter(record, REJECTED))
    older, newer = parse_dead_letter(stored._replace(timestamp=record.timestamp)), parse_dead_letter(stored)
    assert older
    assert newer
    assert older.record == newer.record == record
    assert (older.rejected_at, newer.rejected_at) == (-1, stored.timestamp)


def test_a_record_that_the_service_did_not_write_is_no_dead_letter() -> None:
    stored = stored_as(DeadLetter(Record(3, 42, 0, b"k", b"v", ()), REJECTED))
    assert parse_dead_letter(stored._replace(headers=())) is None
    for name, _ in stored.headers:  # all of them are required
        without = [header for header in stored.headers if header[0] != name]
        assert parse_dead_letter(stored._replace(headers=without)) is None
    for name in ("partition", "offset", "timestamp", "attempts"):
        damaged = [(key, b"x" if key == PREFIX + name else value) for key, value in stored.headers]
        assert parse_dead_letter(stored._replace(headers=damaged)) is None
