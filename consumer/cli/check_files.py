"""The findings about the schemas in files."""

from collections.abc import Sequence

from consumer import paths
from consumer.avro.schema_files import known_schemas, used_by_others
from consumer.cli import compat
from consumer.cli.compat import CheckedSchema
from consumer.contract.findings import Finding
from consumer.contract.rules import Contract
from consumer.errors import UnsafeSchema
from consumer.settings import Settings


def check_files(settings: Settings, contracts: Sequence[Contract]) -> Sequence[CheckedSchema]:
    """
    By type of record, of the files that values can be written with.

    A file may have nothing but a type of other files, which no value has. So such a type is checked only if a contract
    names it.
    """
    folder = settings.schemas_dir or paths.schemas()
    try:
        schemas, used = known_schemas(settings.avro_framing, folder).values(), used_by_others(folder)
    except UnsafeSchema as error:
        return [compat.refused("SCHEMAS_DIR", str(error))]
    named = {contract.file for contract in contracts if "*" not in contract.record}
    checked = compat.check_schemas(contracts, schemas, settings.on_unknown_record)
    return [
        schema if schema.contract in named or schema.schema not in used else _with_note(schema) for schema in checked
    ]


def _with_note(schema: CheckedSchema) -> CheckedSchema:
    return schema._replace(
        findings=[Finding("note", "", "other files use this type, and no contract names it: not checked")]
    )
