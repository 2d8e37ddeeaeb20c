"""The metrics of the service as OTLP has them: those that `metrics.py` declares, of one snapshot for each export."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramOfOtlp
from opentelemetry.sdk.metrics.export import Metric as MetricOfOtlp
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from consumer.internal_errors import describe
from consumer.observability.metrics import METRICS, Histogram, Metric
from consumer.observability.prometheus import PREFIX
from consumer.observability.snapshot import LatestSnapshot, Snapshot
from consumer.outside_text import escaped

log = logging.getLogger(__name__)

_CUMULATIVE = AggregationTemporality.CUMULATIVE
_UNKNOWN = cast(Any, None)  # the least and the greatest value, which OTLP allows to leave out


class MetricsExport:
    """
    Exports the metrics at each interval and once at the end, on a thread of its own.

    The SDK has no instrument for a histogram that is counted elsewhere, so the values go to the exporter directly.
    """

    def __init__(self, exporter: MetricExporter, resource: Resource, latest: LatestSnapshot, interval: float) -> None:
        """`interval` is in seconds."""
        self._exporter, self._resource, self._latest, self._interval = exporter, resource, latest, interval
        self._started_ns = time.time_ns()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Export the last values. Waits for the exporter."""
        self._stop.set()
        self._thread.join()
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._export()
        self._export()

    def _export(self) -> None:
        try:
            self._exporter.export(metrics_data(self._latest(), self._resource, self._started_ns, time.time_ns()))
        except Exception as error:  # noqa: BLE001 - the next export may succeed
            log.warning("metrics not exported, delivery continues", extra={"error": describe(error)})


def metrics_data(snapshot: Snapshot, resource: Resource, started_ns: int, now_ns: int) -> MetricsData:
    """
    The metrics of a snapshot that have a value. Counters and histograms count from `started_ns` on; both are ns since
    1970.
    """
    points = {metric: _points(metric, snapshot, started_ns, now_ns) for metric in METRICS}
    metrics = [
        MetricOfOtlp(PREFIX + metric.name, metric.meaning, "", values)
        for metric, values in points.items()
        if values.data_points
    ]
    scope = ScopeMetrics(InstrumentationScope("sprig-to-segment"), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _points(
    metric: Metric | Histogram, snapshot: Snapshot, started_ns: int, now_ns: int
) -> Sum | Gauge | HistogramOfOtlp:
    if isinstance(metric, Histogram):
        return HistogramOfOtlp([_histogram(metric, snapshot, started_ns, now_ns)], _CUMULATIVE)
    points = [*_numbers(metric, snapshot, started_ns, now_ns)]
    return Sum(points, _CUMULATIVE, is_monotonic=True) if metric.kind == "counter" else Gauge(points)


def _numbers(metric: Metric, snapshot: Snapshot, started_ns: int, now_ns: int) -> Iterator[NumberDataPoint]:
    for label_value, value in metric.samples(snapshot).items():
        attributes = {metric.label: escaped(label_value)} if metric.label else {}
        yield NumberDataPoint(attributes, started_ns, now_ns, value + 0)  # a truth value is a number here


def _histogram(metric: Histogram, snapshot: Snapshot, started_ns: int, now_ns: int) -> HistogramDataPoint:
    distribution = metric.distribution(snapshot)
    counts, bounds = distribution.counts, distribution.bounds[:-1]
    times = started_ns, now_ns
    return HistogramDataPoint({}, *times, sum(counts), distribution.total, counts, bounds, _UNKNOWN, _UNKNOWN)
