"""`dead-letters replay`: sends rejected or missing records through the service again."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from consumer.cli.address_file import read_addresses
from consumer.cli.dead_letter_filter import DeadLetterFilter, filter_options, from_options
from consumer.cli.output import print_json, print_text
from consumer.cli.params import YES, as_json, exit_with, plain_errors, silence_logs
from consumer.cli.replay_addresses import AddressPlan, plan_addresses
from consumer.cli.replay_pass import ReplayPass, ReplayResult, run_pass
from consumer.cli.replay_plan import plan_dead_letters
from consumer.cli.replay_summary import GONE, ReplaySummary, total_of
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.errors import UsageError
from consumer.model import RecordAddress
from consumer.observability.audit_file import STANDARD_OUTPUT
from consumer.settings import Settings
from consumer.signals import stop_requests

_MAX_SHOWN = 10  # addresses


@click.command()
@settings_options
@filter_options
@click.option(
    "--only",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="The records whose addresses are in this file, also those that have no dead letter; - is standard input.",
)
@YES
@click.option("--again", is_flag=True, help="Also replay what was replayed before.")
@click.option("--rate", type=click.IntRange(1), help="Events per second.  [default: MAX_EVENTS_PER_SECOND]")
@as_json("table")
@plain_errors
def replay(  # noqa: PLR0913, PLR0917 - click passes options by name
    env_file: Path | None,
    schemas_dir: Path | None,
    only: Path | None,
    yes: bool,
    again: bool,
    rate: int | None,
    as_json: bool,
    **selection: Any,
) -> None:
    """Send rejected records again.

    A replay works as `run` does and needs its settings; each record keeps its messageId. A record that is rejected
    again gets a new dead letter, which only the next replay reads. Each selection of dead letters has a group of its
    own, `KAFKA_GROUP_ID.replay.SELECTION`, which remembers what is settled. So you can stop a replay (Ctrl-C) and
    continue it with the same command. Dead letters that another replay settled are passed over. Segment
    recognises repeats for about a day only: later, `--again` makes duplicates.

    `--only` takes a file with an address of KAFKA_TOPIC on each line: PARTITION:OFFSET or TOPIC PARTITION OFFSET. The
    lines of `reconcile --missing-file` and of `list --each` are such lines. A record is read from its dead letter, or
    from KAFKA_TOPIC if it has none. Only the replay of the same addresses remembers that they were replayed.

    Exit code 1 if the replay did not complete, or if the file has an address whose record is gone.

    \b
    Examples:
      sprig-to-segment dead-letters replay --reason no_write_key
      sprig-to-segment dead-letters replay --since 2026-03-02 --rate 100 --yes
      sprig-to-segment dead-letters replay --only missing.txt
    """
    dead_letter_filter = from_options(**selection)
    if only is not None and dead_letter_filter != DeadLetterFilter():
        raise click.UsageError("--only selects by address: give no other selection with it")
    options = ReplayOptions(dead_letter_filter, only, yes, again, rate)
    exit_with(_replay(SettingsSource(env_file, schemas_dir), options, as_json))


class ReplayOptions(NamedTuple):
    """What the user asks for. `rate` is in events per second; None: as in the settings."""

    selection: DeadLetterFilter
    only: Path | None
    yes: bool
    again: bool
    rate: int | None


def _replay(source: SettingsSource, options: ReplayOptions, as_json: bool) -> bool:
    """
    Print what would be done, or do it. False if a replay did not complete, or cannot send a record.

    Raises UsageError, ServiceError.
    """
    silence_logs()
    settings = source.load()
    if as_json and options.yes and settings.audit_log == STANDARD_OUTPUT:
        raise UsageError(
            "AUDIT_LOG=-: its lines would be among those of --json: set AUDIT_LOG to a file for the replay"
        )
    if options.rate:
        settings = settings.model_copy(update={"max_events_per_second": options.rate})
    plan, file = _plan(settings, options)
    if not options.yes or not plan.summary.to_do:
        conclusion = "Nothing was sent. Do it with --yes." if plan.summary.to_do else "Nothing was sent."
        complete = True if options.yes else None
        _print_summary(plan.summary, file, as_json, conclusion, complete)
        return not plan.unsendable
    with stop_requests(settings.shutdown_timeout_seconds) as requested:
        results = run_passes(plan.passes, lambda replay_pass: run_pass(settings, replay_pass, requested), requested)
    summary = total_of(result.summary for result in results)
    is_each_done = len(results) == sum(replay_pass.total > 0 for replay_pass in plan.passes)
    complete = is_each_done and all(result.complete for result in results)
    summary.deleted, summary.passed_over = plan.summary.deleted, plan.summary.passed_over
    if complete:  # Kafka may have deleted records since the plan was made
        summary.passed_over[GONE] += max(0, plan.summary.to_do - summary.to_do)
    logging.shutdown()  # so that pending log lines come before the conclusion
    _print_summary(summary, file, as_json, _conclusion(results, complete), complete)
    return complete and not summary.unsendable


def _plan(settings: Settings, options: ReplayOptions) -> tuple[AddressPlan, "_FileReport | None"]:
    """What a replay would do, and what to say about the file of addresses, if there is one."""
    if options.only is None:
        plan = plan_dead_letters(settings, options.selection, options.again)
        return AddressPlan(plan.summary, (plan.replay_pass,), ()), None
    selection = read_addresses(options.only, settings.kafka_topic)
    address_plan = plan_addresses(settings, selection, options.again)
    report = _FileReport(options.only, len(selection.addresses), selection.repeated, address_plan.unsendable)
    return address_plan, report


class _FileReport(NamedTuple):
    """The numbers of a file of addresses, and the addresses that have no record."""

    path: Path
    addresses: int
    repeated: int
    unsendable: Sequence[RecordAddress]

    def as_dict(self) -> Mapping[str, Any]:
        no_record = [str(address) for address in self.unsendable]
        return {"addresses": self.addresses, "repeated": self.repeated, "no_record": no_record}

    def texts(self) -> Iterator[str]:
        count = "1 address" if self.addresses == 1 else f"{self.addresses:,} addresses"
        yield f"{'Standard input' if str(self.path) == '-' else self.path} has {count}."
        if self.repeated:
            yield f"Lines that repeat an address: {self.repeated:,}."
        if self.unsendable:
            shown = [str(address) for address in self.unsendable[:_MAX_SHOWN]]
            if more := len(self.unsendable) - len(shown):
                shown.append(f"and {more:,} more")
            yield f"There is no record to send at {', '.join(shown)}."


def run_passes(
    passes: Sequence[ReplayPass], run: Callable[[ReplayPass], ReplayResult], requested: threading.Event
) -> Sequence[ReplayResult]:
    """The results of the passes that have records, up to the first one that does not complete or is asked to stop."""
    results: list[ReplayResult] = []
    for replay_pass in passes:
        if requested.is_set() or not all(result.complete for result in results):
            break
        if replay_pass.total:
            results.append(run(replay_pass))
    return results


def _conclusion(results: Sequence[ReplayResult], complete: bool) -> str:
    if complete:
        return "All selected records are settled."
    cause = "Stopped."
    if blocked := [reason for result in results for reason in result.blocked]:
        cause = f"Delivery is blocked: {', '.join(blocked)}. Fix that first."
    return f"{cause} The group remembers what is settled: run the same command to continue."


def _print_summary(
    summary: ReplaySummary, file: _FileReport | None, as_json: bool, conclusion: str, complete: bool | None = None
) -> None:
    """`complete` is None for a plan."""
    if as_json:
        print_json({**summary.as_dict(), **(file.as_dict() if file else {}), "done": complete})
        return
    summary.print_table(planned=complete is None)
    for text in (*(file.texts() if file else ()), conclusion):
        print_text(text)
