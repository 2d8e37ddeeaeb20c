"""The commands under `contract`: names, options and help."""

import sys
from pathlib import Path
from typing import IO

import click

from consumer import paths
from consumer.cli.params import SCHEMAS_DIR, as_json, told_plainly


@click.group()
def contract() -> None:
    """Show, export and test the contract files.

    \b
    Example:
      sprig-to-segment contract show
    """


@contract.command()
@SCHEMAS_DIR
@as_json("tables")
@told_plainly
def show(schemas_dir: Path, as_json: bool) -> None:
    """What an event looks like in Segment.

    It has a line for each field, with its type, and where it comes from.

    \b
    Example:
      sprig-to-segment contract show --schemas-dir schemas
    """
    from consumer.cli import contract as command

    command.show(schemas_dir, as_json)


@contract.command()
@SCHEMAS_DIR
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="Write to this file.",
    metavar="FILE",
)
@told_plainly
def export(schemas_dir: Path, output: IO[str]) -> None:
    """The rules of Segment's tracking plan.

    They are as its Public API takes them: no annotation is left.

    \b
    Example:
      sprig-to-segment contract export --output rules.json
    """
    from consumer.cli import contract as command

    command.export(schemas_dir, output)


@contract.command()
@click.argument(
    "schemas_dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=paths.schemas,
    metavar="[DIR]",
)
@as_json("report")
@told_plainly
def test(schemas_dir: Path, as_json: bool) -> None:
    """Run the example cases in DIR/cases.

    Each is a record in, and a call out, or the reason why not. DIR is a schemas folder, by default SCHEMAS_DIR or
    the packaged one. Exit code 1 if a case fails.

    \b
    Example:
      sprig-to-segment contract test schemas
    """
    from consumer.cli import contract_test as command

    sys.exit(command.main(schemas_dir, as_json))
