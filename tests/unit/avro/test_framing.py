"""Framing: which schema a value was written with, and where its body begins."""

from typing import Any
from uuid import UUID

import pytest
from confluent_kafka.schema_registry.common.serde import SchemaId

from consumer.avro.auto_framing import AutoFraming, framing
from consumer.avro.framing import HEADER
from consumer.avro.schema_keys import RAW
from consumer.errors import FramingError, RecordSkipped
from consumer.model import Record

FRAMINGS = ("confluent", "confluent-header", "single-object", "auto", "raw")
FINGERPRINT = "63dd24e7cc258f8a"
GUID = UUID("89791762-2336-4186-9674-299b90a802e2")
BODY = b"\x02body"

PREFIXED = b"\0\0\0\0\x07" + BODY
SINGLE = b"\xc3\x01" + bytes.fromhex(FINGERPRINT) + BODY


def record(value: bytes | None, headers: Any = ()) -> Record:
    return Record(0, 1, 2, None, value, headers)


def frame(name: str, value: bytes | None, headers: Any = ()) -> object:
    """The key and the start; no framing of these values changes them."""
    *place, framed_value = framing(name, {FINGERPRINT})(record(value, headers))
    assert framed_value == value
    return tuple(place)


def reason(name: str, value: bytes | None, headers: Any = ()) -> str:
    with pytest.raises(FramingError) as caught:
        frame(name, value, headers)
    return caught.value.reason


def header(content: bytes | None) -> list[tuple[str, bytes | None]]:
    return [("other", b"x"), (HEADER, content)]


def test_a_confluent_value_names_its_schema_in_four_bytes() -> None:
    assert frame("confluent", b"\x00\x00\x01\x00\x02body") == (0x00010002, 5)
    assert frame("confluent", b"\x00\xff\xff\xff\xff") == (0xFFFFFFFF, 5)


def test_a_header_of_confluents_serialisers_names_the_schema() -> None:
    assert frame("confluent-header", BODY, header(SchemaId("AVRO", guid=str(GUID)).guid_to_bytes())) == (GUID, 0)
    assert frame("confluent-header", BODY, header(SchemaId("AVRO", 7).id_to_bytes())) == (7, 0)


def test_the_last_header_with_the_name_counts() -> None:
    """A serialiser appends its header to those that were copied from another record."""
    twice = [*header(b"\0\0\0\0\x07"), (HEADER, b"\0\0\0\0\x08"), ("other", b"\0\0\0\0\x09")]
    assert frame("confluent-header", BODY, twice) == (8, 0)
    assert frame("auto", BODY, twice) == (8, 0)
    assert reason("confluent-header", BODY, [*twice, (HEADER, None)]) == "not_framed"


@pytest.mark.parametrize("value", [PREFIXED, BODY, b"\3\0short"])
def test_auto_reads_no_value_whose_headers_cannot_be_read(value: bytes) -> None:
    """One of the headers may name the schema, and then the whole value is the body."""
    unreadable = record(value)._replace(headers_unreadable=True)
    with pytest.raises(FramingError, match="not_framed: the headers cannot be read"):
        framing("auto", {FINGERPRINT})(unreadable)
    assert framing("confluent", ())(record(PREFIXED)._replace(headers_unreadable=True)).key == 7


def test_unreadable_headers_do_not_matter_to_auto_where_the_first_bytes_are_unmistakable() -> None:
    auto = framing("auto", {FINGERPRINT})
    assert auto(record(SINGLE)._replace(headers_unreadable=True)).key == FINGERPRINT
    with pytest.raises(FramingError, match="empty_value"):
        auto(record(b"")._replace(headers_unreadable=True))
    with pytest.raises(RecordSkipped, match="tombstone"):
        auto(record(None)._replace(headers_unreadable=True))


@pytest.mark.parametrize("content", [None, b"", b"\1", b"\1" + b"x" * 15, b"\1" + b"x" * 17, b"\0abc", b"\2abcd"])
def test_a_header_with_other_content_is_not_framed(content: bytes | None) -> None:
    assert reason("confluent-header", BODY, header(content)) == "not_framed"
    assert reason("auto", PREFIXED, header(content)) == "not_framed"


def test_a_value_without_the_header_is_not_framed() -> None:
    assert reason("confluent-header", PREFIXED) == "not_framed"


def test_a_single_object_names_its_schema_by_fingerprint() -> None:
    assert frame("single-object", SINGLE) == (FINGERPRINT, 10)


@pytest.mark.parametrize("value", [BODY, b"\xc3", b"\xc3\x01", SINGLE[:9], b"\xc3\x02" + SINGLE[2:], PREFIXED])
def test_a_value_without_marker_and_fingerprint_is_not_framed(value: bytes) -> None:
    assert reason("single-object", value) == "not_framed"


def test_a_fingerprint_without_a_file_is_unknown() -> None:
    assert reason("single-object", b"\xc3\x01" + b"\0" * 8 + BODY) == "unknown_schema"


def test_a_raw_value_is_all_body() -> None:
    assert frame("raw", b"\x00") == (RAW, 0)


def test_auto_detects_and_counts_the_framings() -> None:
    auto = framing("auto", {FINGERPRINT})
    assert isinstance(auto, AutoFraming)
    assert auto(record(PREFIXED))[:2] == (7, 5)
    assert auto(record(PREFIXED, [("other", b"x")]))[:2] == (7, 5)
    assert auto(record(SINGLE))[:2] == (FINGERPRINT, 10)
    assert auto(record(PREFIXED, header(b"\1" + GUID.bytes)))[:2] == (GUID, 0)
    with pytest.raises(FramingError, match="not_framed"):
        auto(record(b"{}"))
    assert auto.counts == {"confluent": 2, "single-object": 1, "confluent-header": 1}


@pytest.mark.parametrize("value", [b"\x01\x00\x00\x00\x01body", b"\x00\x00\x00\x01", b"{}", b"\x00"])
def test_a_value_without_the_prefix_is_not_framed(value: bytes) -> None:
    assert reason("confluent", value) == "not_framed"


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_null_value_is_a_tombstone_and_an_empty_value_is_not(name: str) -> None:
    headers = header(b"\1" + GUID.bytes)
    with pytest.raises(RecordSkipped, match="tombstone"):
        frame(name, None, headers)
    assert reason(name, b"", headers) == "empty_value"
