"""The command: alternate rounds of product and floor, a steady trickle, one table, and the same as JSON."""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from bench import broker as brokers
from bench import compress as compressing
from bench import drain as drains
from bench import members as together
from bench import profiled, report, rounds, trickle
from bench import rebalance as rebalances
from bench import start as starts

SETTINGS = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the product, such as SEGMENT_GZIP=true.",
)


@click.group()
def main() -> None:
    """Measure the product. KAFKA_IMAGE names the image of the broker; without it, it is the one inside librdkafka."""


@main.command()
@click.option("--records", type=click.IntRange(1000), default=200_000, show_default=True, help="The backlog.")
@click.option("--rounds", "times", type=click.IntRange(1), default=5, show_default=True, help="Of each of the two.")
@click.option("--seconds", type=click.IntRange(0), default=30, show_default=True, help="Of 500 events a second.")
@click.option("--max-ratio", type=float, help="Exit code 1 if an event costs more than so many times the floor.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures here as well.")
@SETTINGS
def ratio(
    records: int, times: int, seconds: int, max_ratio: float | None, file: Path | None, settings: tuple[str, ...]
) -> None:
    """What an event costs, beside a bare loop."""
    changed = dict(one.split("=", 1) for one in settings)
    with brokers.broker() as broker:
        count = min(records, broker.most)
        topic = broker.topic()
        broker.fill(topic, count)
        pairs = [
            (rounds.floor(broker, topic, count), rounds.product(broker, topic, count, changed)) for _ in range(times)
        ]
        trickled = trickle.run(broker, seconds, changed) if seconds else None
    figures = report.figures(broker, pairs, trickled)
    if file:
        file.write_text(json.dumps(figures, indent=2) + "\n")
    click.echo(report.table(figures))
    if max_ratio and figures["ratio"] > max_ratio:
        sys.exit(f"an event costs {figures['ratio']} times the floor, {max_ratio} at most are allowed")


@main.command()
@click.option("--records", type=click.IntRange(1000), default=200_000, show_default=True, help="The backlog.")
@SETTINGS
def profile(records: int, settings: tuple[str, ...]) -> None:
    """Where the product's time goes, function by function."""
    changed = dict(one.split("=", 1) for one in settings)
    with brokers.broker() as broker, tempfile.TemporaryDirectory() as folder:
        file, count = Path(folder) / "profile", min(records, broker.most)
        topic = broker.topic()
        broker.fill(topic, count)
        plain = rounds.product(broker, topic, count, changed)
        watched = {**changed, profiled.PROFILE: str(file)}
        rounds.product(broker, topic, count, watched, (sys.executable, "-m", "bench.profiled"))
        click.echo(report.threads(plain))
        click.echo(profiled.table(file, count))


@main.command()
@SETTINGS
def rebalance(settings: tuple[str, ...]) -> None:
    """What a member that comes and goes costs in delay, at a steady rate; it takes a broker in a container."""
    with brokers.broker() as broker:
        click.echo(rebalances.table(rebalances.run(broker, dict(one.split("=", 1) for one in settings))))


@main.command()
@click.option("--partitions", type=click.IntRange(1), default=96, show_default=True, help="In a container only.")
@click.option("--seconds", type=click.IntRange(1), default=30, show_default=True)
@SETTINGS
def quiet(partitions: int, seconds: int, settings: tuple[str, ...]) -> None:
    """500 events a second, spread over many partitions."""
    with brokers.broker() as broker:
        wide = broker if broker.kind == "embedded" else replace(broker, partitions=partitions)
        click.echo(trickle.sentence(trickle.run(wide, seconds, dict(one.split("=", 1) for one in settings))._asdict()))


@main.command()
@SETTINGS
def start(settings: tuple[str, ...]) -> None:
    """Seconds from a process's start to its first delivered batch."""
    with brokers.broker() as broker:
        click.echo(json.dumps(starts.run(broker, dict(one.split("=", 1) for one in settings))))


@main.command()
@click.option("--records", type=click.IntRange(1000), default=200_000, show_default=True, help="The backlog.")
@click.option("--halves", is_flag=True, help="Half of one core for each, and a Segment that answers at once.")
@SETTINGS
def members(records: int, halves: bool, settings: tuple[str, ...]) -> None:
    """One member, then two on two cores, with a Segment that answers after 0.1 s."""
    changed = dict(one.split("=", 1) for one in settings)
    with brokers.broker() as broker:
        count = min(records, broker.most)
        one, two = (together.run(broker, count, number, halves, changed) for number in (1, 2))
        click.echo(together.table(count, one, two))


@main.command()
def compress() -> None:
    """What gzip costs and saves, by library and level; zlib-ng where it is installed."""
    click.echo(compressing.table())


@main.command()
@click.option("--events", type=click.IntRange(500), default=10_000_000, show_default=True, help="The backlog.")
@click.option("--per-cpu-second", type=float, required=True, help="Events, as `make bench` measured them.")
def drain(events: int, per_cpu_second: float) -> None:
    """How long a backlog takes under Segment's limits: a simulation."""
    click.echo(drains.table(events, 1 / per_cpu_second))


if __name__ == "__main__":
    main()
