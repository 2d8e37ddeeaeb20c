"""`contract show` and `contract export`: a contract for analysts, and for Segment's tracking plans."""

from pathlib import Path
from typing import IO

import click

from consumer.cli.output import print_json, table
from consumer.cli.params import SCHEMAS_DIR, as_json, plain_errors
from consumer.contract.describe import rows, skips, tracking_plan
from consumer.contract.loader import load_contracts
from consumer.contract.reserved_names import check_names
from consumer.contract.rules import Contract
from consumer.jsonio import pretty
from consumer.outside_text import escaped_json


@click.command()
@SCHEMAS_DIR
@as_json("tables")
@plain_errors
def show(schemas_dir: Path, as_json: bool) -> None:
    """Show what an event looks like in Segment.

    Print a line for each field, with its type and its source.

    \b
    Example:
      sprig-to-segment contract show --schemas-dir schemas
    """
    contracts = load_contracts(schemas_dir)
    if as_json:
        print_json([_as_dict(contract) for contract in contracts])
        return
    for contract in contracts:
        title = f"{contract.file}, for records {contract.record}"
        fields = [(row.field, row.type, "yes" if row.required else "", row.source) for row in rows(contract)]
        table(title, ("Segment field", "type", "required", "where it comes from"), fields, _notes(contract))


@click.command()
@SCHEMAS_DIR
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="Write to this file.",
    metavar="FILE",
)
@plain_errors
def export(schemas_dir: Path, output: IO[str]) -> None:
    """Export the rules of Segment's tracking plan.

    The rules have the form that Segment's Public API accepts, without annotations.

    \b
    Example:
      sprig-to-segment contract export --output rules.json
    """
    plan = escaped_json(
        pretty(tracking_plan(load_contracts(schemas_dir)))
    )  # it can fail, and then nothing must be written
    output.write(f"{plan}\n")


def _notes(contract: Contract) -> list[str]:
    environment = ", else ".join(contract.environment) or "nothing, so SEGMENT_WRITE_KEY is for all"
    warnings = [f"warning: {finding.place}: {finding.detail}" for finding in check_names(contract)]
    return [f"environment: {environment}", *skips(contract), *warnings]


def _as_dict(contract: Contract) -> dict[str, object]:
    return {
        "file": contract.file,
        "record": contract.record,
        "environment": contract.environment,
        "skips": skips(contract),
        "fields": [
            {"field": row.field, "type": row.type, "required": row.required, "source": row.source}
            for row in rows(contract)
        ],
    }
