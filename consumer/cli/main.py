"""The command line: names, options and help. What a command does stands in its own file, loaded when it is called."""

import sys
from importlib.metadata import version
from pathlib import Path

import click

from consumer.cli.check_group import check
from consumer.cli.contract_group import contract
from consumer.cli.dead_letters_group import dead_letters
from consumer.cli.looking_group import preview, reconcile
from consumer.cli.param_types import ADDRESS, Address
from consumer.cli.params import ENV_FILE, as_json, told_plainly


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("sprig-to-segment"), prog_name="sprig-to-segment")
def main() -> None:
    """Deliver Sprig survey responses from Kafka to Segment, each exactly accounted for.

    \b
    Examples:
      sprig-to-segment demo
      KAFKA_BOOTSTRAP_SERVERS=broker:9092 SEGMENT_WRITE_KEY=... sprig-to-segment run
      sprig-to-segment check --env-file production.env

    Exit codes: 0 done, 1 failed, 2 bad usage or settings.
    """


@main.command()
@ENV_FILE
@told_plainly
def run(env_file: Path | None) -> None:
    """Deliver what the topic has and gets.

    It reads, delivers to Segment and commits what is settled, until SIGTERM or Ctrl-C. All settings are environment
    variables. Two are required: KAFKA_BOOTSTRAP_SERVERS, and SEGMENT_WRITE_KEY or SEGMENT_WRITE_KEYS; secrets may
    be files, such as SEGMENT_WRITE_KEY_FILE. Wrong settings are told all at once.

    \b
    Example:
      sprig-to-segment run --env-file production.env
    """
    from consumer.cli import run as command

    command.main(env_file)


@main.command()
@click.option("--count", type=click.IntRange(100, 5000), default=2400, show_default=True, help="Responses to produce.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same responses.")
@click.option("--keep", is_flag=True, help="Leave the status page and the inbox of the stand-in up, until Ctrl-C.")
@as_json("report")
@told_plainly
def demo(count: int, seed: int, keep: bool, as_json: bool) -> None:
    """Run the whole way on this machine.

    There is a broker in this process, and a stand-in of Segment. Survey responses of every question type go the
    very way of `run`, with anonymous visitors, bad bytes, oversized answers, a refused event and a throttling spell
    among them. What was produced is held against what arrived; exit code 1 if anything is lost.

    \b
    Examples:
      sprig-to-segment demo --json
      sprig-to-segment demo --keep
    """
    from consumer.cli import demo as command

    sys.exit(command.main(count, seed, as_json, keep))


@main.command("skip-record")
@ENV_FILE
@click.argument("address", type=ADDRESS)
@click.option("--yes", is_flag=True, help="Do it. Without it, nothing but what would be done is printed.")
@click.option("--without-dead-letter", is_flag=True, help="Give its bytes up where they cannot be had, or kept.")
@told_plainly
def step_over(env_file: Path | None, address: Address, yes: bool, without_dead_letter: bool) -> None:
    """Move the group past one record.

    It must be the next one of its partition, and no member may run. This is for a partition that cannot go past
    PARTITION:OFFSET by itself, such as one that holds. The record is kept as a dead letter first, so `dead-letters
    replay` can send it later. Stop all members before; start them afterwards.

    \b
    Example:
      sprig-to-segment skip-record 3:1042 --yes
    """
    from consumer.cli import skip_record as command

    command.main(env_file, address, yes, without_dead_letter)


for _command in (check, contract, dead_letters, preview, reconcile):
    main.add_command(_command)
