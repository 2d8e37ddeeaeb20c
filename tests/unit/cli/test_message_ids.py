"""messageIds from exports in the forms that warehouses and buckets write, and a million of them in few bytes."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from consumer.cli.message_ids import MessageIdSet, read_message_ids
from consumer.errors import UsageError

LINES = [json.dumps({"type": "track", "messageId": message_id}) for message_id in ("a", "b")]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a\nb\n", None),
        ("a\r\nb", None),
        ("\ufeffid\na\nb\n", None),
        ("received_at,id\n1,a\n2,b\n", None),
        ('"MESSAGE_ID","x, y"\n"a",1\n"b",\n', None),
        ("id,uuid\n1,a\n2,b\n", "uuid"),
        ("\n".join(LINES), None),
        ("\n\n".join(LINES) + "\n", None),
        ('{"event": "a"}\n{"event": "b"}', "event"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_ids_are_read_in_every_form(tmp_path: Path, text: str, column: str | None, pack: type[bytes]) -> None:
    file = tmp_path / "export"
    file.write_bytes(pack(text.encode()))
    assert list(read_message_ids(file, column)) == ["a", "b"]


def test_an_empty_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "export").touch()
    assert list(read_message_ids(tmp_path / "export", None)) == []


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (b"when,what\n", None, ":1: expected a column messageId or message_id or id; --column names another one"),
        (b"id\na\n", "uuid", ":1: expected a column uuid; --column names another one"),
        (b'{"id": "a"}\n{"id": 7}', None, ":2: expected a text as messageId or message_id or id;"),
        (b'{"id": "a"}\nnonsense', None, ":2: expected a JSON object in each line"),
        (gzip.compress(b"a\nb\n" * 1000)[:-12], None, ": cannot be read: "),
    ],
    ids=["no column", "not that column", "a number", "no JSON", "torn off"],
)
def test_a_file_without_message_ids_is_refused_with_its_line(
    tmp_path: Path, content: bytes, column: str | None, message: str
) -> None:
    file = tmp_path / "export"
    file.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        list(read_message_ids(file, column))
    assert str(raised.value).startswith(f"{file}{message}")


def test_a_million_ids_take_a_few_bytes_each() -> None:
    tracemalloc.start()
    try:
        ids = MessageIdSet(f"sprig-{number}" for number in range(1_000_000))
        size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(ids) == 1_000_000
    assert size < 10_000_000
    assert peak < 16_000_000
    assert "sprig-0" in ids
    assert "sprig-999999" in ids
    assert "sprig-1000000" not in ids
