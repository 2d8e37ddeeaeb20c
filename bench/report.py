"""The figures of the benchmark, as JSON values and as a table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench import trickle
from bench.broker import Broker
from bench.pairs import Pair
from bench.rounds import RoundResult

AFTER_START, WHOLE = "after the start", "whole process"


def figures(
    broker: Broker, pairs: Mapping[str, Sequence[Pair]], trickled: trickle.TrickleResult | None
) -> Mapping[str, Any]:
    """The figures of pairs of rounds, by the shape of the records; the most important are the ratios."""
    return {
        "broker": broker.kind,
        "partitions": broker.partitions,
        "shapes": {shape: _figures_of_shape(of_shape) for shape, of_shape in pairs.items()},
        "trickle": trickled._asdict() if trickled else None,
    }


def ratios(figures: Mapping[str, Any]) -> Mapping[str, Mapping[str, float]]:
    """By shape and part of the process: the median ratio of the rounds with its spread."""
    return {
        f"{shape}, {part}": ratio
        for shape, of_shape in figures["shapes"].items()
        for part, ratio in of_shape["ratios"].items()
    }


def highest_after_start(figures: Mapping[str, Any]) -> float:
    """The median ratio of the most expensive shape. A start weighs more in a short run, so it is not included."""
    highest: float = max(of_shape["ratios"][AFTER_START]["median"] for of_shape in figures["shapes"].values())
    return highest


def table(figures: Mapping[str, Any]) -> str:
    lines = [f"{figures['partitions']} partitions, {figures['broker']} broker"]
    for shape, of_shape in figures["shapes"].items():
        product, floor = of_shape["product"], of_shape["floor"]
        title = f"{shape}, {of_shape['records']} records"
        lines += ["", f"{title:30}{'product':>10}{'floor':>10}"]
        lines += [f"{name.replace('_', ' '):30}{product[name]:>10}{floor[name]:>10}" for name in product]
    lines += ["", f"{'product / floor in CPU time':30}{'median':>10}{'lowest':>10}{'highest':>10}"]
    for row, ratio in ratios(figures).items():
        lines.append(f"{row:30}{ratio['median']:>10.3f}{ratio['lowest']:>10.3f}{ratio['highest']:>10.3f}")
    if figures["trickle"]:
        lines += ["", trickle.sentence(figures["trickle"])]
    return "\n".join(lines)


def threads(run: RoundResult) -> str:
    """The CPU time of each thread of the product, including its start, without profiling."""
    by_thread = ", ".join(f"{name} {seconds / run.events * 1e6:.2f}" for name, seconds in run.threads.items())
    after_start = f"{run.cpu / run.events * 1e6:.2f} after the start"
    return f"CPU in us an event: {after_start}; by thread, including the start: {by_thread}"


def _figures_of_shape(pairs: Sequence[Pair]) -> Mapping[str, Any]:
    return {
        "records": pairs[0].floor.events,
        "ratios": {
            AFTER_START: _spread([pair.product.cpu / pair.floor.cpu for pair in pairs]),
            WHOLE: _spread([pair.product.whole_cpu / pair.floor.whole_cpu for pair in pairs]),
        },
        "product": _summary([pair.product for pair in pairs]),
        "floor": _summary([pair.floor for pair in pairs]),
    }


def _spread(values: Sequence[float]) -> Mapping[str, float]:
    """The median comes from the rounds themselves: the pairs are compared, and not two medians."""
    spread = {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
    return {name: round(value, 3) for name, value in spread.items()}


def _summary(runs: Sequence[RoundResult]) -> Mapping[str, float]:
    """The medians; memory is the peak of all rounds."""
    return {
        "events_per_cpu_second": round(statistics.median(run.per_cpu_second for run in runs)),
        "events_per_second": round(statistics.median(run.events / run.seconds for run in runs)),
        "start_cpu_seconds": round(statistics.median(run.whole_cpu - run.cpu for run in runs), 2),
        "peak_mib": round(max(run.memory.peak for run in runs), 1),
        "requests": round(statistics.median(run.requests for run in runs)),
        "mean_batch": round(statistics.median(run.events / run.requests for run in runs), 1),
        "bytes_per_event": round(statistics.median(run.bytes / run.events for run in runs)),
    }
