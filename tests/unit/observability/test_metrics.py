"""The metrics have the numbers of the snapshot, with names and types that Prometheus' own parser reads."""

import re
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from consumer.observability import prometheus
from consumer.observability.metrics import METRICS
from consumer.observability.snapshot import Block, Counters, PartitionState, Snapshot

COUNTERS = Counters(consumed=9, delivered=4, skipped=Counter(anonymous=2), requests=Counter(accepted=3, retried=1))
COUNTERS.request_seconds.add(0.2)
COUNTERS.request_seconds.add(99)
COUNTERS.request_events.add(500)
SNAPSHOT = Snapshot(
    loop_ran_at=1.0,
    counters=COUNTERS,
    waiting=3,
    blocks=[Block("Production", "http_401", 1764000000.0), Block("partition 3", "http_401", 1764000001.0)],
    partitions={0: PartitionState(lag=7, records=3, memory_bytes=900, paused=True), 1: PartitionState()},
    settled_at=1764000000.5,
    is_group_member=True,
)


def samples(snapshot: Snapshot) -> dict[str, float]:
    text = prometheus.renderer(lambda: snapshot)().decode()
    return {
        sample.name.removeprefix(prometheus.PREFIX)
        + "".join(f" {label}={value}" for label, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_snapshot_is_rendered() -> None:
    values = samples(SNAPSHOT)
    expected = {
        "records_consumed_total": 9,
        "records_delivered_total": 4,
        "records_skipped_total reason=anonymous": 2,
        "requests_total outcome=retried": 1,
        "records_waiting": 3,
        "records_unaccounted": 0,
        "blocked reason=http_401": 2,
        "consumer_lag partition=0": 7,
        "buffered_bytes partition=0": 900,
        "paused partition=0": 1,
        "last_settled_timestamp_seconds": 1764000000.5,
        "group_member": 1,
        "draining": 0,
        "request_duration_seconds_bucket le=0.1": 0,
        "request_duration_seconds_bucket le=0.25": 1,
        "request_duration_seconds_bucket le=+Inf": 2,
        "request_duration_seconds_count": 2,
        "request_duration_seconds_sum": 99.2,
        "request_events_bucket le=500.0": 1,
        "request_events_bucket le=250.0": 0,
    }
    assert expected.items() <= values.items()
    assert "consumer_lag partition=1" not in values  # not known yet


def test_the_process_has_metrics_too() -> None:
    assert samples(Snapshot(0.0))["process_resident_memory_bytes"] > 0


def test_names_follow_the_conventions() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"[a-z][a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.meaning.endswith(".")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_the_table_names_every_metric() -> None:
    rows = prometheus.metrics_table().splitlines()
    assert len(rows) == len(METRICS)
    assert "| `sprig_to_segment_records_skipped_total` | counter | `reason` | Records with nothing to send. |" in rows
