"""The commands that look and change nothing: names, options and help."""

import sys
import time
from pathlib import Path

import click

from consumer.cli.param_types import BEGINNING, START, TIME, Start
from consumer.cli.params import ENV_FILE, as_json, told_plainly


@click.command()
@ENV_FILE
@click.option(
    "--from",
    "start",
    type=START,
    default=BEGINNING,
    show_default=True,
    help="beginning, end (the last ones), a time such as 2026-03-02T09:00:00Z, or PARTITION:OFFSET.",
)
@click.option("--count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Records, at most.")
@told_plainly
def preview(env_file: Path | None, start: Start, count: int) -> None:
    """Print what would become of records.

    That is calls as Segment would get them, and skips and refusals with their reasons. It joins no group, commits
    nothing and sends nothing, so it can be tried at any time. It takes the settings of `run`. On a terminal it is
    written for people, in a pipe it is one line of JSON for each record. What it prints is what your users said:
    take care where it goes.

    \b
    Examples:
      sprig-to-segment preview --env-file production.env --from end
      sprig-to-segment preview --from 3:1042 --count 1
      sprig-to-segment preview --from 2026-03-02 --count 1000 | jq 'select(.outcome == "set_aside") | .reason'
    """
    from consumer.cli import preview as command

    command.main(env_file, start, count)


@click.command()
@ENV_FILE
@click.option("--from", "begin", type=TIME, required=True, help="Records of this time and younger, such as 2026-03-02.")
@click.option("--to", "end", type=TIME, help="Records older than this.  [default: now]")
@click.option(
    "--delivered",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="messageIds that arrived: CSV, JSON lines or bare ids, gzipped or not; - is standard input.",
)
@click.option("--column", help="Where they stand in it.  [default: messageId, message_id or id]")
@click.option("--missing", "listed", is_flag=True, help="Print the missing records, one a line, in place of the table.")
@as_json("table")
@told_plainly
def reconcile(  # noqa: PLR0913, PLR0917 - click gives options by their names
    env_file: Path | None,
    begin: int,
    end: int | None,
    delivered: Path,
    column: str | None,
    listed: bool,
    as_json: bool,
) -> None:
    """Tell what was delivered and what is missing.

    It holds what Kafka has against what arrived behind Segment, in a warehouse or a bucket. It reads the topic
    again and says for each partition and hour how many records were delivered, skipped by a rule, dead-lettered,
    are waiting (not committed yet) or are missing. It takes the settings of `run` and the contract of the time.
    Segment's warehouses have the messageId as `id`. Exit code 1 if a record is missing.

    \b
    Examples:
      sprig-to-segment reconcile --from 2026-03-02 --to 2026-03-03 --delivered tracks.csv.gz
      bq query 'SELECT id FROM ...' --format csv | sprig-to-segment reconcile --from 2026-03-02 --delivered - --missing
    """
    from consumer.cli import reconcile as command

    times = command.Range(begin, int(time.time() * 1000) if end is None else end)
    sys.exit(command.main(env_file, times, command.Export(delivered, column), listed, as_json))
