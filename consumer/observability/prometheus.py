"""The latest snapshot as Prometheus reads it."""

from collections.abc import Callable, Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from consumer.observability.metrics import METRICS, Histogram, Metric
from consumer.observability.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "sprig_to_segment_"

Latest = Callable[[], Snapshot]


class _Collector(Collector):
    def __init__(self, latest: Latest) -> None:
        self._latest = latest

    def collect(self) -> Iterable[Family]:
        snapshot = self._latest()
        return (_family(metric, snapshot) for metric in METRICS)


def renderer(latest: Latest) -> Callable[[], bytes]:
    """A function that renders the metrics of the latest snapshot, and the process's, as Prometheus' text."""
    registry = CollectorRegistry()
    registry.register(_Collector(latest))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


def metrics_table() -> str:
    """The rows of the metrics table in Markdown: name, type, label, meaning."""
    return "\n".join(
        f"| `{PREFIX}{it.name}` | {it.kind} | {it.label and f'`{it.label}`'} | {it.meaning} |" for it in METRICS
    )


def _family(metric: Metric | Histogram, snapshot: Snapshot) -> Family:
    return _histogram(metric, snapshot) if isinstance(metric, Histogram) else _samples(metric, snapshot)


def _samples(metric: Metric, snapshot: Snapshot) -> Family:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(PREFIX + metric.name, metric.meaning, labels=[metric.label] if metric.label else [])
    for label, value in metric.samples(snapshot).items():
        family.add_metric([label] if metric.label else [], value)
    return family


def _histogram(metric: Histogram, snapshot: Snapshot) -> Family:
    seen = metric.seen(snapshot)
    bounds = [*map(str, seen.bounds[:-1]), "+Inf"]
    family = HistogramMetricFamily(PREFIX + metric.name, metric.meaning)
    family.add_metric([], list(zip(bounds, accumulate(seen.counts), strict=True)), sum_value=seen.total)
    return family
