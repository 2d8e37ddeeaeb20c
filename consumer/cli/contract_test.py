"""`contract test`: example cases, each through the very encoder, decoder and mapper."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from consumer.avro.json_to_avro import written
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_files import load_file, raw_schema
from consumer.contract.cases import Case, differences, read_cases
from consumer.contract.mapper import Contracts
from consumer.contract.rules import KAFKA_MESSAGE_ID, SERVICE_VERSION
from consumer.errors import ContractError, SkipRecord, UnprocessableRecord, UsageError
from consumer.jsonio import dumps, loads
from consumer.model import Message


def main(schemas_dir: Path, as_json: bool) -> int:
    """Run all cases, print what came of each, and give the exit code. Raises ContractError."""
    contracts = Contracts(schemas_dir, SERVICE_VERSION)
    cases = read_cases(schemas_dir)
    results = [(case, differences(case.expected, outcome(case, schemas_dir, contracts))) for case in cases]
    failed = sum(bool(lines) for _, lines in results)
    if as_json:
        click.echo(dumps([{"file": it.file, "case": it.name, "differences": lines} for it, lines in results]))
    else:
        for case, lines in results:
            click.echo(f"{'FAIL' if lines else 'ok  '}  {case.file}  {case.name}")
            for line in lines:
                click.echo(f"        {line}")
        click.echo(f"{len(results)} cases, {failed} failed")
    return 1 if failed else 0


def outcome(case: Case, schemas_dir: Path, contracts: Contracts) -> Mapping[str, Any]:
    """What becomes of a case's record, with the special sources written as themselves."""
    try:
        schema, record = written(_schema(case, schemas_dir), case.record)
    except UsageError as error:
        raise ContractError(*(f"{case.file}: {case.name}: {line}" for line in error.lines)) from None
    message = Message(0, 0, case.timestamp, None, None, ())
    try:
        mapper = contracts.mapper(schema)
        call = loads(dumps(mapper.call(record, message, KAFKA_MESSAGE_ID)))
        return {"call": call, "environment": mapper.environment(record)}
    except SkipRecord as skip:
        return {"skipped": skip.reason}
    except UnprocessableRecord as error:
        return {"unprocessable": {"reason": error.reason, "detail": error.detail}}


def _schema(case: Case, schemas_dir: Path) -> WriterSchema:
    return load_file(schemas_dir / case.schema) if case.schema else raw_schema(schemas_dir)
