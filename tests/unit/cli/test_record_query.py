"""Which records a query asks for: by the event that a record becomes, and without an event by its bytes."""

import pytest

from consumer.cli.record_query import PreviewedRecord, RecordQuery, named_address
from consumer.jsonio import dumps
from consumer.model import MappedRecord, Record, RecordAddress, Rejected, Skipped, TrackEvent, WriteKey

ID = "0123456789abcdef-3-1042-1772442000000"


def event(**fields: str) -> MappedRecord:
    return TrackEvent(Record(3, 1042, 0, None, b"", ()), WriteKey("", "secret"), dumps(fields))


def is_found(query: RecordQuery, mapped: MappedRecord, key: bytes | None = None, value: bytes | None = None) -> bool:
    return query.matches(PreviewedRecord(Record(3, 1042, 0, key, value, ()), mapped))


@pytest.mark.parametrize(
    ("mapped", "key", "value", "found"),
    [
        (event(userId="u-1"), None, b"", True),
        (event(anonymousId="u-1"), None, b"", True),
        (event(userId="u-10"), b"u-1", b"u-1", False),  # an event has its own user, whatever its bytes are
        (Rejected("undecodable", "decoding", ""), None, b"\x06u-1", True),
        (Rejected("undecodable", "decoding", ""), b"u-1", None, True),
        (Rejected("undecodable", "decoding", ""), b"u-2", b"u-3", False),
        (Skipped("tombstone"), None, None, False),
        (Skipped("anonymous"), None, b"\x06u-1", True),
    ],
)
def test_a_user_is_found_in_events_and_in_records_without_one(
    mapped: MappedRecord, key: bytes | None, value: bytes | None, found: bool
) -> None:
    assert is_found(RecordQuery(user="u-1"), mapped, key, value) == found


def test_a_message_id_is_that_of_an_event() -> None:
    query = RecordQuery(message_id="id-1")
    assert is_found(query, event(messageId="id-1"))
    assert not is_found(query, event(messageId="id-2"))
    assert not is_found(query, Rejected("undecodable", "decoding", ""), value=b"id-1")
    assert not is_found(RecordQuery("id-1", "u-2"), event(messageId="id-1", userId="u-1"))


def test_a_query_for_anything_finds_everything() -> None:
    assert all(is_found(RecordQuery(), mapped) for mapped in (event(), Skipped("tombstone"), Rejected("", "", "")))


@pytest.mark.parametrize(
    ("message_id", "address"),
    [
        (ID, RecordAddress(3, 1042)),
        ("0123456789abcdef-0-0--1", RecordAddress(0, 0)),  # a record without a time
        ("my-own-id", None),
        (ID.upper(), None),
        (f"{ID}x", None),
        ("", None),
    ],
)
def test_a_message_id_of_the_service_names_the_address(message_id: str, address: RecordAddress | None) -> None:
    assert named_address(message_id) == address
