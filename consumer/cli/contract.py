"""`contract show` and `contract export`: a contract for analysts, and for Segment's tracking plans."""

from pathlib import Path
from typing import IO

import click

from consumer.cli.terminal import table
from consumer.contract.describe import rows, skips, tracking_plan
from consumer.contract.loader import load_contracts
from consumer.contract.rules import Contract
from consumer.jsonio import dumps, pretty


def show(schemas_dir: Path, as_json: bool) -> None:
    """A table for each contract, or all of them as one JSON line. Raises ContractError."""
    contracts = load_contracts(schemas_dir)
    if as_json:
        click.echo(dumps([_told(contract) for contract in contracts]))
        return
    for contract in contracts:
        title = f"{contract.file}, for records {contract.record}"
        shown = [(one.field, one.type, "yes" if one.required else "", one.source) for one in rows(contract)]
        table(title, ("Segment field", "type", "required", "where it comes from"), shown, _notes(contract))


def export(schemas_dir: Path, output: IO[str]) -> None:
    """Write the tracking plan's rules. Raises ContractError before anything is written."""
    plan = pretty(tracking_plan(load_contracts(schemas_dir)))
    output.write(f"{plan}\n")


def _notes(contract: Contract) -> list[str]:
    environment = ", else ".join(contract.environment) or "nothing, so SEGMENT_WRITE_KEY is for all"
    return [f"environment: {environment}", *skips(contract)]


def _told(contract: Contract) -> dict[str, object]:
    return {
        "file": contract.file,
        "record": contract.record,
        "environment": contract.environment,
        "skips": skips(contract),
        "fields": [row._asdict() for row in rows(contract)],
    }
