"""`demo`: the very way of `run` on one machine, with an account of every record at the end."""

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import click

from consumer.cli.demo_environment import Stage, Story, staged
from consumer.cli.demo_report import tell
from consumer.cli.run import stopped_by_signals
from consumer.demo.samples import responses
from consumer.observability import log_setup

SHUTDOWN_SECONDS = 25.0
GIVE_UP_AFTER = 90.0  # seconds
COMMITTED_WITHIN = 10.0
BETWEEN_ANSWERS = 0.5  # of those that keep coming with --keep


def main(count: int, seed: int, as_json: bool, keep: bool) -> int:
    """Run it, print what happened, and give the exit code; with `keep`, go on until Ctrl-C."""
    log_setup.configure("console", "error")
    stop, done = threading.Event(), threading.Event()
    stories: list[Story] = []

    def account(stage: Stage) -> None:
        stories.append(stage.account(interrupted=not done.is_set()))
        tell(stories[0], as_json)

    def then(stage: Stage) -> None:
        if not keep:
            stop.set()
            return
        _settle_in(stage)
        account(stage)
        _keep(stage, seed, stop)

    with stopped_by_signals(stop, SHUTDOWN_SECONDS), staged() as stage:
        for sample in responses(count, seed):
            stage.topic.produce(sample)
        stage.topic.flush()
        threading.Thread(target=_watch, args=(stage, count, stop, done, then), daemon=True).start()
        stage.service.run(stop)
        if not stories:
            account(stage)
    return 0 if stories[0].good else 1


def _watch(
    stage: Stage, count: int, stop: threading.Event, done: threading.Event, then: Callable[[Stage], None]
) -> None:
    """Say when the service is done with `count` records; one that never is, is stopped."""
    gives_up_at = time.monotonic() + GIVE_UP_AFTER
    while not stop.wait(0.05):
        counts = stage.service.status.latest().counts
        if counts.finished - counts.handed_back >= count:
            done.set()
            then(stage)
            return
        if time.monotonic() > gives_up_at:
            stop.set()


def _settle_in(stage: Stage) -> None:
    """Wait for the last commit: a service that goes on makes one a second."""
    ends_at = time.monotonic() + COMMITTED_WITHIN
    while not stage.committed and time.monotonic() < ends_at:
        time.sleep(0.1)


def _keep(stage: Stage, seed: int, stop: threading.Event) -> None:
    """Leave both running, with an answer now and then, so that there is something to see."""
    host, port = stage.service.server.address
    click.echo(f"\nThe status page of the service:    http://{host}:{port}/")
    click.echo(f"The inbox of Segment's stand-in:   {stage.segment.front}")
    click.echo("Both stay, and an answer comes twice a second, until Ctrl-C.")
    with suppress(AssertionError):  # the broker ends with the demo
        for sample in itertools.chain.from_iterable(responses(1000, seed + n) for n in itertools.count(1)):
            if stop.wait(BETWEEN_ANSWERS):
                return
            stage.topic.produce(sample)
            stage.topic.flush()
