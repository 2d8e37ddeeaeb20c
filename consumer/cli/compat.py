"""Whether the writers' schemas of a topic can feed the contracts, proved and told."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

import consumer.settings
from consumer import paths
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_files import load_file
from consumer.avro.schema_lookup import NotThere, Unreachable, UnsupportedSchema
from consumer.cli.terminal import counted, table
from consumer.contract.choose import choose
from consumer.contract.compatibility import Finding, Weight, prove
from consumer.contract.loader import load_contracts
from consumer.contract.rules import Contract
from consumer.errors import SettingsError, UnprocessableRecord, UnsafeSchema
from consumer.jsonio import dumps

SETTINGS = ("KAFKA_TOPIC", "SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_CONFIG", "SCHEMAS_DIR", "ON_UNKNOWN_RECORD")


class Proved(NamedTuple):
    """What was found of one type of record: where its schema is from, its contract ("" if none), what to know."""

    schema: str
    record: str
    contract: str
    findings: Sequence[Finding]

    @property
    def good(self) -> bool:
        return not any(finding.weight == "problem" for finding in self.findings)


def contract_only(
    env_file: Path | None, files: Sequence[Path], subjects: Sequence[str], strict: bool, as_json: bool
) -> int:
    """Prove files, or all versions of subjects; print what was found, and give the exit code. `strict`: no warnings."""
    settings = consumer.settings.load(env_file, only=SETTINGS)
    contracts = load_contracts(settings.schemas_dir or paths.schemas())
    if not files and not settings.schema_registry_url:
        raise SettingsError("give --schema FILE, or SCHEMA_REGISTRY_URL for the schemas that are registered")
    found = from_files(files) if files else from_registry(settings, subjects)
    proved = proved_by(contracts, found, settings.on_unknown_record)
    if as_json:
        click.echo(dumps([told(one) for one in proved]))
    else:
        report(proved)
        click.echo(f"{counted(len(proved), 'schema')}: {weighed(proved)}")
    return 0 if good(proved, strict) else 1


def good(proved: Sequence[Proved], strict: bool) -> bool:
    bad = {"problem", "warning"} if strict else {"problem"}
    return not any(finding.weight in bad for one in proved for finding in one.findings)


def proved_by(contracts: Sequence[Contract], found: Iterable[WriterSchema | Proved], unknown: str) -> list[Proved]:
    """What was found, record by record. `unknown` is ON_UNKNOWN_RECORD."""
    return [one for schema in found for one in _proved(contracts, schema, unknown)]


def weighed(proved: Sequence[Proved]) -> str:
    weights = Counter(finding.weight for one in proved for finding in one.findings)
    return ", ".join(counted(weights[weight], weight) for weight in ("problem", "warning", "note"))


def from_files(files: Sequence[Path]) -> Iterator[WriterSchema | Proved]:
    for path in files:
        try:
            yield load_file(path)
        except UnsafeSchema as error:
            yield refused(path.name, str(error))


def from_registry(settings: consumer.settings.Settings, subjects: Sequence[str]) -> Iterator[WriterSchema | Proved]:
    from consumer.avro.schema_registry import Registry  # its client takes 0.15 s to import

    registry = Registry(str(settings.schema_registry_url), settings.schema_registry_config.get_secret_value())
    with contextlib.closing(registry):
        for subject in subjects or [f"{settings.kafka_topic}-value"]:
            try:
                for number, fetch in registry.versions(subject):
                    yield _fetched(f"{subject} version {number}", fetch)
            except NotThere:
                yield refused(subject, "the registry has no such subject")
            except Unreachable as error:
                yield refused(subject, f"no answer from the schema registry: {error}")


def _fetched(label: str, fetch: Callable[[], WriterSchema]) -> WriterSchema | Proved:
    try:
        return fetch()
    except (NotThere, Unreachable) as error:
        return refused(label, f"no answer from the schema registry: {error}")
    except (UnsafeSchema, UnsupportedSchema) as error:
        return refused(label, str(error))


def refused(label: str, why: str) -> Proved:
    return Proved(label, "", "", [Finding("problem", "", why)])


def _proved(contracts: Sequence[Contract], schema: WriterSchema | Proved, unknown: str) -> Iterator[Proved]:
    if isinstance(schema, Proved):
        yield schema
        return
    for one in schema.branches or (schema,):
        name = one.root.name or one.root.kind
        try:
            contract = choose(contracts, one.root)
        except UnprocessableRecord as error:
            weight: Weight = "note" if unknown == "skip" or one.root.kind == "null" else "problem"
            what = f"{error.detail}: ON_UNKNOWN_RECORD={unknown}"
            yield Proved(schema.label, name, "", [Finding(weight, "", what)])
        else:
            yield Proved(schema.label, name, contract.file, prove(contract, one.root))


def report(proved: Sequence[Proved]) -> None:
    for one in proved:
        by = f" by {one.contract}" if one.contract else ""
        rows = [(finding.weight, finding.place or "-", finding.what) for finding in one.findings]
        title = " ".join(part for part in (one.schema, one.record) if part)
        table(f"{title}{by}", ("", "where", "what"), rows, [] if rows else ["every property has its source"])


def told(one: Proved) -> dict[str, object]:
    findings = [finding._asdict() for finding in one.findings]
    return {"schema": one.schema, "record": one.record, "contract": one.contract, "ok": one.good, "findings": findings}
