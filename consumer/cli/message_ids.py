"""The messageIds that a warehouse or a bucket behind Segment holds: a million of them in some ten megabytes."""

import csv
import gzip
import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from consumer.errors import UsageError
from consumer.jsonio import JsonError, loads

NAMES = ("messageId", "message_id", "id")
"""Where exports have it: Segment's raw calls, and the tables of its warehouses (segment-docs, warehouses/schema)."""

_GZIP = b"\x1f\x8b"
_BUCKETS = 256


class Ids:
    """A set of texts, of which 8 bytes each are kept; two different ones meet once in some 10^7 sets of a million."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        for text in texts:
            digest = _digest(text)
            self._buckets[digest % _BUCKETS].append(digest)
        for number, bucket in enumerate(self._buckets):  # one after the other, as sorting takes a copy of objects
            self._buckets[number] = array("Q", sorted(bucket))

    def __contains__(self, text: str) -> bool:
        digest = _digest(text)
        bucket = self._buckets[digest % _BUCKETS]
        place = bisect_left(bucket, digest)
        return place < len(bucket) and bucket[place] == digest

    def __len__(self) -> int:
        return sum(map(len, self._buckets))


def message_ids(path: Path, column: str | None) -> Iterator[str]:
    """
    The messageIds in a file of CSV, JSON lines or bare ids, gzipped or not; `-` is standard input.

    `column` is where they stand, by default one of NAMES. Raises UsageError with the line that is none.
    """
    with _opened(path) as raw:
        head = raw.peek(2)[:2]
        plain: Any = gzip.open(raw) if head == _GZIP else raw  # noqa: SIM115 - closed with what it reads
        lines = (line.decode("utf-8", "replace").lstrip("\ufeff") for line in plain)
        first = next(lines, "")
        rest = chain([first], lines)
        try:
            if first.lstrip().startswith("{"):
                yield from _of_json(path, rest, column)
            else:
                yield from _of_csv(path, rest, column)
        except (OSError, EOFError, csv.Error) as error:
            raise UsageError(f"{path}: cannot be read: {error}") from None


def _opened(path: Path) -> Any:
    try:
        return sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _of_json(path: Path, lines: Iterable[str], column: str | None) -> Iterator[str]:
    names = [column] if column else NAMES
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = loads(line)
        except JsonError:
            raise UsageError(f"{path}:{number}: expected a JSON object in each line") from None
        found = next(
            (value[name] for name in names if isinstance(value, dict) and isinstance(value.get(name), str)), None
        )
        if found is None:
            raise UsageError(f"{path}:{number}: expected a text as {' or '.join(names)}; --column names another field")
        yield found


def _of_csv(path: Path, lines: Iterable[str], column: str | None) -> Iterator[str]:
    rows = csv.reader(lines)
    head = next(rows, [])
    names = [column] if column else NAMES
    place = next((head.index(name) for name in names if name in head), None)
    lower = [name.lower() for name in head]
    if place is None:  # some warehouses shout
        place = next((lower.index(name.lower()) for name in names if name.lower() in lower), None)
    if place is None:
        if column or len(head) > 1:
            raise UsageError(f"{path}:1: expected a column {' or '.join(names)}; --column names another one")
        yield from head
        place = 0
    for row in rows:
        if len(row) > place and row[place]:
            yield row[place]


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
