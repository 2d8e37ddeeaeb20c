"""The figures of the benchmark, as JSON values and as a table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench import trickle
from bench.broker import Broker
from bench.rounds import RoundResult


def figures(
    broker: Broker, pairs: Sequence[tuple[RoundResult, RoundResult]], trickled: trickle.TrickleResult | None
) -> Mapping[str, Any]:
    """The figures of alternating rounds of floor and product; the most important is the median of the ratios."""
    ratios = [product.cpu / floor.cpu for floor, product in pairs]
    return {
        "broker": broker.kind,
        "partitions": broker.partitions,
        "records": pairs[0][0].events,
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "product": _summary([product for _, product in pairs]),
        "floor": _summary([floor for floor, _ in pairs]),
        "trickle": trickled._asdict() if trickled else None,
    }


def table(figures: Mapping[str, Any]) -> str:
    product, floor = figures["product"], figures["floor"]
    lines = [f"{figures['records']} records, {figures['partitions']} partitions, {figures['broker']} broker", ""]
    lines += [f"{'':24}{'product':>10}{'floor':>10}"]
    lines += [f"{name.replace('_', ' '):24}{product[name]:>10}{floor[name]:>10}" for name in product]
    lines += ["", f"an event costs {figures['ratio']} times the floor (round by round: {figures['ratios']})"]
    if figures["trickle"]:
        lines.append(trickle.sentence(figures["trickle"]))
    return "\n".join(lines)


def threads(run: RoundResult) -> str:
    """The CPU time of each thread of the product, including its start, without profiling."""
    by_thread = ", ".join(f"{name} {seconds / run.events * 1e6:.2f}" for name, seconds in run.threads.items())
    after_start = f"{run.cpu / run.events * 1e6:.2f} after the start"
    return f"CPU in us an event: {after_start}; by thread, including the start: {by_thread}"


def _summary(runs: Sequence[RoundResult]) -> Mapping[str, float]:
    """The medians; memory is the peak of all rounds."""
    return {
        "events_per_cpu_second": round(statistics.median(run.per_cpu_second for run in runs)),
        "events_per_second": round(statistics.median(run.events / run.seconds for run in runs)),
        "peak_mib": round(max(run.memory.peak for run in runs), 1),
        "requests": round(statistics.median(run.requests for run in runs)),
        "mean_batch": round(statistics.median(run.events / run.requests for run in runs), 1),
        "bytes_per_event": round(statistics.median(run.bytes / run.events for run in runs)),
    }
