"""What a run has found, as JSON values and as a table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench import trickle
from bench.broker import Broker
from bench.rounds import Drained


def figures(
    broker: Broker, pairs: Sequence[tuple[Drained, Drained]], trickled: trickle.Trickled | None
) -> Mapping[str, Any]:
    """Of rounds of the floor and the product that took turns: the median of the ratios is the figure of merit."""
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


def table(found: Mapping[str, Any]) -> str:
    product, floor = found["product"], found["floor"]
    lines = [f"{found['records']} records, {found['partitions']} partitions, {found['broker']} broker", ""]
    lines += [f"{'':24}{'product':>10}{'floor':>10}"]
    lines += [f"{name.replace('_', ' '):24}{product[name]:>10}{floor[name]:>10}" for name in product]
    lines += ["", f"an event costs {found['ratio']} times the floor (round by round: {found['ratios']})"]
    if found["trickle"]:
        lines.append(trickle.sentence(found["trickle"]))
    return "\n".join(lines)


def threads(run: Drained) -> str:
    """Which thread of the product takes how much, its start-up included; unwatched."""
    named = ", ".join(f"{name} {seconds / run.events * 1e6:.2f}" for name, seconds in run.threads.items())
    return f"CPU in us an event: {run.cpu / run.events * 1e6:.2f} after the start-up; by thread, with it: {named}"


def _summary(runs: Sequence[Drained]) -> Mapping[str, float]:
    """The medians; memory is the highest of all rounds."""
    return {
        "events_per_cpu_second": round(statistics.median(run.per_cpu_second for run in runs)),
        "events_per_second": round(statistics.median(run.events / run.seconds for run in runs)),
        "peak_mib": round(max(run.memory.peak for run in runs), 1),
        "requests": round(statistics.median(run.requests for run in runs)),
        "mean_batch": round(statistics.median(run.events / run.requests for run in runs), 1),
        "bytes_per_event": round(statistics.median(run.bytes / run.events for run in runs)),
    }
