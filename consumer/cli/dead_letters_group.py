"""The commands under `dead-letters`: names, options and help."""

import sys
from pathlib import Path
from typing import Any

import click

from consumer.cli import dead_letter_filter
from consumer.cli.param_types import ADDRESS, Address
from consumer.cli.params import ENV_FILE, as_json, told_plainly


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show and replay what was set aside.

    \b
    Example:
      sprig-to-segment dead-letters list
    """


@dead_letters.command("list")
@ENV_FILE
@dead_letter_filter.options
@as_json("table")
@told_plainly
def list_(env_file: Path | None, as_json: bool, **chosen: Any) -> None:
    """How many letters there are of each reason.

    It says from when to when they are, how many were replayed, and the address of the latest. A record that was
    read twice may have two letters. Nothing is changed, and no write key is needed.

    \b
    Examples:
      sprig-to-segment dead-letters list
      sprig-to-segment dead-letters list --since 2026-03-02 --partition 3 --json
    """
    from consumer.cli import dead_letters as command

    command.summary(env_file, dead_letter_filter.made(**chosen), as_json)


@dead_letters.command()
@ENV_FILE
@click.argument("address", type=ADDRESS)
@as_json("report")
@told_plainly
def show(env_file: Path | None, address: Address, as_json: bool) -> None:
    """One record that was set aside.

    It is shown as far as it can be read, with what went wrong where. PARTITION:OFFSET is where it stood in
    KAFKA_TOPIC, as logs and the list name it. It also says what would become of the record with the settings and
    contracts of now. What it prints is what your users said: take care where it goes.

    \b
    Example:
      sprig-to-segment dead-letters show 3:1042
    """
    from consumer.cli import dead_letters as command

    command.show(env_file, address, as_json)


@dead_letters.command()
@ENV_FILE
@dead_letter_filter.options
@click.option("--yes", is_flag=True, help="Do it. Without it, nothing but what would be done is printed.")
@click.option("--again", is_flag=True, help="Replay letters that were replayed before, too.")
@click.option("--rate", type=click.IntRange(1), help="Events a second.  [default: MAX_EVENTS_PER_SECOND]")
@as_json("table")
@told_plainly
def replay(env_file: Path | None, yes: bool, again: bool, rate: int | None, as_json: bool, **chosen: Any) -> None:
    """Send again what was set aside.

    It goes the way of `run` and takes its settings; each record keeps its messageId. What is refused again gets a
    new letter, which is not read before the next replay. A group of its own for each choice,
    `KAFKA_GROUP_ID.replay.CHOICE`, remembers what is settled, so it can be stopped (Ctrl-C) and goes on with the
    same command; letters that another choice replayed are passed over. Segment knows what it has for about a day
    only: later, `--again` makes duplicates. Exit code 1 if it did not end.

    \b
    Examples:
      sprig-to-segment dead-letters replay --reason no_write_key
      sprig-to-segment dead-letters replay --reason no_write_key --since 2026-03-02 --rate 100 --yes
    """
    from consumer.cli import replay as command

    wanted = command.Wanted(dead_letter_filter.made(**chosen), yes, again, rate)
    sys.exit(command.main(env_file, wanted, as_json))
