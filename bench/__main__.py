"""The command line of the benchmark."""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from bench import broker as brokers
from bench import comparison, profiled, report, rounds, trickle
from bench import compress as compress_bench
from bench import drain as drain_simulation
from bench import growth as growth_bench
from bench import members as members_bench
from bench import observers as observers_bench
from bench import pairs as pair_rounds
from bench import rebalance as rebalance_bench
from bench import start as start_bench
from bench import steps as steps_bench
from bench.shapes import SHAPES

SETTINGS = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the product, such as SEGMENT_GZIP=true.",
)


@click.group()
def main() -> None:
    """Measure the product. KAFKA_IMAGE names the image of the broker; without it, librdkafka's own broker is used."""


@main.command()
@click.option(
    "--records",
    type=click.IntRange(1000),
    default=200_000,
    show_default=True,
    help="The backlog of the reference shape; others have as many bytes.",
)
@click.option(
    "--rounds", "times", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each of the two."
)
@click.option(
    "--seconds", type=click.IntRange(0), default=30, show_default=True, help="Seconds of 500 events per second."
)
@click.option(
    "--max-ratio",
    type=float,
    help="Exit code 1 beyond this many times the floor.",
)
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the figures to this file.")
@SETTINGS
def ratio(
    records: int, times: int, seconds: int, max_ratio: float | None, file: Path | None, settings: tuple[str, ...]
) -> None:
    """Measure the CPU time of an event of each shape, compared with a bare loop and with the last release."""
    changed = _changed_settings(settings)
    with brokers.broker() as broker:
        count = min(records, broker.max_records)
        pairs = {shape: pair_rounds.run(broker, shape, count, times, changed) for shape in SHAPES}
        trickle_result = trickle.run(broker, seconds, changed) if seconds else None
    figures = report.figures(broker, pairs, trickle_result)
    if file:
        file.write_text(json.dumps(figures, indent=2) + "\n")
    click.echo(report.table(figures))
    click.echo("\n".join(["", "compared with the last release:", *comparison.lines(figures, comparison.released())]))
    highest = report.highest_after_start(figures)
    if max_ratio and highest > max_ratio:
        sys.exit(f"an event costs {highest} times the floor; at most {max_ratio} are allowed")


@main.command()
@click.option("--records", type=click.IntRange(1000), default=200_000, show_default=True, help="The backlog.")
@SETTINGS
def profile(records: int, settings: tuple[str, ...]) -> None:
    """Show where the product's CPU time goes, function by function."""
    changed = _changed_settings(settings)
    with brokers.broker() as broker, tempfile.TemporaryDirectory() as folder:
        file, count = Path(folder) / "profile", min(records, broker.max_records)
        topic = broker.topic()
        broker.fill(topic, count)
        unprofiled = rounds.product(broker, topic, count, changed)
        with_profile = {**changed, profiled.PROFILE: str(file)}
        rounds.product(broker, topic, count, with_profile, (sys.executable, "-m", "bench.profiled"))
        click.echo(report.threads(unprofiled))
        click.echo(profiled.table(file, count))


@main.command()
@SETTINGS
def rebalance(settings: tuple[str, ...]) -> None:
    """Measure the delay at a steady rate while a member joins and leaves; requires a broker in a container."""
    with brokers.broker() as broker:
        click.echo(rebalance_bench.table(rebalance_bench.run(broker, _changed_settings(settings))))


@main.command()
@click.option("--partitions", type=click.IntRange(1), default=96, show_default=True, help="In a container only.")
@click.option("--seconds", type=click.IntRange(1), default=30, show_default=True)
@SETTINGS
def quiet(partitions: int, seconds: int, settings: tuple[str, ...]) -> None:
    """Measure 1 event per second and 500, spread over many partitions."""
    with brokers.broker() as broker:
        wide = broker if broker.kind == "embedded" else replace(broker, partitions=partitions)
        for rate in (trickle.QUIET_RATE, trickle.RATE):
            result = trickle.run(wide, seconds, _changed_settings(settings), rate)
            click.echo(trickle.sentence(result._asdict()))


@main.command()
@click.option("--records", type=click.IntRange(1000), default=100_000, show_default=True, help="The backlog.")
@click.option("--rounds", "times", type=click.IntRange(1), default=3, show_default=True)
@SETTINGS
def growth(records: int, times: int, settings: tuple[str, ...]) -> None:
    """Measure speed and memory by partitions, write keys and schemas; requires a broker in a container."""
    with brokers.broker() as broker:
        results = growth_bench.run(broker, records, times, _changed_settings(settings))
        click.echo(growth_bench.table(results))


@main.command()
@SETTINGS
def start(settings: tuple[str, ...]) -> None:
    """Measure the seconds from a process's start to its first delivered batch."""
    with brokers.broker() as broker:
        click.echo(json.dumps(start_bench.run(broker, _changed_settings(settings))))


@main.command()
@click.option("--records", type=click.IntRange(1000), default=200_000, show_default=True, help="The backlog.")
@click.option("--halves", is_flag=True, help="Half of one core for each, and a Segment that answers at once.")
@SETTINGS
def members(records: int, halves: bool, settings: tuple[str, ...]) -> None:
    """Measure one member, then two on two cores, with a Segment that answers after 0.1 s."""
    changed = _changed_settings(settings)
    with brokers.broker() as broker:
        count = min(records, broker.max_records)
        alone = members_bench.run(broker, count, 1, halves, changed)
        together = members_bench.run(broker, count, 2, halves, changed)
        click.echo(members_bench.table(count, alone, together))


@main.command()
@click.option("--records", type=click.IntRange(1000), default=200_000, show_default=True, help="The backlog.")
@click.option("--rounds", "times", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each variant.")
def observers(records: int, times: int) -> None:
    """Measure the cost of the audit log and of OpenTelemetry."""
    with brokers.broker() as broker:
        click.echo(observers_bench.table(observers_bench.run(broker, min(records, broker.max_records), times)))


@main.command()
def compress() -> None:
    """Measure the cost and the savings of gzip by library and level; zlib-ng if it is installed."""
    click.echo(compress_bench.table())


@main.command()
@click.option("--rounds", "times", type=click.IntRange(2), default=15, show_default=True)
def steps(times: int) -> None:
    """Measure decode, map and serialise for each shape of record, in turns with the floor, without a broker."""
    click.echo(steps_bench.table(times))


@main.command()
@click.option("--events", type=click.IntRange(500), default=10_000_000, show_default=True, help="The backlog.")
@click.option("--per-cpu-second", type=float, required=True, help="Events, as `make bench` measured them.")
def drain(events: int, per_cpu_second: float) -> None:
    """Simulate how long a backlog takes under Segment's limits."""
    click.echo(drain_simulation.table(events, 1 / per_cpu_second))


def _changed_settings(settings: tuple[str, ...]) -> dict[str, str]:
    return dict(setting.split("=", 1) for setting in settings)


if __name__ == "__main__":
    main()
