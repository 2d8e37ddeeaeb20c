"""What the audit log and OpenTelemetry cost: the product with one of them, in turns with the product without."""

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench import rounds
from bench.broker import Broker
from bench.processes import segment

Variants = Mapping[str, Mapping[str, str]]


def run(broker: Broker, count: int, times: int) -> Mapping[str, Sequence[rounds.RoundResult]]:
    """The rounds of each variant. Each record has a trace context, and all variants read the same records."""
    topic = broker.topic()
    broker.fill(topic, count, is_traced=True)
    with _variants() as variants:
        results: dict[str, list[rounds.RoundResult]] = {name: [] for name in variants}
        for _ in range(times):
            for name, settings in variants.items():
                results[name].append(rounds.product(broker, topic, count, settings))
    return results


@contextmanager
def _variants() -> Iterator[Variants]:
    """The settings of each variant. The collector is a process that answers every request and decodes nothing."""
    with tempfile.TemporaryDirectory() as folder, segment() as collector:
        endpoint = f"http://{urlsplit(collector.url).netloc}"
        yield {
            "without": {},
            "audit log": {"AUDIT_LOG": str(Path(folder) / "audit.jsonl")},
            "OpenTelemetry": {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_METRIC_EXPORT_INTERVAL": "1000"},
        }


def table(results: Mapping[str, Sequence[rounds.RoundResult]]) -> str:
    """CPU for an event, its difference to the product without observers round by round, and the memory at the peak."""
    lines = [f"{'':16}{'us an event':>12}{'difference':>12}{'peak MiB':>10}"]
    for name, runs in results.items():
        costs = [result.cpu / result.events * 1e6 for result in runs]
        without = [result.cpu / result.events * 1e6 for result in results["without"]]
        differences = [cost - base for cost, base in zip(costs, without, strict=True)]
        peak = max(result.memory.peak for result in runs)
        cost, difference = statistics.median(costs), statistics.median(differences)
        lines.append(f"{name:16}{cost:>12.2f}{difference:>12.2f}{peak:>10.1f}")
    return "\n".join(lines)
