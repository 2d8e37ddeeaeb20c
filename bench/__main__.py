"""The command: alternate rounds of product and floor, a steady trickle, one table, and the same as JSON."""

import json
import sys
import tempfile
from pathlib import Path

import click

from bench import broker as brokers
from bench import profiled, report, rounds, trickle
from bench import rebalance as rebalances

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


if __name__ == "__main__":
    main()
