"""The metrics of the latest snapshot in Prometheus' text format."""

from collections.abc import Callable, Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from consumer.observability.metrics import METRICS, Histogram, Metric
from consumer.observability.snapshot import LatestSnapshot, Snapshot
from consumer.outside_text import escaped

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "sprig_to_segment_"


class _SnapshotCollector(Collector):
    """Reads one snapshot for each scrape, so that the numbers of a scrape belong together."""

    def __init__(self, latest: LatestSnapshot) -> None:
        self._latest = latest

    def collect(self) -> Iterable[Family]:
        snapshot = self._latest()
        for metric in METRICS:
            if isinstance(metric, Histogram):
                yield _histogram_family(metric, snapshot)
            else:
                yield _sample_family(metric, snapshot)


def renderer(latest: LatestSnapshot) -> Callable[[], bytes]:
    """A function that renders the metrics of the latest snapshot, and those of the process."""
    registry = CollectorRegistry()
    registry.register(_SnapshotCollector(latest))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


def metrics_table() -> str:
    """The rows of the metrics table in Markdown: name, type, label, meaning."""
    return "\n".join(_table_row(metric) for metric in METRICS)


def _table_row(metric: Metric | Histogram) -> str:
    label = f"`{metric.label}`" if metric.label else ""
    return f"| `{PREFIX}{metric.name}` | {metric.kind} | {label} | {metric.meaning} |"


def _sample_family(metric: Metric, snapshot: Snapshot) -> Family:
    labels = [metric.label] if metric.label else []
    family: CounterMetricFamily | GaugeMetricFamily
    if metric.kind == "counter":
        family = CounterMetricFamily(PREFIX + metric.name, metric.meaning, labels=labels)
    else:
        family = GaugeMetricFamily(PREFIX + metric.name, metric.meaning, labels=labels)
    for label_value, value in metric.samples(snapshot).items():
        family.add_metric([escaped(label_value)] if labels else [], value)
    return family


def _histogram_family(metric: Histogram, snapshot: Snapshot) -> Family:
    distribution = metric.distribution(snapshot)
    bounds = [*map(str, distribution.bounds[:-1]), "+Inf"]
    buckets = list(zip(bounds, accumulate(distribution.counts), strict=True))
    family = HistogramMetricFamily(PREFIX + metric.name, metric.meaning)
    family.add_metric([], buckets, sum_value=distribution.total)
    return family
