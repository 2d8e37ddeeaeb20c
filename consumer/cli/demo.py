"""`demo`: the whole pipeline on one machine, with an account of every record at the end."""

import itertools
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import click

from consumer.cli.demo_environment import DemoEnvironment, DemoReport, demo_environment
from consumer.cli.demo_report import print_report
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
@click.option("--keep", is_flag=True, help="Keep the status page and the stand-in's inbox up until Ctrl-C.")
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
    with stop_requests(SHUTDOWN_SECONDS) as stop, demo_environment() as environment:
        environment.topic.produce_all(responses(count, seed))
        demo_run = _DemoRun(environment, DemoOptions(count, seed, keep, as_json), stop)
        threading.Thread(target=demo_run.watch, daemon=True).start()
        environment.service.run(stop)
        report = demo_run.report or demo_run.print_report()
    exit_with(report.ok)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user asks for."""

    count: int
    seed: int
    keep: bool
    as_json: bool


@dataclass(slots=True)
class _DemoRun:
    """
    One run of the demo, whose service runs in the main thread and is watched from another thread.

    `finished`: the service is done with all records. `report` is None until it was printed.
    """

    environment: DemoEnvironment
    options: DemoOptions
    stop: threading.Event
    finished: bool = False
    report: DemoReport | None = None

    def watch(self) -> None:
        """Stop the service when it is done or takes too long. With --keep, report and go on until it is stopped."""
        self.finished = self._wait_until_finished()
        if self.finished and self.options.keep:
            self._wait_for_commit()
            self.print_report()
            self._keep_producing()
        else:
            self.stop.set()

    def print_report(self) -> DemoReport:
        self.report = self.environment.report(interrupted=not self.finished)
        print_report(self.report, self.options.as_json)
        return self.report

    def _wait_until_finished(self) -> bool:
        """False if the service was stopped first, or did not finish in time."""
        ends_at = time.monotonic() + MAX_RUN_SECONDS
        while not self.stop.wait(0.05) and time.monotonic() < ends_at:
            counters = self.environment.service.reporter.latest().counters
            if counters.finished - counters.released >= self.options.count:
                return True
        return False

    def _wait_for_commit(self) -> None:
        """Wait for the last commit, because a service that keeps running commits a moment after it has delivered."""
        ends_at = time.monotonic() + MAX_COMMIT_SECONDS
        while not self.environment.all_committed and time.monotonic() < ends_at and not self.stop.wait(0.1):
            pass

    def _keep_producing(self) -> None:
        """Keep the pages up and produce a response now and then, so that the pages show activity."""
        click.echo(f"\nThe status page of the service:    {self.environment.server.url}")
        click.echo(f"The inbox of Segment's stand-in:   {self.environment.segment.front}")
        click.echo("Both pages stay up until Ctrl-C, and two responses a second arrive.")
        seeds = itertools.count(self.options.seed + 1)
        with suppress(AssertionError):  # the broker ends with the demo
            for sample in itertools.chain.from_iterable(responses(1000, seed) for seed in seeds):
                if self.stop.wait(RESPONSE_INTERVAL):
                    return
                self.environment.topic.produce_all([sample])
