"""The command line: names, options and help. What a command does stands in its own file, loaded when it is called."""

import logging
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import click

from consumer import paths
from consumer.errors import ServiceError, UsageError

FAILED, BAD_USAGE = 1, 2

ENV_FILE = click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read settings from this file (NAME=value lines) where the environment has none.",
)


def told_plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Our own errors are lines for the user and an exit code, never a stack trace."""

    @wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except UsageError as error:
            for line in error.lines:
                click.echo(line, err=True)
            sys.exit(BAD_USAGE)
        except ServiceError as error:
            logging.getLogger(__name__).debug("failed", exc_info=True)
            click.echo(str(error), err=True)
            sys.exit(FAILED)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("sprig-to-segment"), prog_name="sprig-to-segment")
def main() -> None:
    """Deliver Sprig survey responses from Kafka to Segment, each exactly accounted for.

    \b
    Try it:      sprig-to-segment demo
    For real:    KAFKA_BOOTSTRAP_SERVERS=broker:9092 SEGMENT_WRITE_KEY=... sprig-to-segment run

    Exit codes: 0 done, 1 failed, 2 bad usage or settings.
    """


@main.command()
@ENV_FILE
@told_plainly
def run(env_file: Path | None) -> None:
    """Read the topic, deliver to Segment, commit what is settled; until SIGTERM or Ctrl-C.

    All settings are environment variables. Two are required: KAFKA_BOOTSTRAP_SERVERS, and SEGMENT_WRITE_KEY or
    SEGMENT_WRITE_KEYS; secrets may be files, such as SEGMENT_WRITE_KEY_FILE. Wrong settings are told all at once.

    \b
    Example:
      sprig-to-segment run --env-file production.env
    """
    from consumer.commands import run as command

    command.main(env_file)


@main.command()
@click.option("--count", type=click.IntRange(100, 5000), default=2400, show_default=True, help="Responses to produce.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same responses.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line in place of the report.")
@told_plainly
def demo(count: int, seed: int, as_json: bool) -> None:
    """Run the whole way on this machine: a broker in this process, and a stand-in of Segment.

    Survey responses of every question type go the very way of `run`, with anonymous visitors, bad bytes, oversized
    answers, a refused event and a throttling spell among them. What was produced is held against what arrived;
    exit code 1 if anything is lost.

    \b
    Example:
      sprig-to-segment demo --json
    """
    from consumer.commands import demo as command

    sys.exit(command.main(count, seed, as_json))


@main.command()
@ENV_FILE
@click.option(
    "--contract-only", is_flag=True, required=True, expose_value=False, help="Look at schemas and contracts alone."
)
@click.option(
    "--schema",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An Avro schema that is not registered yet. It takes neither a registry nor any other setting.",
)
@click.option("--subject", "subjects", multiple=True, help="All its versions in the registry.  [default: TOPIC-value]")
@click.option("--strict", is_flag=True, help="Let warnings count as problems: a property that is in no call, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line in place of the tables.")
@told_plainly
def check(
    env_file: Path | None, files: tuple[Path, ...], subjects: tuple[str, ...], strict: bool, as_json: bool
) -> None:
    """Prove that records of a schema can feed the contracts, before there is one.

    It says which property loses its source, which type can never fit, what becomes null, and what is ignored. Exit
    code 1 if there is a problem, or if a schema could not be had; warnings and notes are none.

    \b
    Examples:
      sprig-to-segment check --contract-only --schema new-response.avsc
      SCHEMA_REGISTRY_URL=http://registry:8081 sprig-to-segment check --contract-only --subject sprig.responses-value
    """
    from consumer.commands import check as command

    sys.exit(command.contract_only(env_file, files, subjects, strict, as_json))


SCHEMAS_DIR = click.option(
    "--schemas-dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=paths.schemas,
    show_default="the packaged schemas/",
    help="Contract files and Avro schemas.",
)


@main.group()
def contract() -> None:
    """Show, export and test the contract files."""


@contract.command()
@SCHEMAS_DIR
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line in place of the tables.")
@told_plainly
def show(schemas_dir: Path, as_json: bool) -> None:
    """What an event looks like in Segment: each field, its type, and where it comes from.

    \b
    Example:
      sprig-to-segment contract show --schemas-dir schemas
    """
    from consumer.commands import contract as command

    command.show(schemas_dir, as_json)


@contract.command()
@SCHEMAS_DIR
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="Write to this file.",
    metavar="FILE",
)
@told_plainly
def export(schemas_dir: Path, output: IO[str]) -> None:
    """The rules of Segment's tracking plan, as its Public API takes them: no annotation is left.

    \b
    Example:
      sprig-to-segment contract export --output rules.json
    """
    from consumer.commands import contract as command

    command.export(schemas_dir, output)


@contract.command()
@click.argument(
    "schemas_dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=paths.schemas,
    metavar="[DIR]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line in place of the report.")
@told_plainly
def test(schemas_dir: Path, as_json: bool) -> None:
    """Run the example cases in DIR/cases: record in; call out, or the reason why not.

    DIR is a schemas folder, by default SCHEMAS_DIR or the packaged one. Exit code 1 if a case fails.

    \b
    Example:
      sprig-to-segment contract test schemas
    """
    from consumer.commands import contract_test as command

    sys.exit(command.main(schemas_dir, as_json))
