"""How commands print: what a record becomes, tables that fit a terminal, and progress bars."""

import math
import shutil
import sys
import textwrap
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from consumer.jsonio import dumps, iso_millis, loads, pretty
from consumer.model import MappedRecord, Record, Rejected, Skipped, TrackEvent
from consumer.reasons import reject_meaning

EVENT, SKIPPED, REJECTED = "call", "skipped", "set_aside"
"""The values of `outcome` in JSON."""

COLUMN_GAP = 2
MIN_LAST_COLUMN = 24  # characters; on a terminal that leaves fewer, the terminal itself wraps the lines

_T = TypeVar("_T")


def as_dict(record: Record, mapped: MappedRecord) -> dict[str, Any]:
    """The record's address and what the record becomes: the event, or the reason why there is none."""
    address = {"partition": record.partition, "offset": record.offset, "timestamp": iso_time(record.timestamp)}
    return {**address, **_outcome(mapped)}


def _outcome(mapped: MappedRecord) -> Mapping[str, Any]:
    match mapped:
        case TrackEvent(key=key, body=body):
            return {"outcome": EVENT, "environment": key.environment, "call": loads(body)}
        case Skipped(reason):
            return {"outcome": SKIPPED, "reason": reason}
        case Rejected(reason, stage, detail, schema):
            return {"outcome": REJECTED, "reason": reason, "stage": stage, "detail": detail, "schema": schema}
        case _:
            raise AssertionError("a command waits for schemas")


def print_outcome(outcome: Mapping[str, Any]) -> None:
    """Print what `as_dict` returned: lines with indented JSON on a terminal, one line of JSON elsewhere."""
    if not sys.stdout.isatty():
        click.echo(dumps(outcome))
        return
    address = f"{outcome['partition']}:{outcome['offset']}"
    click.secho(f"{address}  {outcome['timestamp'] or 'no time'}  {describe_outcome(outcome)}", bold=True)
    if outcome["outcome"] == EVENT:
        click.echo(pretty(outcome["call"]))
    for warning in outcome.get("warnings", ()):
        click.secho(f"warning: {warning}", fg="yellow")


def describe_outcome(outcome: Mapping[str, Any]) -> str:
    """What `as_dict` returned, for people."""
    if outcome["outcome"] == EVENT:
        return label("event", outcome["environment"])
    reason = outcome["reason"]
    if outcome["outcome"] == SKIPPED:
        return f"skipped: {reason}"
    explanation = "; ".join(text for text in (reject_meaning(reason), outcome["detail"]) if text)
    return f"rejected: {reason} ({outcome['stage']}: {explanation})"


def iso_time(millis: int) -> str | None:
    """Milliseconds since 1970 as ISO-8601; None for a record without a time, or with one after the year 9999."""
    if millis < 0:
        return None
    try:
        return iso_millis(millis)
    except OverflowError:
        return None


def json_value(value: Any) -> Any:
    """A decoded record as JSON can hold it: bytes in base64, a NaN or an infinity by its name."""
    match value:
        case dict():
            return {str(name): json_value(inner) for name, inner in value.items()}
        case list() | tuple():
            return [json_value(inner) for inner in value]
        case bytes():
            return b64encode(value).decode()
        case float() if not math.isfinite(value):
            return str(value)
        case int() if not -(2**63) <= value < 2**64:
            return str(value)
        case _:
            return value


def counted(number: int, noun: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def label(name: str, detail: str, separator: str = ", ") -> str:
    """`Segment, production`, or only `Segment` if there is no detail."""
    return f"{name}{separator}{detail}" if detail else name


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """
    Print a title, a table if there are rows, and notes. On a terminal the last column wraps.

    No table library: httpx and structlog import the usual one (rich) wherever it is installed, which adds 65 ms to
    each start of the service.
    """
    click.secho(title, bold=True)
    if rows:
        for line in _lines([columns, *rows], _terminal_width()):
            click.echo(line)
    for note in notes:
        click.echo(note)
    click.echo()


def progress_bar(total: int, unit: str) -> Any:
    """A bar with `update(n)`, as a context manager: on the standard error of a terminal, nothing elsewhere."""
    from tqdm import tqdm  # only commands with long work need it

    tqdm.monitor_interval = 0  # no thread of its own
    return tqdm(
        total=total,
        unit=f" {unit}",
        disable=not sys.stderr.isatty(),
        leave=False,
        unit_scale=total > 10_000,
        mininterval=0.2,
    )


def with_progress(items: Iterable[_T], total: int, unit: str) -> Iterator[_T]:
    """The same items, while a bar shows how many of `total` were yielded."""
    with progress_bar(total, unit) as progress:
        for item in items:
            yield item
            progress.update(1)


def _lines(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    widths = [max(map(len, column)) + COLUMN_GAP for column in list(zip(*rows, strict=True))[:-1]]
    indent = sum(widths)
    for *cells, last in rows:
        start = "".join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
        wrapped = textwrap.wrap(last, max(MIN_LAST_COLUMN, width - indent), break_on_hyphens=False) or [""]
        yield (start + wrapped[0]).rstrip()
        yield from (" " * indent + line for line in wrapped[1:])


def _terminal_width() -> int:
    if not sys.stdout.isatty():
        return sys.maxsize
    return shutil.get_terminal_size().columns
