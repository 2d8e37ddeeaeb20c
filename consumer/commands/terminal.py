"""What commands print for people: tables that fit a terminal, and that stay plain in a pipe."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED = 200  # columns where no terminal says how many there are


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: Sequence[str] = ()) -> None:
    """Print a table under its title, and lines below it. Texts are printed as they are, whatever they hold."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    console = _console()
    with console.capture() as printed:
        console.print(Text(title, "bold"), made, *map(Text, note), sep="\n")
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n")


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED)
