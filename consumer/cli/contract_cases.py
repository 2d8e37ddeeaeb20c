"""`contract test`: the example cases of a schemas folder, and whether its contracts fit its schemas."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from consumer.avro.schema import AvroType, WriterSchema
from consumer.cli.output import counted, print_json, print_text
from consumer.cli.params import SCHEMAS_DIR, as_json, exit_with, plain_errors
from consumer.contract.cases import Case, differences, read_cases
from consumer.contract.compiler import ContractMapper, Contracts
from consumer.contract.folder_check import check_folder
from consumer.contract.reserved_names import check_names
from consumer.contract.rules import KAFKA_MESSAGE_ID, SERVICE_VERSION, Contract
from consumer.errors import ContractError, RecordRejected, RecordSkipped, UsageError
from consumer.jsonio import dumps, loads
from consumer.model import Record

FITS = "the contract fits the schemas of the folder"
"""The name of the test of a contract, which is reported only if it fails."""


class CaseResult(NamedTuple):
    """The outcome of a case or of a contract: a line for each difference, none if it is as expected."""

    file: str
    name: str
    lines: Sequence[str]

    def as_dict(self) -> dict[str, object]:
        return {"file": self.file, "case": self.name, "differences": self.lines}


@click.command()
@SCHEMAS_DIR
@as_json("report")
@plain_errors
def test(schemas_dir: Path, as_json: bool) -> None:
    """Run the example cases of a schemas folder.

    A case is a record, and the event that it becomes or the reason why it becomes none. The cases are in the
    subfolder `cases`. A contract also fails if it has a field or a conversion that fits no schema of the folder.
    Exit code 1 if something fails.

    \b
    Example:
      sprig-to-segment contract test --schemas-dir schemas
    """
    contracts, schemas = Contracts(schemas_dir, SERVICE_VERSION), _Schemas(schemas_dir)
    cases = read_cases(schemas_dir)
    results = [
        CaseResult(case.file, case.name, differences(case.expected, _outcome(case, schemas, contracts)))
        for case in cases
    ]
    misfits = _misfits(contracts, schemas.roots())
    if as_json:
        print_json([result.as_dict() for result in (*results, *misfits)])
    else:
        _print_warnings(contracts.contracts)
        _print_results(results, misfits)
    exit_with(not any(result.lines for result in (*results, *misfits)))


class _Schemas:
    """The schemas of a folder, each read once."""

    def __init__(self, schemas_dir: Path) -> None:
        self._folder = schemas_dir
        self._schemas: dict[str, WriterSchema] = {}

    def get(self, name: str) -> WriterSchema:
        """The schema that a case names; without a name, the only one in `sprig/`. Raises UnsafeSchema."""
        from consumer.avro import schema_files  # the other commands need no Avro codec

        if name not in self._schemas:
            loaded = schema_files.load_file(self._folder / name) if name else schema_files.raw_schema(self._folder)
            self._schemas[name] = loaded
        return self._schemas[name]

    def roots(self) -> list[AvroType]:
        """The types of record of the schemas in `sprig/`, and of those that cases name. Raises UnsafeSchema."""
        for path in sorted((self._folder / "sprig").glob("*.avsc")):
            self.get(f"sprig/{path.name}")
        return [record_type.root for schema in self._schemas.values() for record_type in schema.branches or (schema,)]


def _outcome(case: Case, schemas: _Schemas, contracts: Contracts) -> Mapping[str, Any]:
    """What the case's record becomes, in the form of `Case.expected`; special sources appear as their names."""
    from consumer.avro.json_to_avro import encode_json  # as above

    try:
        schema, decoded = encode_json(schemas.get(case.schema), case.record)
    except UsageError as error:
        raise ContractError(*(f"{case.file}: {case.name}: {line}" for line in error.lines)) from None
    return map_record(contracts.mapper, schema, decoded, case.timestamp)


def map_record(
    mapper_of: Callable[[WriterSchema], ContractMapper], schema: WriterSchema, decoded: Any, timestamp: int
) -> Mapping[str, Any]:
    """What a decoded record becomes, in the form of `Case.expected`; special sources appear as their names."""
    record = Record(0, 0, timestamp, None, None, ())
    try:
        mapper = mapper_of(schema)
        event = loads(dumps(mapper.event(decoded, record, KAFKA_MESSAGE_ID)))
        return {"event": event, "environment": mapper.environment(decoded)}
    except RecordSkipped as skip:
        return {"skipped": skip.reason}
    except RecordRejected as error:
        return {"rejected": {"reason": error.reason, "detail": error.detail}}


def _misfits(contracts: Contracts, roots: Sequence[AvroType]) -> list[CaseResult]:
    """The contracts that do not fit the schemas of the folder."""
    return [
        CaseResult(f"segment/{file}", FITS, [f"{problem.place}: {problem.detail}" for problem in problems])
        for file, problems in check_folder(contracts.contracts, roots).items()
    ]


def _print_warnings(contracts: Sequence[Contract]) -> None:
    for contract in contracts:
        for finding in check_names(contract):
            print_text(f"warning  segment/{contract.file}  {finding.place}: {finding.detail}", hanging=9)


def _print_results(cases: Sequence[CaseResult], misfits: Sequence[CaseResult]) -> None:
    for result in (*cases, *misfits):
        verdict = "FAIL" if result.lines else "ok  "
        print_text(f"{verdict}  {result.file}  {result.name}", hanging=6)
        for line in result.lines:
            print_text(f"        {line}", hanging=10)
    failed = sum(bool(result.lines) for result in cases)
    summary = f"{counted(len(cases), 'case')}, {failed} failed"
    if misfits:
        summary += f"; {counted(len(misfits), 'contract')} without a fitting schema"
    print_text(summary)
