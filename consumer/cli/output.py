"""How commands print: what a record becomes, tables that fit a terminal, and progress bars."""

import math
import re
import shutil
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO, TypeVar

import click

from consumer.cli.columns import table_lines, wrapped
from consumer.jsonio import dumps, iso_millis, loads, pretty
from consumer.model import MappedRecord, Record, Rejected, Skipped, TrackEvent
from consumer.outside_text import MAX_SENTENCE_LENGTH, escaped_json, outside_text
from consumer.reasons import reject_meaning

EVENT, SKIPPED, REJECTED = "call", "skipped", "set_aside"
"""The values of `outcome` in JSON."""

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
        print_json(outcome)
        return
    address = f"{outcome['partition']}:{outcome['offset']}"
    print_text(f"{address}  {outcome['timestamp'] or 'no time'}  {describe_outcome(outcome)}", hanging=2, bold=True)
    if outcome["outcome"] == EVENT:
        print_indented(outcome["call"])
    for warning in outcome.get("warnings", ()):
        click.secho(outside_text(f"warning: {warning}", MAX_SENTENCE_LENGTH), fg="yellow")


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
    Print a title, a table if there are rows, and notes. On a terminal they wrap to its width.

    No table library: httpx and structlog import the usual one (rich) wherever it is installed, which adds 65 ms to
    each start of the service.
    """
    print_text(title, bold=True)
    if rows:
        safe_rows = [[_safe_cell(cell) for cell in row] for row in (columns, *rows)]
        for line in table_lines(safe_rows, _terminal_width(sys.stdout)):
            click.echo(line)
    for note in notes:
        print_text(note)
    click.echo()


def print_text(text: str, *, hanging: int = 0, bold: bool = False, err: bool = False) -> None:
    """Print lines, which wrap on a terminal. What is behind the end of a line begins with `hanging` blanks."""
    width = _terminal_width(sys.stderr if err else sys.stdout)
    for line in text.split("\n"):
        for part in wrapped(outside_text(line, MAX_SENTENCE_LENGTH), width, hanging):
            click.echo(click.style(part, bold=True) if bold else part, err=err)


def print_command(arguments: str, program: str = "sprig-to-segment", *, err: bool = False) -> None:
    """
    Print a command of the product, to copy.

    On a terminal a long command goes on in the next line, as a shell reads it. It breaks before options only, because
    the value of an option may be quoted.
    """
    width, line = _terminal_width(sys.stderr if err else sys.stdout), f"  {program}"
    for part in re.split(r" (?=--)", arguments):
        if len(line) + len(part) + len("  \\") > width:
            click.echo(f"{line} \\", err=err)
            line = "   "
        line += f" {part}"
    click.echo(line, err=err)


def print_json(value: Any) -> None:
    """Print one line of JSON for machines: exact values, with escapes for what a terminal would obey."""
    click.echo(escaped_json(dumps(value).decode()))


def print_indented(value: Any) -> None:
    """Print JSON for people, with the escapes of `print_json`."""
    click.echo(escaped_json(pretty(value)))


def progress_bar(total: int, unit: str, quiet: bool = False) -> Any:
    """A bar with `update(n)`, as a context manager: on the standard error of a terminal, unless it is `quiet`."""
    from tqdm import tqdm  # only commands with long work need it

    tqdm.monitor_interval = 0  # no thread of its own
    return tqdm(
        total=total,
        unit=f" {unit}",
        disable=quiet or not sys.stderr.isatty(),
        leave=False,
        unit_scale=total > 10_000,
        mininterval=0.2,
    )


def with_progress(items: Iterable[_T], total: int, unit: str, quiet: bool = False) -> Iterator[_T]:
    """The same items, while a bar shows how many of `total` were yielded. `quiet`: no bar, as lines are printed."""
    with progress_bar(total, unit, quiet) as progress:
        for item in items:
            yield item
            progress.update(1)


def _safe_cell(cell: str) -> str:
    """A cell stays in its row, so a line break of ours becomes a blank."""
    return outside_text(cell.replace("\n", " "), MAX_SENTENCE_LENGTH)


def _terminal_width(stream: TextIO) -> int:
    """The width to which everything that is printed has to fit. A pipe has no width: its lines stay whole."""
    if not stream.isatty():
        return sys.maxsize
    return shutil.get_terminal_size().columns
