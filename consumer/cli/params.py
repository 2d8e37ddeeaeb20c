"""What the commands share: options, parameter types, and how errors are reported."""

import logging
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from consumer import paths
from consumer.cli.output import print_text
from consumer.errors import ServiceError, UsageError
from consumer.model import RecordAddress
from consumer.reasons import EXAMPLE_REASONS, REJECTED, is_reject_reason

FAILED, BAD_USAGE = 1, 2

ENV_FILE = click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read settings from this file (NAME=value lines) if the environment variables do not have them.",
)


SCHEMAS_DIR = click.option(
    "--schemas-dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=paths.schemas,
    show_default="the packaged schemas/",
    help="Contract files and Avro schemas.",
)
"""For a command that reads no other setting; `consumer.cli.settings_source` has the option of the others."""

YES = click.option("--yes", is_flag=True, help="Do it. Without this option the command only prints what it would do.")


class AddressType(click.ParamType[Any]):
    """`PARTITION:OFFSET`."""

    name = "PARTITION:OFFSET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RecordAddress:
        if isinstance(value, RecordAddress):
            return value
        partition, colon, offset = str(value).partition(":")
        if not (colon and partition.isdecimal() and offset.isdecimal()):
            self.fail(f"{value!r} must be PARTITION:OFFSET, such as 3:1042", param, ctx)
        return RecordAddress(int(partition), int(offset))


class TimeType(click.ParamType[Any]):
    """A date or a time in ISO-8601, in UTC if it names no offset; gives milliseconds since 1970."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} must be a date or a time, such as 2026-03-02 or 2026-03-02T09:00:00Z", param, ctx)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return int(time.timestamp() * 1000)


BEGINNING, END = "beginning", "end"
Start = str | int | RecordAddress


class StartType(click.ParamType[Any]):
    """`beginning`, `end`, a time, or an address."""

    name = "START"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Start:
        if value in (BEGINNING, END):
            return str(value)
        partition, _, offset = str(value).partition(":")
        try:
            if partition.isdecimal() and offset.isdecimal():
                return ADDRESS.convert(value, param, ctx)
            return TIME.convert(value, param, ctx)
        except click.BadParameter:
            text = f"{value!r} must be beginning, end, a time such as 2026-03-02, or PARTITION:OFFSET."
            self.fail(text + suggestion(str(value), (BEGINNING, END)), param, ctx)


class ReasonType(click.ParamType[Any]):
    """The reason of a dead letter."""

    name = "REASON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_reject_reason(value):
            text = f"{value!r} is no reason of a dead letter."
            self.fail(text + (suggestion(value, EXAMPLE_REASONS) or f" Reasons: {', '.join(REJECTED)}"), param, ctx)
        return str(value)


ADDRESS, TIME, START, REASON = AddressType(), TimeType(), StartType(), ReasonType()


def suggestion(word: str, words: Iterable[str]) -> str:
    """A sentence with the most similar of the words; "" if no word is similar."""
    similar = get_close_matches(word.lower(), words, n=1)
    return f" Did you mean '{similar[0]}'?" if similar else ""


def silence_logs() -> None:
    """Log nothing, from the Kafka client either: a command itself prints what the user needs to know."""
    logging.getLogger().addHandler(logging.NullHandler())  # without a handler Python prints warnings


def as_json(replaced: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option `--json` of a command, which prints JSON in place of the output `replaced`."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print one JSON line in place of the {replaced}.")


def exit_with(success: bool) -> NoReturn:
    """End the command with the exit code for `success`."""
    sys.exit(0 if success else FAILED)


def plain_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Report the service's own errors as lines for the user and an exit code, never as a stack trace."""

    @wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except UsageError as error:
            for line in error.lines:
                print_text(line, hanging=2, err=True)
            sys.exit(BAD_USAGE)
        except ServiceError as error:
            logging.getLogger(__name__).debug("failed", exc_info=True)
            logging.shutdown()  # so that pending log lines come before the last line
            print_text(str(error), hanging=2, err=True)
            sys.exit(FAILED)

    return wrapped
