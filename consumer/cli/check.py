"""`check`: whether `run` would work with these settings, checked from end to end before it does."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

import consumer.settings
from consumer import paths
from consumer.cli import compat
from consumer.cli.check_files import check_files
from consumer.cli.check_message_ids import check_message_ids
from consumer.cli.check_result import CheckResult, failing_states, note, ok, problem, warning
from consumer.cli.compat import CheckedSchema
from consumer.cli.output import counted, print_json, table
from consumer.cli.params import as_json, exit_with, plain_errors, silence_logs
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.cli.topic_sample import SampleCheck
from consumer.contract.loader import load_contracts
from consumer.contract.rules import Contract
from consumer.errors import UsageError
from consumer.settings import Settings


@click.command()
@settings_options
@click.option("--contract-only", is_flag=True, help="Check only schemas and contracts; no other setting is required.")
@click.option(
    "--schema",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check this Avro schema, which is not registered yet, in place of the registered ones. No registry is "
    "required, and no record is looked at.",
)
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    help="Check all versions of this subject in the registry.  [default: TOPIC-value]",
)
@click.option("--strict", is_flag=True, help="Count warnings as problems, for example a property that is in no event.")
@click.option(
    "--sample",
    type=click.IntRange(1, 10_000),
    default=200,
    show_default=True,
    metavar="N",
    help="Look at this many of the newest records, from all partitions: for about 30 seconds at most.",
)
@click.option("--no-sample", is_flag=True, help="Look at no record.")
@click.option("--send-test", is_flag=True, help="Send Segment one marked event with each write key.")
@as_json("tables")
@plain_errors
def check(  # noqa: PLR0913, PLR0917 - click passes options by name
    env_file: Path | None,
    schemas_dir: Path | None,
    contract_only: bool,
    files: tuple[Path, ...],
    subjects: tuple[str, ...],
    strict: bool,
    sample: int,
    no_sample: bool,
    send_test: bool,
    as_json: bool,
) -> None:
    """Check whether `run` would work.

    Check the settings, contracts, schemas, Kafka and the rights there, and show what messageIds begin with. For each
    writer schema, report unmapped properties, incompatible types and nullable fields. Read the newest records, and
    report what would become of them: it is a problem if none of them would be delivered. Nothing is changed anywhere,
    except that --send-test sends events. The output can name Sprig environments and properties, but no other data of
    records. Exit code 1 if there is a problem, 2 if a setting or a file is wrong; warnings and notes are not problems.

    \b
    Examples:
      sprig-to-segment check --env-file production.env
      sprig-to-segment check --sample 2000
      sprig-to-segment check --contract-only --schema new-response.avsc
      sprig-to-segment check --contract-only --subject sprig.responses-value
    """
    if contract_only and send_test:
        raise click.UsageError("--contract-only sends nothing: leave --send-test out")
    source = SettingsSource(env_file, schemas_dir)
    options = CheckOptions(files, subjects, strict, 0 if no_sample or files else sample, send_test)
    if contract_only:
        passed = compat.check_contracts(source, files, subjects, strict, as_json)
    else:
        passed = _check_everything(source, options, as_json)
    exit_with(passed)


class CheckOptions(NamedTuple):
    """Which schemas to check, whether warnings count, how many records to look at, and whether to send an event."""

    files: Sequence[Path]
    subjects: Sequence[str]
    strict: bool
    sample: int
    send_test: bool


def _check_everything(source: SettingsSource, options: CheckOptions, as_json: bool) -> bool:
    """Check and print the results. Whether there is no problem. Raises SettingsError, ContractError."""
    silence_logs()
    settings = source.load()
    contracts = load_contracts(settings.schemas_dir or paths.schemas())
    schemas = _checked_schemas(settings, contracts, options)
    (results, sample), schemas = _results(settings, contracts, schemas, options)
    failing = failing_states(options.strict)
    passed = not any(result.state in failing for result in results)
    if as_json:
        report = {
            "ok": passed,
            "looks": [result.as_dict() for result in results],
            "schemas": [schema.as_dict() for schema in schemas],
            "sample": sample and sample.as_dict(),
        }
        print_json(report)
    else:
        _print_text(results, schemas)
    return passed


def _print_text(results: Sequence[CheckResult], schemas: Sequence[CheckedSchema]) -> None:
    compat.print_tables(
        [schema for schema in schemas if any(finding.severity != "note" for finding in schema.findings)]
    )
    states = Counter(result.state for result in results)
    summary = f"{counted(states['problem'], 'problem')}, {counted(states['warning'], 'warning')}"
    table(f"sprig-to-segment check: {summary}", ("", "subject", "result"), results)


def _results(
    settings: Settings, contracts: Sequence[Contract], schemas: Sequence[CheckedSchema], options: CheckOptions
) -> tuple[SampleCheck, Sequence[CheckedSchema]]:
    """The results of all checks, and the sample; also the schemas, with those that only the sample shows."""
    from consumer.cli.check_kafka import check_kafka  # these are not needed with --contract-only
    from consumer.cli.check_registry import check_registry
    from consumer.cli.check_sample import check_sample
    from consumer.cli.check_ways import check_ways
    from consumer.cli.send_test import send_test_events

    lines = [*consumer.settings.suspicious(), *consumer.settings.risks(settings)]
    results = [warning("settings", line) for line in lines]
    results.append(ok("contracts", ", ".join(contract.file for contract in contracts)))
    kafka_results = list(check_kafka(settings))
    sampled = SampleCheck([])
    if options.sample:
        sampled = check_sample(settings, options.sample, kafka_results)
        if sampled.sample and not compat.lists_versions(settings):
            writer_schemas = sampled.sample.writer_schemas
            schemas = compat.check_schemas(contracts, writer_schemas, settings.on_unknown_record)
    results += [_schemas_result(settings, schemas, options.strict), *check_ways(settings)]
    if not options.files:
        results.extend(check_registry(settings))
    results.extend([*kafka_results, *sampled.results, *check_message_ids(settings)])
    if options.send_test:
        results.extend(send_test_events(settings))
    else:
        results.append(note("Segment", f"{settings.endpoint}; nothing was sent: --send-test sends one event"))
    return SampleCheck(results, sampled.sample), schemas


def _checked_schemas(
    settings: Settings, contracts: Sequence[Contract], options: CheckOptions
) -> Sequence[CheckedSchema]:
    unknown_record = settings.on_unknown_record
    if options.files:
        return compat.check_schemas(contracts, compat.from_files(options.files), unknown_record)
    if settings.schema_registry_url and settings.avro_framing != "raw":
        if compat.lists_versions(settings):
            registered = compat.from_registry(settings, contracts, options.subjects)
            return compat.check_schemas(contracts, registered, unknown_record)
        if options.subjects:
            raise UsageError(f"--subject: SCHEMA_REGISTRY_TYPE={settings.schema_registry_type} has no subjects")
        return []  # the sample shows the schemas
    return check_files(settings, contracts)


def _schemas_result(settings: Settings, schemas: Sequence[CheckedSchema], strict: bool) -> CheckResult:
    """One line for all schemas. What is wrong with a schema is in a table of its own."""
    source = settings.schema_registry_url or "schema files"
    summary = f"{counted(len(schemas), 'schema')}: {compat.summary(schemas)} ({source}, {settings.avro_framing})"
    if not schemas and not compat.lists_versions(settings):
        return note("schemas", f"{source} lists no schemas: those of the sample are checked, and it has none")
    if compat.all_ok(schemas, strict):
        return ok("schemas", summary)
    return problem("schemas", summary)
