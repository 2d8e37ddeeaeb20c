"""The messageIds that a warehouse or a bucket behind Segment holds: some ten megabytes for a million of them."""

import csv
import gzip
import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from consumer.errors import UsageError
from consumer.jsonio import JsonError, loads

NAMES = ("messageId", "message_id", "id")
"""The field in exports: of Segment's raw events, and of its warehouses' tables (segment-docs, warehouses/schema)."""

_GZIP = b"\x1f\x8b"
_BUCKETS = 256


class MessageIdSet:
    """
    A set of texts that keeps a digest of 8 bytes for each.

    In some 10^7 sets of a million texts, one has two different texts with the same digest.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        for text in texts:
            digest = _digest(text)
            self._buckets[digest % _BUCKETS].append(digest)
        for number, bucket in enumerate(self._buckets):  # one by one, because sorting copies a bucket as objects
            self._buckets[number] = array("Q", sorted(bucket))

    def __contains__(self, text: str) -> bool:
        digest = _digest(text)
        bucket = self._buckets[digest % _BUCKETS]
        index = bisect_left(bucket, digest)
        return index < len(bucket) and bucket[index] == digest

    def __len__(self) -> int:
        return sum(map(len, self._buckets))


def read_message_ids(path: Path, column: str | None) -> Iterator[str]:
    """
    The messageIds in a file of CSV, JSON lines or bare ids, gzipped or not; `-` is standard input.

    `column` is the column or field of the messageIds, by default one of NAMES. Raises UsageError with the line that
    has none.
    """
    with _open(path) as raw:
        stream: Any = raw
        if raw.peek(2)[:2] == _GZIP:
            stream = gzip.open(raw)  # noqa: SIM115 - closed with the file that it reads
        lines = (line.decode("utf-8", "replace").lstrip("\ufeff") for line in stream)
        first = next(lines, "")
        names = [column] if column else NAMES
        try:
            if first.lstrip().startswith("{"):
                yield from _read_json(path, chain([first], lines), names)
            else:
                yield from _read_csv(path, chain([first], lines), names)
        except (OSError, EOFError, csv.Error) as error:
            raise UsageError(f"{path}: cannot be read: {error}") from None


def _open(path: Path) -> Any:
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _read_json(path: Path, lines: Iterable[str], names: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = loads(line)
        except JsonError:
            raise UsageError(f"{path}:{number}: expected a JSON object in each line") from None
        message_id = _field(value, names)
        if message_id is None:
            raise UsageError(f"{path}:{number}: expected a text as {' or '.join(names)}; --column names another field")
        yield message_id


def _field(value: Any, names: Sequence[str]) -> str | None:
    """The first of the fields that holds a text."""
    if not isinstance(value, dict):
        return None
    return next((value[name] for name in names if isinstance(value.get(name), str)), None)


def _read_csv(path: Path, lines: Iterable[str], names: Sequence[str]) -> Iterator[str]:
    rows = csv.reader(lines)
    head = next(rows, [])
    index = _column(head, names)
    if index is None:
        if len(head) > 1 or names != NAMES:
            raise UsageError(f"{path}:1: expected a column {' or '.join(names)}; --column names another one")
        yield from head  # a file of bare ids has no head
        index = 0
    for row in rows:
        if len(row) > index and row[index]:
            yield row[index]


def _column(head: Sequence[str], names: Sequence[str]) -> int | None:
    """The index of the first of these columns; some warehouses write their names in upper case."""
    lower_case = [column.lower() for column in head]
    for columns, candidates in ((head, names), (lower_case, [name.lower() for name in names])):
        for name in candidates:
            if name in columns:
                return columns.index(name)
    return None


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
