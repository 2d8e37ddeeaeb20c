"""Which dead letters are meant: by reason, time, partition and offset of the records that they hold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import click

from consumer.cli.param_types import TIME
from consumer.kafka.letters import Kept

ALL = "all"
_UNBOUNDED = (-1, 2**63)


@dataclass(frozen=True, slots=True)
class Choice:
    """No reason and no partition stand for all of them. Times (ms since 1970) and offsets: first to second."""

    reasons: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    times: tuple[int, int] = _UNBOUNDED
    offsets: tuple[int, int] = _UNBOUNDED

    def __contains__(self, letter: Kept) -> bool:
        record = letter.record
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.partitions or record.partition in self.partitions)
            and self.times[0] <= record.timestamp < self.times[1]
            and self.offsets[0] <= record.offset < self.offsets[1]
        )

    def __str__(self) -> str:
        """One text for one choice, which `parsed` reads."""
        return urlencode(list(self._told())) or ALL

    def _told(self) -> Iterator[tuple[str, object]]:
        yield from (("reason", reason) for reason in sorted(self.reasons))
        yield from (("partition", number) for number in sorted(self.partitions))
        for name, (first, last) in (("time", self.times), ("offset", self.offsets)):
            if (first, last) != _UNBOUNDED:
                yield name, f"{first}-{last}"


def parsed(text: str) -> Choice | None:
    """The choice that this is the text of; None if it is none."""
    try:
        said = parse_qsl(text, strict_parsing=True) if text != ALL else []
        choice = Choice(
            frozenset(value for name, value in said if name == "reason"),
            frozenset(int(value) for name, value in said if name == "partition"),
            _range(said, "time"),
            _range(said, "offset"),
        )
    except ValueError:
        return None
    return choice if str(choice) == text else None


def _range(said: Sequence[tuple[str, str]], name: str) -> tuple[int, int]:
    for found, value in said:
        if found == name:
            first, _, last = value.removeprefix("-").partition("-")
            return -int(first) if value.startswith("-") else int(first), int(last)
    return _UNBOUNDED


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that make a choice, which `made` takes."""
    for option in (
        click.option(
            "--offset", "offset", metavar="OFFSET[-LAST]", help="Records with this offset, or a range of them."
        ),
        click.option(
            "--partition", "partition", type=click.IntRange(0), multiple=True, help="Records of this partition."
        ),
        click.option("--until", type=TIME, help="Records older than this."),
        click.option("--since", type=TIME, help="Records of this time and younger, such as 2026-03-02."),
        click.option("--reason", multiple=True, help="Letters with this reason; it may be given several times."),
    ):
        command = option(command)
    return command


def made(
    reason: Sequence[str], since: int | None, until: int | None, partition: Sequence[int], offset: str | None
) -> Choice:
    """The choice that these options make. Raises click.BadParameter."""
    times = _UNBOUNDED[0] if since is None else since, _UNBOUNDED[1] if until is None else until
    return Choice(frozenset(reason), frozenset(partition), times, _offsets(offset) if offset else _UNBOUNDED)


def _offsets(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not first.isdecimal() or not (last if dash else first).isdecimal():
        raise click.BadParameter(
            f"{text!r} must be an offset or a range of them, such as 1042 or 1042-1050", param_hint="--offset"
        )
    return int(first), int(last if dash else first) + 1
