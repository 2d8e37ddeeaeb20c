"""Whether the contracts can map the records of the writers' schemas of a topic."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import consumer.settings
from consumer import factories, paths
from consumer.avro.registry_options import STRATEGY
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_files import load_file
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryUnreachable,
    SchemaNotFound,
    UnsupportedSchema,
    waits_because,
)
from consumer.cli.check_result import failing_states
from consumer.cli.output import counted, print_json, print_text, table
from consumer.cli.settings_source import SettingsSource
from consumer.contract.compatibility import check_compatibility
from consumer.contract.findings import Finding, Severity
from consumer.contract.loader import choose_contract, load_contracts
from consumer.contract.rules import Contract
from consumer.errors import RecordRejected, SettingsError, UnsafeSchema
from consumer.outside_text import outside_text

_NO_SUBJECT = (
    "the registry has no such subject: if producers name subjects by record, set subject.name.strategy.type in "
    "SCHEMA_REGISTRY_CONFIG; if the subject is in a schema context, give --subject :.CONTEXT:SUBJECT"
)
SETTINGS = (
    "KAFKA_TOPIC",
    "SCHEMA_REGISTRY_URL",
    "SCHEMA_REGISTRY_TYPE",
    "SCHEMA_REGISTRY_CONFIG",
    "SCHEMAS_DIR",
    "ON_UNKNOWN_RECORD",
    "TRUST_PROXY_ENV",
    "HTTPS_PROXY",
    "NO_PROXY",
)


class CheckedSchema(NamedTuple):
    """The findings about one type of record: where its schema is from, and its contract ("" if none)."""

    schema: str
    record: str
    contract: str
    findings: Sequence[Finding]

    @property
    def ok(self) -> bool:
        return not any(finding.severity == "problem" for finding in self.findings)

    def as_dict(self) -> dict[str, object]:
        return {
            "schema": self.schema,
            "record": self.record,
            "contract": self.contract,
            "ok": self.ok,
            "findings": [
                {"weight": finding.severity, "place": finding.place, "what": finding.detail}
                for finding in self.findings
            ],
        }


def check_contracts(
    source: SettingsSource, files: Sequence[Path], subjects: Sequence[str], strict: bool, as_json: bool
) -> bool:
    """Check files, or all versions of subjects, and print the findings. Whether all are ok; `strict`: no warnings."""
    settings = source.load(only=SETTINGS)
    contracts = load_contracts(settings.schemas_dir or paths.schemas())
    if not files and not settings.schema_registry_url:
        raise SettingsError("give --schema FILE, or SCHEMA_REGISTRY_URL for the schemas that are registered")
    if not files and not lists_versions(settings):
        raise SettingsError(
            f"give --schema FILE: with SCHEMA_REGISTRY_TYPE={settings.schema_registry_type} the service does not list "
            "the versions of a schema, and `check` without --contract-only looks at the schemas of the newest records"
        )
    writer_schemas = from_files(files) if files else from_registry(settings, contracts, subjects)
    schemas = check_schemas(contracts, writer_schemas, settings.on_unknown_record)
    if as_json:
        print_json([schema.as_dict() for schema in schemas])
    else:
        print_tables(schemas)
        print_text(f"{counted(len(schemas), 'schema')}: {summary(schemas)}")
    return all_ok(schemas, strict)


def all_ok(schemas: Sequence[CheckedSchema], strict: bool) -> bool:
    failing = failing_states(strict)
    return not any(finding.severity in failing for schema in schemas for finding in schema.findings)


def check_schemas(
    contracts: Sequence[Contract], schemas: Iterable[WriterSchema | CheckedSchema], unknown_record: str
) -> list[CheckedSchema]:
    """The findings by type of record. `unknown_record` is ON_UNKNOWN_RECORD."""
    checked: list[CheckedSchema] = []
    for schema in schemas:
        if isinstance(schema, CheckedSchema):
            checked.append(schema)
        else:
            types = schema.branches or (schema,)
            checked += [_check_type(contracts, schema.label, record_type, unknown_record) for record_type in types]
    return checked


def summary(schemas: Sequence[CheckedSchema]) -> str:
    severities = Counter(finding.severity for schema in schemas for finding in schema.findings)
    return ", ".join(counted(severities[severity], severity) for severity in ("problem", "warning", "note"))


def from_files(files: Sequence[Path]) -> Iterator[WriterSchema | CheckedSchema]:
    for path in files:
        try:
            yield load_file(path)
        except UnsafeSchema as error:
            yield refused(path.name, str(error))


def lists_versions(settings: consumer.settings.Settings) -> bool:
    """Whether the registry has the versions of each subject: that is an API of Confluent."""
    return settings.schema_registry_type == "confluent"


def from_registry(
    settings: consumer.settings.Settings, contracts: Sequence[Contract], subjects: Sequence[str]
) -> Iterator[WriterSchema | CheckedSchema]:
    """All versions of the subjects, by default of those that the values of the topic have."""
    with contextlib.closing(factories.confluent_registry(settings)) as registry:
        for subject in subjects or _subjects(settings, contracts):
            try:
                for number, fetch in registry.versions(subject):
                    yield _fetch(f"{subject} version {number}", fetch)
            except SchemaNotFound:
                yield refused(subject, _NO_SUBJECT)
            except RegistryUnreachable as error:
                yield refused(subject, waits_because(error))


def _subjects(settings: consumer.settings.Settings, contracts: Sequence[Contract]) -> Sequence[str]:
    """By the strategy of the producers. Raises SettingsError if the contracts do not tell the names."""
    strategy = settings.schema_registry_config.get_secret_value().get(STRATEGY, "TOPIC")
    if strategy == "TOPIC":
        return [f"{settings.kafka_topic}-value"]
    records = [contract.record for contract in contracts if "*" not in contract.record]
    if not records:
        raise SettingsError(f"give --subject: with {STRATEGY}={strategy} a subject has the name of a record")
    return [f"{settings.kafka_topic}-{record}" if strategy == "TOPIC_RECORD" else record for record in records]


def _fetch(label: str, fetch: Callable[[], WriterSchema]) -> WriterSchema | CheckedSchema:
    try:
        return fetch()
    except SchemaNotFound:
        return refused(label, "the registry lists this version, but does not have it")
    except (IncompleteSchema, RegistryUnreachable) as error:
        return refused(label, waits_because(error))
    except (UnsafeSchema, UnsupportedSchema) as error:
        return refused(label, str(error))


def refused(label: str, problem: str) -> CheckedSchema:
    """A schema that cannot be used at all."""
    return CheckedSchema(label, "", "", [Finding("problem", "", problem)])


def _check_type(
    contracts: Sequence[Contract], label: str, record_type: WriterSchema, unknown_record: str
) -> CheckedSchema:
    root = record_type.root
    name = root.name or root.kind
    try:
        contract = choose_contract(contracts, root)
    except RecordRejected as error:
        is_expected = unknown_record == "skip" or root.kind == "null"
        severity: Severity = "note" if is_expected else "problem"
        finding = Finding(severity, "", f"{error.detail}: ON_UNKNOWN_RECORD={unknown_record}")
        return CheckedSchema(label, name, "", [finding])
    return CheckedSchema(label, name, contract.file, check_compatibility(contract, root, record_type.rules))


def print_tables(schemas: Sequence[CheckedSchema]) -> None:
    """A table of findings for each type of record."""
    for schema in schemas:
        title = " ".join(outside_text(text) for text in (schema.schema, schema.record) if text)
        if schema.contract:
            title += f" by {schema.contract}"
        rows = [(finding.severity, outside_text(finding.place or "-"), finding.detail) for finding in schema.findings]
        notes = []
        if not rows:
            notes.append("every property has its source")
        table(title, ("", "property or field", "finding"), rows, notes)
