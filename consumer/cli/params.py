"""What the commands of the command line share: options, and how our own errors are told."""

import logging
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from consumer import paths
from consumer.errors import ServiceError, UsageError

FAILED, BAD_USAGE = 1, 2

ENV_FILE = click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read settings from this file (NAME=value lines) where the environment has none.",
)


SCHEMAS_DIR = click.option(
    "--schemas-dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=paths.schemas,
    show_default="the packaged schemas/",
    help="Contract files and Avro schemas.",
)


def silent() -> None:
    """Nothing is logged, by the Kafka client either: what a command has to say it says itself, once and plainly."""
    logging.getLogger().addHandler(logging.NullHandler())  # else what nobody handles is printed


def as_json(printed: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option of a command whose `printed` output a script can have as JSON."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print one JSON line in place of the {printed}.")


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
            logging.shutdown()  # what is still to be logged comes before the last word
            click.echo(str(error), err=True)
            sys.exit(FAILED)

    return wrapped
