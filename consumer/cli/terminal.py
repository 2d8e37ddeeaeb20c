"""
What commands print for people: tables that fit a terminal, and that stay plain in a pipe.

Not by a library of tables: httpx and structlog import the usual one wherever it is installed, which costs every start
of the service 65 ms.
"""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

GAP = 2
NARROWEST = 24  # columns of a last column; a terminal that leaves less wraps by itself


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """Print a table, if it has rows, under its title, and lines below it. On a terminal its last column wraps."""
    click.secho(title, bold=True)
    for line in _lines([columns, *rows], _width()) if rows else ():
        click.echo(line)
    for note in notes:
        click.echo(note)
    click.echo()


def counted(number: int, what: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _lines(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    widths = [max(map(len, column)) + GAP for column in list(zip(*rows, strict=True))[:-1]]
    left = sum(widths)
    for *cells, last in rows:
        begin = "".join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
        wrapped = textwrap.wrap(last, max(NARROWEST, width - left), break_on_hyphens=False) or [""]
        yield (begin + wrapped[0]).rstrip()
        yield from (" " * left + line for line in wrapped[1:])


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
