"""`status`: the whole group from outside, and whether somebody has to act."""

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

import consumer.settings
from consumer import factories
from consumer.cli.dead_letters import READ_SETTINGS
from consumer.cli.group_text import print_group
from consumer.cli.output import iso_time, print_json
from consumer.cli.params import ENV_FILE, as_json, exit_with, plain_errors, silence_logs
from consumer.kafka.group_findings import STALLED_MINUTES, group_findings
from consumer.kafka.group_reader import GroupReader
from consumer.kafka.group_report import group_report
from consumer.kafka.group_view import GroupView
from consumer.signals import stop_requests

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it (128 and the number of SIGINT)."""
_WATCH_SECONDS = 10
_STOP_SECONDS = 30.0  # for a read of the group that has begun
_TIMES = ("read_at", "moved_at", "oldest_at", "since")


@click.command()
@ENV_FILE
@click.option(
    "--watch",
    type=click.FloatRange(min=1),
    is_flag=False,
    flag_value=_WATCH_SECONDS,
    metavar="[SECONDS]",
    help=f"Repeat until Ctrl-C, so many seconds after each answer.  [without a number: {_WATCH_SECONDS}]",
)
@click.option(
    "--stalled-minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=STALLED_MINUTES,
    show_default=True,
    metavar="N",
    help="After how long a partition that does not move needs somebody.",
)
@click.option(
    "--all", "all_partitions", is_flag=True, help="List also the partitions of a large topic that need nobody."
)
@as_json("tables")
@plain_errors
def status(
    env_file: Path | None, watch: float | None, stalled_minutes: float, all_partitions: bool, as_json: bool
) -> None:
    """Show the whole group, and whether somebody has to act.

    Show the members, and for each partition its owner, committed offset, lag, the age of its oldest waiting record,
    when its committed offset last moved, and why it is blocked. Everything is from Kafka: no member is asked, and
    nothing is changed. What Kafka does not tell, or not to this principal, is shown as unknown. All times are in UTC.
    Exit code 1 if somebody has to act, with the rule that says so; 2 if a setting is wrong; 130 after Ctrl-C.

    \b
    Examples:
      sprig-to-segment status --env-file production.env
      sprig-to-segment status --watch
      sprig-to-segment status --json
    """
    silence_logs()
    settings = consumer.settings.load(env_file, only=READ_SETTINGS)
    with closing(factories.group_reader(settings)) as reader:
        if watch is not None:
            clears = sys.stdout.isatty() and not as_json
            _watch(reader, watch, clears, lambda view: _print(view, stalled_minutes, all_partitions, as_json))
            sys.exit(INTERRUPTED)
        try:
            view = reader.read()
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
    _print(view, stalled_minutes, all_partitions, as_json)
    exit_with(not group_findings(view, stalled_minutes))


def _watch(reader: GroupReader, seconds: float, clears: bool, show: Callable[[GroupView], None]) -> None:
    """
    Show the group again and again, on a cleared screen or below, until a signal says stop.

    A KeyboardInterrupt could be lost in a callback of the client.
    """
    with stop_requests(_STOP_SECONDS) as stop:
        while not stop.is_set():
            view = reader.read()
            if clears:
                click.clear()
            show(view)
            stop.wait(seconds)


def _print(view: GroupView, stalled_minutes: float, all_partitions: bool, as_json: bool) -> None:
    if as_json:
        print_json(_with_iso_times(group_report(view, stalled_minutes)))
    else:
        print_group(view, group_findings(view, stalled_minutes), all_partitions)


def _with_iso_times(value: Any) -> Any:
    """The same with each time as ISO-8601 in UTC."""
    match value:
        case Mapping():
            return {name: _iso(inner) if name in _TIMES else _with_iso_times(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_with_iso_times(inner) for inner in value]
        case _:
            return value


def _iso(millis: int | None) -> str | None:
    return None if millis is None else iso_time(millis)
