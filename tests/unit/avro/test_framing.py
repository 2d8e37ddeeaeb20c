"""Framing: which schema wrote a value, and where its body begins."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka.schema_registry.common.serde import SchemaId

from consumer.avro.framing import HEADER, RAW, framing
from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message

FRAMINGS = ("confluent", "confluent-header", "single-object", "auto", "raw")
FINGERPRINT = "63dd24e7cc258f8a"
GUID = UUID("89791762-2336-4186-9674-299b90a802e2")
BODY = b"\x02body"

PREFIXED = b"\0\0\0\0\x07" + BODY
SINGLE = b"\xc3\x01" + bytes.fromhex(FINGERPRINT) + BODY


def frame(name: str, value: bytes | None, headers: Any = (), seen: Counter[str] | None = None) -> object:
    make = framing(name, {FINGERPRINT}, Counter() if seen is None else seen)
    return make(Message(0, 1, 2, None, value, headers))


def reason(name: str, value: bytes | None, headers: Any = ()) -> str:
    with pytest.raises(UnprocessableRecord) as caught:
        frame(name, value, headers)
    return caught.value.reason


def header(content: bytes | None) -> list[tuple[str, bytes | None]]:
    return [("other", b"x"), (HEADER, content)]


def test_a_confluent_value_names_its_schema_in_four_bytes() -> None:
    assert frame("confluent", b"\x00\x00\x01\x00\x02body") == (0x00010002, 5)
    assert frame("confluent", b"\x00\xff\xff\xff\xff") == (0xFFFFFFFF, 5)


def test_a_header_names_the_schema_as_the_serialisers_of_confluent_write_it() -> None:
    assert frame("confluent-header", BODY, header(SchemaId("AVRO", guid=str(GUID)).guid_to_bytes())) == (GUID, 0)
    assert frame("confluent-header", BODY, header(SchemaId("AVRO", 7).id_to_bytes())) == (7, 0)


def test_the_first_header_of_the_name_counts() -> None:
    twice = [*header(b"\0\0\0\0\x07"), (HEADER, b"\0\0\0\0\x08")]
    assert frame("confluent-header", BODY, twice) == (7, 0)


@pytest.mark.parametrize("content", [None, b"", b"\1", b"\1" + b"x" * 15, b"\1" + b"x" * 17, b"\0abc", b"\2abcd"])
def test_a_header_that_holds_something_else_is_not_framed(content: bytes | None) -> None:
    assert reason("confluent-header", BODY, header(content)) == "not_framed"
    assert reason("auto", PREFIXED, header(content)) == "not_framed"


def test_a_value_without_the_header_is_not_framed() -> None:
    assert reason("confluent-header", PREFIXED) == "not_framed"


def test_a_single_object_names_its_schema_by_fingerprint() -> None:
    assert frame("single-object", SINGLE) == (FINGERPRINT, 10)


@pytest.mark.parametrize("value", [BODY, b"\xc3", b"\xc3\x01", SINGLE[:9], b"\xc3\x02" + SINGLE[2:], PREFIXED])
def test_a_value_without_marker_and_fingerprint_is_not_framed(value: bytes) -> None:
    assert reason("single-object", value) == "not_framed"


def test_a_fingerprint_without_a_file_is_unknown_at_once() -> None:
    assert reason("single-object", b"\xc3\x01" + b"\0" * 8 + BODY) == "unknown_schema"


def test_a_raw_value_is_all_body() -> None:
    assert frame("raw", b"\x00") == (RAW, 0)


def test_auto_tells_the_framings_apart_and_counts_what_it_saw() -> None:
    seen: Counter[str] = Counter()
    assert frame("auto", PREFIXED, (), seen) == (7, 5)
    assert frame("auto", PREFIXED, [("other", b"x")], seen) == (7, 5)
    assert frame("auto", SINGLE, (), seen) == (FINGERPRINT, 10)
    assert frame("auto", PREFIXED, header(b"\1" + GUID.bytes), seen) == (GUID, 0)
    assert reason("auto", b"{}") == "not_framed"
    assert seen == {"confluent": 2, "single-object": 1, "confluent-header": 1}


@pytest.mark.parametrize("value", [b"\x01\x00\x00\x00\x01body", b"\x00\x00\x00\x01", b"{}", b"\x00"])
def test_a_value_without_the_head_is_not_framed(value: bytes) -> None:
    assert reason("confluent", value) == "not_framed"


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_null_value_is_a_tombstone_and_an_empty_one_is_not(name: str) -> None:
    headers = header(b"\1" + GUID.bytes)
    with pytest.raises(SkipRecord, match="tombstone"):
        frame(name, None, headers)
    assert reason(name, b"", headers) == "empty_value"
