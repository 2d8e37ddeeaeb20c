"""Files of record addresses: `reconcile --missing-file` writes them, and `dead-letters replay --only` reads them."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import fstat
from os.path import samestat
from pathlib import Path
from typing import Self

from consumer.errors import UsageError
from consumer.jsonio import JsonError, loads
from consumer.kafka.dead_letter_headers import StoredDeadLetter
from consumer.model import RecordAddress

_FORMS = "expected PARTITION:OFFSET or TOPIC PARTITION OFFSET"
_MAX_SHOWN = 10  # wrong lines


@dataclass(frozen=True, slots=True)
class AddressSelection:
    """
    Records that are selected by their addresses in KAFKA_TOPIC, each of them once.

    `repeated` is how many lines of the file had an address that was there before.
    """

    addresses: frozenset[RecordAddress]
    repeated: int = 0

    def __contains__(self, dead_letter: StoredDeadLetter) -> bool:
        return dead_letter.record.address in self.addresses

    def __str__(self) -> str:
        """The same text for the same addresses."""
        digest = hashlib.blake2b(" ".join(map(str, sorted(self.addresses))).encode(), digest_size=8)
        return f"only={digest.hexdigest()}"


class AddressFile:
    """
    Writes a file of addresses, which is at its path only when all of them are written: a part is no file.

    The target of a link is replaced, and the link stays. A device and standard output are written to.

    Each method raises UsageError if the file cannot be written.
    """

    def __init__(self, path: Path, topic: str) -> None:
        self._path, self._topic = path, topic
        with self._explained_errors():
            target = path.resolve()
            is_replaceable = target.is_file() or not target.exists()
            self._part = target.with_name(f"{target.name}.part") if is_replaceable else target
            self._target = target
            self._is_output = _is_standard_output(target)
            self._file = sys.stdout if self._is_output else self._part.open("w", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if self._is_output:
            return
        try:
            with self._explained_errors():
                self._file.close()
                if error_type is None and self._part != self._target:
                    self._part.replace(self._target)
        finally:
            if self._part != self._target:
                self._part.unlink(missing_ok=True)

    def add(self, address: RecordAddress) -> None:
        with self._explained_errors():
            self._file.write(f"{self._topic} {address.partition} {address.offset}\n")

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be written: {error.strerror}") from None


def _is_standard_output(path: Path) -> bool:
    """A second file of the same output would write over what is printed."""
    try:
        return samestat(path.stat(), fstat(sys.stdout.fileno()))
    except (OSError, ValueError):  # no such file, or an output without a file
        return False


def read_addresses(path: Path, topic: str) -> AddressSelection:
    """
    The addresses in a file, or in standard input (`-`); empty lines and lines that begin with # have none.

    A line begins with `PARTITION:OFFSET` or `TOPIC PARTITION OFFSET`, or is a JSON object with `partition` and
    `offset`. What is behind the address is not read. Raises UsageError with the wrong lines, also for another topic.
    """
    addresses: set[RecordAddress] = set()
    lines, mistakes = 0, []
    for number, line in enumerate(_lines(path), 1):
        text = line.removeprefix("\ufeff").strip()
        if not text or text.startswith("#"):
            continue
        lines += 1
        try:
            addresses.add(_parse(text, topic))
        except ValueError as mistake:
            mistakes.append(f"{path}:{number}: {mistake}")
    if len(mistakes) > _MAX_SHOWN:
        mistakes[_MAX_SHOWN:] = [f"{path}: {len(mistakes) - _MAX_SHOWN:,} further lines are wrong"]
    if mistakes:
        raise UsageError(*mistakes)
    return AddressSelection(frozenset(addresses), lines - len(addresses))


def _lines(path: Path) -> Iterator[str]:
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return iter(content.decode("utf-8", "replace").split("\n"))


def _parse(text: str, topic: str) -> RecordAddress:
    """The address at the beginning of a line. Raises ValueError with what is wrong, without the text of the line."""
    if text.startswith("{"):
        return _parse_json(text, topic)
    words = text.split()
    partition, colon, offset = words[0].partition(":")
    if not colon:
        if len(words) < 3:
            raise ValueError(_FORMS)
        _require_topic(words[0], topic)
        partition, offset = words[1:3]
    if not (partition.isascii() and partition.isdecimal() and offset.isascii() and offset.isdecimal()):
        raise ValueError(_FORMS)
    return RecordAddress(int(partition), int(offset))


def _parse_json(text: str, topic: str) -> RecordAddress:
    try:
        fields = loads(text)
    except JsonError:
        raise ValueError(f"{_FORMS}, or a JSON object") from None
    _require_topic(fields.get("topic", topic), topic)
    address = fields.get("partition"), fields.get("offset")
    if not all(type(number) is int and number >= 0 for number in address):
        raise ValueError("expected the numbers partition and offset in the JSON object")
    return RecordAddress(*address)


def _require_topic(name: object, topic: str) -> None:
    if name != topic:
        raise ValueError(f"the address is of another topic than {topic} (KAFKA_TOPIC)")
