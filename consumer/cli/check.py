"""`check`: whether `run` would work with these settings, looked at from end to end before it does."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import click

import consumer.settings
from consumer import paths
from consumer.avro.schema_files import known_schemas
from consumer.cli import check_kafka, compat
from consumer.cli.check_result import Look, note, ok, problem, warning
from consumer.cli.compat import Proved
from consumer.cli.params import silent
from consumer.cli.send_test import sent
from consumer.cli.terminal import counted, table
from consumer.contract.loader import load_contracts
from consumer.contract.rules import Contract
from consumer.errors import UnsafeSchema
from consumer.jsonio import dumps
from consumer.pipeline.record_processor import message_id_prefix
from consumer.settings import Settings


class Asked(NamedTuple):
    """Which schemas are to be proved, whether warnings count, and whether an event is sent."""

    files: Sequence[Path]
    subjects: Sequence[str]
    strict: bool
    send_test: bool


def main(env_file: Path | None, asked: Asked, as_json: bool) -> int:
    """Look at everything, print it, and give the exit code. Raises SettingsError, ContractError."""
    silent()
    settings = consumer.settings.load(env_file)
    contracts = load_contracts(settings.schemas_dir or paths.schemas())
    proved = _proved(settings, contracts, asked)
    looks = list(
        chain(
            (warning("settings", line) for line in consumer.settings.suspicious()),
            [ok("contracts", ", ".join(contract.file for contract in contracts))],
            _schemas(settings, proved, asked.strict),
            check_kafka.looks(settings),
            _message_ids(settings),
            sent(settings)
            if asked.send_test
            else [note("Segment", f"{settings.endpoint}; nothing was sent: --send-test sends one event")],
        )
    )
    good = not any(look.state == "problem" or (asked.strict and look.state == "warning") for look in looks)
    if as_json:
        schemas = [compat.told(one) for one in proved]
        click.echo(dumps({"ok": good, "looks": [look._asdict() for look in looks], "schemas": schemas}))
    else:
        compat.report([one for one in proved if any(finding.weight != "note" for finding in one.findings)])
        states = Counter(look.state for look in looks)
        told = ", ".join(counted(states[state], state) for state in ("problem", "warning"))
        table(f"sprig-to-segment check: {told}", ("", "what", "found"), looks)
    return 0 if good else 1


def _proved(settings: Settings, contracts: Sequence[Contract], asked: Asked) -> list[Proved]:
    if asked.files:
        return compat.proved_by(contracts, compat.from_files(asked.files), settings.on_unknown_record)
    if settings.schema_registry_url and settings.avro_framing != "raw":
        found = compat.from_registry(settings, asked.subjects)
        return compat.proved_by(contracts, found, settings.on_unknown_record)
    try:
        schemas = known_schemas(settings.avro_framing, settings.schemas_dir or paths.schemas()).values()
    except UnsafeSchema as error:
        return [compat.refused("SCHEMAS_DIR", str(error))]
    return compat.proved_by(contracts, schemas, settings.on_unknown_record)


def _schemas(settings: Settings, proved: Sequence[Proved], strict: bool) -> Iterator[Look]:
    """One line for all; what is wrong with which stands in a table of its own, and with --contract-only the rest."""
    where = str(settings.schema_registry_url or "schema files") + f", {settings.avro_framing}"
    look = ok if compat.good(proved, strict) else problem
    yield look("schemas", f"{counted(len(proved), 'schema')}: {compat.weighed(proved)} ({where})")


def _message_ids(settings: Settings) -> Iterator[Look]:
    """What a messageId begins with, by which an analyst knows our events, and whether a new key would change that."""
    for environment, key in settings.write_keys.items():
        what, namespace = f"messageId{environment and ', '}{environment}", settings.namespace(key)
        begins = f"{message_id_prefix(namespace, settings.kafka_topic)}-PARTITION-OFFSET-TIME"
        if settings.message_id_namespace is not None:
            yield ok(what, f"{begins}; MESSAGE_ID_NAMESPACE is set")
        elif len(settings.write_keys) == 1:
            yield note(what, f"{begins}; before the write key is rotated, set MESSAGE_ID_NAMESPACE={namespace}")
        else:
            yield note(what, f"{begins}; a new write key changes that, and MESSAGE_ID_NAMESPACE is one for all keys")
