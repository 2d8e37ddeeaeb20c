"""Framing: which schema wrote a value, and where its body begins."""

import pytest

from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message
from consumer.reading.framing import FRAMINGS, RAW


def frame(name: str, value: bytes | None) -> object:
    return FRAMINGS[name](Message(0, 1, 2, None, value, ()))


def test_a_confluent_value_names_its_schema_in_four_bytes() -> None:
    assert frame("confluent", b"\x00\x00\x01\x00\x02body") == (0x00010002, 5)
    assert frame("confluent", b"\x00\xff\xff\xff\xff") == (0xFFFFFFFF, 5)


def test_a_raw_value_is_all_body() -> None:
    assert frame("raw", b"\x00") == (RAW, 0)


@pytest.mark.parametrize("value", [b"\x01\x00\x00\x00\x01body", b"\x00\x00\x00\x01", b"{}", b"\x00"])
def test_a_value_without_the_head_is_not_framed(value: bytes) -> None:
    with pytest.raises(UnprocessableRecord) as caught:
        frame("confluent", value)
    assert caught.value.reason == "not_framed"


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_null_value_is_a_tombstone_and_an_empty_one_is_not(name: str) -> None:
    with pytest.raises(SkipRecord, match="tombstone"):
        frame(name, None)
    with pytest.raises(UnprocessableRecord, match="empty_value"):
        frame(name, b"")
