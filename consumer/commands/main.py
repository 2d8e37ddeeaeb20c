"""The command line: names, options and help. What a command does stands in its own file, loaded when it is called."""

import sys
from importlib.metadata import version
from pathlib import Path

import click

from consumer.commands.common import ENV_FILE, as_json, told_plainly
from consumer.commands.contract_group import contract


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
@as_json("report")
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
@as_json("tables")
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


main.add_command(contract)
