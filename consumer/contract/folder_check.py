"""Whether a contract fits any of the schemas that its folder has: what no schema has is a mistake in the contract."""

from collections.abc import Iterator, Sequence

from consumer.avro.schema import AvroType
from consumer.contract.conversion_check import check_conversion, converted_type
from consumer.contract.field_path import field_paths, resolve_path, suggested_fields
from consumer.contract.findings import Finding
from consumer.contract.keywords import suggestion
from consumer.contract.list_check import check_list_form
from consumer.contract.loader import choose_contract
from consumer.contract.rules import KAFKA_TIMESTAMP, SPECIAL_SOURCES, Contract, Field, fields_of
from consumer.errors import RecordRejected


def check_folder(contracts: Sequence[Contract], roots: Sequence[AvroType]) -> dict[str, list[Finding]]:
    """
    The problems of each contract that has some, by its file. `roots`: the types of record of all schemas.

    A contract is compared with the records that it is chosen for, because these are the only ones that it maps.
    """
    roots_by_file: dict[str, list[AvroType]] = {contract.file: [] for contract in contracts}
    for root in roots:
        try:
            roots_by_file[choose_contract(contracts, root).file].append(root)
        except RecordRejected:
            continue
    problems: dict[str, list[Finding]] = {}
    for contract in contracts:
        chosen = roots_by_file[contract.file]
        problems[contract.file] = [*_problems(contract, chosen)] if chosen else [_without_schema(contract, roots)]
    return {file: findings for file, findings in problems.items() if findings}


def _without_schema(contract: Contract, roots: Sequence[AvroType]) -> Finding:
    names = tuple(root.name for root in roots if root.name)
    text = f"no schema in the folder has a record {contract.record}{suggestion(contract.record, names)}"
    return Finding("problem", "/x-record", text)


def _problems(contract: Contract, roots: Sequence[AvroType]) -> Iterator[Finding]:
    unused = [path for root in roots for path in field_paths(root) if path not in contract.sources]
    for source, place in contract.sources.items():
        if not any(resolve_path(root, source) for root in roots):
            text = f"no schema in the folder has the field {source}{suggested_fields(source, unused)}"
            yield Finding("problem", place, text)
    for field in fields_of(contract.event):
        types = _types(field, roots)
        findings = [
            *check_conversion(field, types),
            *check_list_form(field, [converted_type(avro, field) for avro in types]),
        ]
        yield from (finding for finding in findings if finding.severity == "problem")


def _types(field: Field, roots: Sequence[AvroType]) -> list[AvroType]:
    """The types that the field's sources can have in records of any of the types."""
    sources = [resolve_path(root, path) for root in roots for path in field.sources if path not in SPECIAL_SOURCES]
    types = [alternative for source in sources if source for alternative in source.avro.alternatives]
    if KAFKA_TIMESTAMP in field.sources:
        types.append(AvroType("long"))
    return types
