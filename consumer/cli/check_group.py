"""The command `check`: its options and help."""

import sys
from pathlib import Path

import click

from consumer.cli.params import ENV_FILE, as_json, told_plainly


@click.command()
@ENV_FILE
@click.option("--contract-only", is_flag=True, help="Look at schemas and contracts alone; it takes no other setting.")
@click.option(
    "--schema",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An Avro schema that is not registered yet, instead of those that are. It takes no registry.",
)
@click.option("--subject", "subjects", multiple=True, help="All its versions in the registry.  [default: TOPIC-value]")
@click.option("--strict", is_flag=True, help="Let warnings count as problems: a property that is in no call, too.")
@click.option("--send-test", is_flag=True, help="Send Segment one marked event with each write key.")
@as_json("tables")
@told_plainly
def check(  # noqa: PLR0913, PLR0917 - click gives options by their names
    env_file: Path | None,
    contract_only: bool,
    files: tuple[Path, ...],
    subjects: tuple[str, ...],
    strict: bool,
    send_test: bool,
    as_json: bool,
) -> None:
    """Tell whether `run` would work.

    It looks at the settings, contracts, schemas, Kafka and the rights there, and at what messageIds begin with. Of
    each schema that records are written with it says which property loses its source, which type can never fit, and
    what becomes null. Nothing is changed anywhere, but that --send-test sends events. Exit code 1 if there is a
    problem, 2 if a setting or a file is wrong; warnings and notes are none.

    \b
    Examples:
      sprig-to-segment check --env-file production.env
      sprig-to-segment check --contract-only --schema new-response.avsc
      SCHEMA_REGISTRY_URL=http://registry:8081 sprig-to-segment check --contract-only --subject sprig.responses-value
    """
    if contract_only:
        if send_test:
            raise click.UsageError("--contract-only sends nothing: leave --send-test out")
        from consumer.cli import compat

        sys.exit(compat.contract_only(env_file, files, subjects, strict, as_json))
    from consumer.cli import check as command

    sys.exit(command.main(env_file, command.Asked(files, subjects, strict, send_test), as_json))
