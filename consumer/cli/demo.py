"""`demo`: the whole pipeline on one machine, with an account of every record at the end."""

import itertools
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from consumer.cli.demo_environment import DemoEnd, DemoEnvironment, DemoReport, demo_environment
from consumer.cli.demo_keep import print_what_to_try, temporary_folder
from consumer.cli.demo_report import print_report
from consumer.cli.output import counted, print_text
from consumer.cli.params import as_json, exit_with, plain_errors
from consumer.demo.samples import responses
from consumer.observability import log_setup
from consumer.signals import stop_requests

SHUTDOWN_SECONDS = 25.0
MAX_RUN_SECONDS = 90.0
MAX_COMMIT_SECONDS = 10.0
RESPONSE_INTERVAL = 0.5  # seconds between the responses that --keep produces


@click.command()
@click.option("--count", type=click.IntRange(100, 5000), default=2400, show_default=True, help="Responses to produce.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same responses.")
@click.option("--keep", is_flag=True, help="Keep all of it up until Ctrl-C, and print commands to try on it.")
@as_json("report")
@plain_errors
def demo(count: int, seed: int, keep: bool, as_json: bool) -> None:
    """Run the whole pipeline on this machine.

    Start a Kafka broker inside this process and a stand-in for Segment, and send survey responses of every question
    type through the same code as `run`. Among them are anonymous visitors, bad bytes, oversized answers and an event
    that the stand-in refuses; the stand-in also throttles for a while. At the end, compare the produced records with
    the events that arrived. Exit code 1 if a record is lost or anything else is not as expected.

    \b
    Examples:
      sprig-to-segment demo --json
      sprig-to-segment demo --keep
    """
    log_setup.configure("console", "error")
    with ExitStack() as closing:
        stop = closing.enter_context(stop_requests(SHUTDOWN_SECONDS))
        folder = closing.enter_context(temporary_folder()) if keep else None
        _print_step("Starting a Kafka broker in this process, a stand-in for Segment, and the service.")
        environment = closing.enter_context(demo_environment())
        _print_step(f"Producing {counted(count, 'response')}.")
        environment.topic.produce_all(responses(count, seed))
        demo_run = _DemoRun(environment, DemoOptions(count, seed, folder, as_json), stop)
        _print_step("Delivering them to the stand-in, which throttles for a while.")
        threading.Thread(target=demo_run.watch, daemon=True).start()
        environment.service.run(stop)
        report = demo_run.report or demo_run.print_report()
    exit_with(report.ok)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user asks for. `folder` is for the files of a demo that is kept; None: it is not kept."""

    count: int
    seed: int
    folder: Path | None
    as_json: bool


@dataclass(slots=True)
class _DemoRun:
    """
    One run of the demo, whose service runs in the main thread and is watched from another thread.

    `end`: why the run ends. `report` is None until it was printed.
    """

    environment: DemoEnvironment
    options: DemoOptions
    stop: threading.Event
    end: DemoEnd = DemoEnd.INTERRUPTED
    report: DemoReport | None = None

    def watch(self) -> None:
        """Stop the service when it is done or takes too long. With --keep, report and go on until it is stopped."""
        self.end = self._wait_for_end()
        if self.end is DemoEnd.FINISHED and self.options.folder:
            self._wait_for_commit()
            self.print_report()
            print_what_to_try(self.environment, self.options.folder)
            self._keep_producing()
        self.stop.set()

    def print_report(self) -> DemoReport:
        self.report = self.environment.report(self.end)
        print_report(self.report, self.options.as_json)
        return self.report

    def _wait_for_end(self) -> DemoEnd:
        """Wait until the service is done with all records, is stopped, or takes too long."""
        ends_at = time.monotonic() + MAX_RUN_SECONDS
        while not self.stop.wait(0.05) and time.monotonic() < ends_at:
            counters = self.environment.service.reporter.latest().counters
            if counters.finished - counters.released >= self.options.count:
                return DemoEnd.FINISHED
        return DemoEnd.INTERRUPTED if self.stop.is_set() else DemoEnd.TOO_SLOW

    def _wait_for_commit(self) -> None:
        """Wait for the last commit, because a service that keeps running commits a moment after it has delivered."""
        ends_at = time.monotonic() + MAX_COMMIT_SECONDS
        while not self.environment.all_committed and time.monotonic() < ends_at and not self.stop.wait(0.1):
            pass

    def _keep_producing(self) -> None:
        """Produce a response now and then until the demo is stopped, so that the pages show activity."""
        seeds = itertools.count(self.options.seed + 1)
        with suppress(AssertionError):  # the broker ends with the demo
            for sample in itertools.chain.from_iterable(responses(1000, seed) for seed in seeds):
                if self.stop.wait(RESPONSE_INTERVAL):
                    return
                self.environment.topic.produce_all([sample])


def _print_step(text: str) -> None:
    """Say what the demo does now, on standard error, because standard output has the report."""
    print_text(text, err=True)
