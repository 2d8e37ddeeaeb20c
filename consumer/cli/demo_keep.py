"""What `demo --keep` leaves to try: its addresses, and three commands that run as printed in any shell."""

import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from consumer.cli.demo_environment import DemoEnvironment
from consumer.cli.output import print_command
from consumer.errors import ServiceError


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this user alone, which is removed at the end. Raises ServiceError if there can be none."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="sprig-to-segment-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ServiceError(
            f"--keep needs a folder for temporary files: {error.strerror}. Set TMPDIR to a folder that can be written"
        ) from None
    with folder as path:
        yield Path(path)


def print_what_to_try(environment: DemoEnvironment, folder: Path) -> None:
    """
    Print the addresses of the demo and commands for them, once all records are delivered and committed.

    The files for the commands are written to `folder`. The comparison ends at the present time, because later events
    are not in the file of those that arrived.
    """
    env_file, arrived = folder / "demo.env", folder / "arrived.txt"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in environment.variables.items()))
    message_ids = [str(accepted.event["messageId"]) for accepted in environment.segment.accepted]
    arrived.write_text("".join(f"{message_id}\n" for message_id in ("messageId", *message_ids)))
    settings = ("--env-file", str(env_file))
    period = ("--from", _iso(environment.started_at), "--to", _iso(time.time()))
    click.echo(f"\nThe status page of the service:    {environment.server.url}")
    click.echo(f"The inbox of Segment's stand-in:   {environment.segment.front}")
    click.echo(f"The broker:                        {environment.topic.bootstrap_servers}")
    click.echo("\nTry these commands in another shell. They print what the newest records become,")
    click.echo("which records were rejected, and whether all other records arrived:\n")
    _print_command("preview", *settings, "--from", "end")
    _print_command("dead-letters", "list", *settings)
    _print_command("reconcile", *settings, *period, "--delivered", str(arrived))
    click.echo("\nAll this stays up until Ctrl-C, and two responses a second arrive.")


def _print_command(*words: str) -> None:
    program = str(Path(sys.argv[0]).absolute())  # the other shell can be in any folder
    print_command(shlex.join(words), f"env -i {shlex.quote(program)}")  # no variable replaces that of the file


def _iso(seconds: float) -> str:
    """Seconds since 1970 as a time that the commands read."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
