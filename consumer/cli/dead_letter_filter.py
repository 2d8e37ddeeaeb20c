"""The selection of dead letters: by reason, and by time, partition and offset of the records that they hold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import click

from consumer.cli.params import REASON, TIME
from consumer.kafka.dead_letter_headers import StoredDeadLetter

ALL = "all"
_UNBOUNDED = (-1, 2**63)


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """
    Which dead letters are selected. Empty `reasons` or `partitions` select all of them.

    `times` (of the records, in ms since 1970) and `offsets` are ranges whose second value is excluded.
    """

    reasons: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    times: tuple[int, int] = _UNBOUNDED
    offsets: tuple[int, int] = _UNBOUNDED

    def __contains__(self, dead_letter: StoredDeadLetter) -> bool:
        record = dead_letter.record
        return (
            (not self.reasons or dead_letter.rejected.reason in self.reasons)
            and (not self.partitions or record.partition in self.partitions)
            and self.times[0] <= record.timestamp < self.times[1]
            and self.offsets[0] <= record.offset < self.offsets[1]
        )

    def __str__(self) -> str:
        """The same text for the same filter; `parse_filter` reads it."""
        return urlencode(list(self._fields())) or ALL

    def _fields(self) -> Iterator[tuple[str, object]]:
        yield from (("reason", reason) for reason in sorted(self.reasons))
        yield from (("partition", partition) for partition in sorted(self.partitions))
        for name, (first, end) in (("time", self.times), ("offset", self.offsets)):
            if (first, end) != _UNBOUNDED:
                yield name, f"{first}-{end}"


def parse_filter(text: str) -> DeadLetterFilter | None:
    """The filter that has this text; None if none has it."""
    try:
        fields = [] if text == ALL else parse_qsl(text, strict_parsing=True)
        dead_letter_filter = DeadLetterFilter(
            frozenset(value for name, value in fields if name == "reason"),
            frozenset(int(value) for name, value in fields if name == "partition"),
            _range(fields, "time"),
            _range(fields, "offset"),
        )
    except ValueError:
        return None
    return dead_letter_filter if str(dead_letter_filter) == text else None


def _range(fields: Sequence[tuple[str, str]], field: str) -> tuple[int, int]:
    for name, value in fields:
        if name == field:
            first, _, end = value.removeprefix("-").partition("-")
            if value.startswith("-"):
                first = f"-{first}"
            return int(first), int(end)
    return _UNBOUNDED


_OPTIONS = (
    click.option(
        "--offset", "offset", metavar="OFFSET[-LAST]", help="Records with this offset, or a range of offsets."
    ),
    click.option(
        "--partition",
        "partition",
        type=click.IntRange(0),
        multiple=True,
        help="Records of this partition; can be given several times.",
    ),
    click.option("--until", type=TIME, help="Records from before this time, by the record's own timestamp."),
    click.option(
        "--since",
        type=TIME,
        help="Records of this time or later, such as 2026-03-02, by the record's own timestamp.",
    ),
    click.option(
        "--reason", type=REASON, multiple=True, help="Dead letters with this reason; can be given several times."
    ),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that select dead letters; `from_options` takes their values."""
    for option in _OPTIONS:
        command = option(command)
    return command


def from_options(
    reason: Sequence[str], since: int | None, until: int | None, partition: Sequence[int], offset: str | None
) -> DeadLetterFilter:
    """The filter of these options. Raises click.BadParameter."""
    begin, end = _UNBOUNDED
    if since is not None:
        begin = since
    if until is not None:
        end = until
    if since is not None and until is not None and until <= since:
        raise click.BadParameter("must be after --since", param_hint="--until")
    offsets = _parse_offsets(offset) if offset else _UNBOUNDED
    return DeadLetterFilter(frozenset(reason), frozenset(partition), (begin, end), offsets)


def _parse_offsets(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not dash:
        last = first
    if not (first.isdecimal() and last.isdecimal()):
        raise click.BadParameter(
            f"{text!r} must be an offset or a range of offsets, such as 1042 or 1042-1050", param_hint="--offset"
        )
    if int(first) > int(last):
        raise click.BadParameter(f"{text!r} ends before it begins", param_hint="--offset")
    return int(first), int(last) + 1
