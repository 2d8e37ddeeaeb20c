"""`contract show`, `export` and `test`: a contract for analysts, for Segment's tracking plans, and its examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import click

from consumer import paths
from consumer.avro.schema import WriterSchema
from consumer.cli.output import table
from consumer.cli.params import SCHEMAS_DIR, as_json, exit_with, plain_errors
from consumer.contract.cases import Case, differences, read_cases
from consumer.contract.compiler import Contracts
from consumer.contract.describe import rows, skips, tracking_plan
from consumer.contract.loader import load_contracts
from consumer.contract.rules import KAFKA_MESSAGE_ID, SERVICE_VERSION, Contract
from consumer.errors import ContractError, RecordRejected, RecordSkipped, UsageError
from consumer.jsonio import dumps, loads, pretty
from consumer.model import Record


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
        click.echo(dumps([_as_dict(contract) for contract in contracts]))
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
    plan = pretty(tracking_plan(load_contracts(schemas_dir)))  # it can fail, and then nothing must be written
    output.write(f"{plan}\n")


@click.command()
@click.argument(
    "schemas_dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=paths.schemas,
    metavar="[DIR]",
)
@as_json("report")
@plain_errors
def test(schemas_dir: Path, as_json: bool) -> None:
    """Run the example cases in DIR/cases.

    A case is a record, and the event that it becomes or the reason why it becomes none. DIR is a schemas folder, by
    default SCHEMAS_DIR or the packaged one. Exit code 1 if a case fails.

    \b
    Example:
      sprig-to-segment contract test schemas
    """
    contracts = Contracts(schemas_dir, SERVICE_VERSION)
    cases = read_cases(schemas_dir)
    results = [(case, differences(case.expected, _outcome(case, schemas_dir, contracts))) for case in cases]
    failed = sum(bool(lines) for _, lines in results)
    if as_json:
        click.echo(dumps([{"file": case.file, "case": case.name, "differences": lines} for case, lines in results]))
    else:
        for case, lines in results:
            verdict = "FAIL" if lines else "ok  "
            click.echo(f"{verdict}  {case.file}  {case.name}")
            for line in lines:
                click.echo(f"        {line}")
        click.echo(f"{len(results)} cases, {failed} failed")
    exit_with(not failed)


def _notes(contract: Contract) -> list[str]:
    environment = ", else ".join(contract.environment) or "nothing, so SEGMENT_WRITE_KEY is for all"
    return [f"environment: {environment}", *skips(contract)]


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


def _outcome(case: Case, schemas_dir: Path, contracts: Contracts) -> Mapping[str, Any]:
    """What the case's record becomes, in the form of `Case.expected`; special sources appear as their names."""
    from consumer.avro.json_to_avro import encode_json  # the other commands need no Avro codec

    try:
        schema, decoded = encode_json(_schema(case, schemas_dir), case.record)
    except UsageError as error:
        raise ContractError(*(f"{case.file}: {case.name}: {line}" for line in error.lines)) from None
    record = Record(0, 0, case.timestamp, None, None, ())
    try:
        mapper = contracts.mapper(schema)
        event = loads(dumps(mapper.event(decoded, record, KAFKA_MESSAGE_ID)))
        return {"call": event, "environment": mapper.environment(decoded)}
    except RecordSkipped as skip:
        return {"skipped": skip.reason}
    except RecordRejected as error:
        return {"unprocessable": {"reason": error.reason, "detail": error.detail}}


def _schema(case: Case, schemas_dir: Path) -> WriterSchema:
    from consumer.avro import schema_files  # likewise

    if case.schema:
        return schema_files.load_file(schemas_dir / case.schema)
    return schema_files.raw_schema(schemas_dir)
