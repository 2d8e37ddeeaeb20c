"""The metrics: each declared once, with its meaning, as a view of the latest snapshot."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from consumer.operate.counts import BOUNDS, Held, Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "sprig_to_segment_"

Latest = Callable[[], Snapshot]
Samples = Mapping[str, float]


class Metric(NamedTuple):
    """`samples` gives a value for each value of `label`; without a label, one for ""."""

    name: str
    kind: Literal["counter", "gauge"]
    label: str
    meaning: str
    samples: Callable[[Snapshot], Samples]

    def family(self, snapshot: Snapshot) -> Family:
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = make(PREFIX + self.name, self.meaning, labels=[self.label] if self.label else [])
        for label, value in self.samples(snapshot).items():
            family.add_metric([label] if self.label else [], value)
        return family


def counter(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    return Metric(name, "counter", "", meaning, lambda snapshot: {"": value(snapshot)})


def gauge(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    return Metric(name, "gauge", "", meaning, lambda snapshot: {"": value(snapshot)})


def per_partition(name: str, meaning: str, value: Callable[[Held], float]) -> Metric:
    def samples(snapshot: Snapshot) -> Samples:
        return {str(number): value(held) for number, held in snapshot.partitions.items()}

    return Metric(name, "gauge", "partition", meaning, samples)


METRICS = (
    counter("records_consumed_total", "Records read from Kafka.", lambda s: s.counts.consumed),
    counter("records_delivered_total", "Records that Segment took.", lambda s: s.counts.delivered),
    Metric("records_skipped_total", "counter", "reason", "Records with nothing to send.", lambda s: s.counts.skipped),
    Metric(
        "records_dead_lettered_total",
        "counter",
        "reason",
        "Records that are kept in the dead-letter topic.",
        lambda s: s.counts.dead_lettered,
    ),
    counter(
        "records_handed_back_total",
        "Unsettled records of revoked partitions, which the next owner reads again.",
        lambda s: s.counts.handed_back,
    ),
    counter(
        "records_lost_to_retention_total",
        "Records that Kafka deleted before they were read.",
        lambda s: s.counts.lost_to_retention,
    ),
    gauge("records_waiting", "Records held, not under way.", lambda s: s.waiting),
    gauge("records_in_flight", "Records in open requests, or dead letters to be confirmed.", lambda s: s.in_flight),
    gauge("records_unaccounted", "Records that are nowhere: anything but 0 is a defect.", lambda s: s.unaccounted),
    Metric(
        "framings_seen_total",
        "counter",
        "framing",
        "Looks at records under AVRO_FRAMING=auto, by what they showed; one that has to wait is looked at again.",
        lambda s: s.counts.framed,
    ),
    Metric(
        "schema_lookups_total",
        "counter",
        "outcome",
        "Questions to the schema registry: found, denied (unknown there), refused (no use), unreachable (no answer).",
        lambda s: s.counts.lookups,
    ),
    Metric("requests_total", "counter", "outcome", "Attempts, by what came of them.", lambda s: s.counts.requests),
    Metric("commits_total", "counter", "result", "Commits of offsets.", lambda s: s.counts.commits),
    Metric("rebalances_total", "counter", "kind", "Changes of the assignment.", lambda s: s.counts.rebalances),
    Metric("holding", "gauge", "reason", "Keys and partitions that hold: somebody must act.", lambda s: s.holding),
    per_partition("lag_records", "Records behind the partition's end (-1: not known yet).", lambda held: held.lag),
    per_partition("held_records", "Records of the partition in memory.", lambda held: held.records),
    per_partition("held_bytes", "Bytes of the partition in memory.", lambda held: held.size),
    per_partition("paused", "1 while the partition is not read, as its lane is full.", lambda held: held.paused),
    gauge("last_settled_timestamp_seconds", "When a record was settled last (0: none yet).", lambda s: s.settled_at),
    gauge("joined", "1 while the member is in its group.", lambda s: s.joined),
    gauge("handing_over", "1 while partitions are handed over.", lambda s: s.handing_over),
)
REQUEST_SECONDS = ("request_duration_seconds", "Time of an attempt, from sending to its outcome.")


class _Collector(Collector):
    def __init__(self, latest: Latest) -> None:
        self._latest = latest

    def collect(self) -> Iterable[Family]:
        snapshot = self._latest()
        yield from (metric.family(snapshot) for metric in METRICS)
        yield _request_seconds(snapshot)


def renderer(latest: Latest) -> Callable[[], bytes]:
    """A function that renders the metrics of the latest snapshot, and the process's, as Prometheus' text."""
    registry = CollectorRegistry()
    registry.register(_Collector(latest))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


def metrics_table() -> str:
    """The rows of the metrics table in Markdown: name, type, label, meaning."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    for name, kind, label, meaning, _ in METRICS:
        yield f"| `{PREFIX}{name}` | {kind} | {label and f'`{label}`'} | {meaning} |"
    yield f"| `{PREFIX}{REQUEST_SECONDS[0]}` | histogram | | {REQUEST_SECONDS[1]} |"


def _request_seconds(snapshot: Snapshot) -> Family:
    durations = snapshot.counts.request_seconds
    bounds = [*map(str, BOUNDS[:-1]), "+Inf"]
    buckets = list(zip(bounds, accumulate(durations.counts), strict=True))
    family = HistogramMetricFamily(PREFIX + REQUEST_SECONDS[0], REQUEST_SECONDS[1])
    family.add_metric([], buckets=buckets, sum_value=durations.total)
    return family
