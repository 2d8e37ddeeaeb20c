"""The metrics: each is declared once, with its meaning, as a view of a snapshot."""

import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from consumer.observability.snapshot import Distribution, PartitionState, Snapshot

Samples = Mapping[str, float]


class Metric(NamedTuple):
    """A counter or gauge. `samples` gives one value for each value of `label`, or one for "" if there is no label."""

    name: str
    kind: Literal["counter", "gauge"]
    label: str
    meaning: str
    samples: Callable[[Snapshot], Samples]


class Histogram(NamedTuple):
    """A distribution since the start."""

    name: str
    meaning: str
    distribution: Callable[[Snapshot], Distribution]
    kind: Literal["histogram"] = "histogram"
    label: str = ""


def counter(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    return Metric(name, "counter", "", meaning, lambda snapshot: {"": value(snapshot)})


def counters(name: str, label: str, meaning: str, values: Callable[[Snapshot], Samples]) -> Metric:
    return Metric(name, "counter", label, meaning, values)


def gauge(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    return Metric(name, "gauge", "", meaning, lambda snapshot: {"": value(snapshot)})


def per_partition(name: str, meaning: str, value: Callable[[PartitionState], float]) -> Metric:
    """A gauge with one value for each partition. A value below 0 is not known yet, and is left out."""

    def samples(snapshot: Snapshot) -> Samples:
        values = {str(partition): value(state) for partition, state in snapshot.partitions.items()}
        return {partition: known_value for partition, known_value in values.items() if known_value >= 0}

    return Metric(name, "gauge", "partition", meaning, samples)


def age(since: float, now: float) -> float:
    """Seconds from `since` to `now`, both since 1970; 0 if `since` is 0, or in the future because of another clock."""
    return max(0.0, now - since) if since else 0.0


def retry_waits(snapshot: Snapshot) -> Samples:
    """Seconds until each write key may send again, by environment."""
    now = time.monotonic()
    return {environment: max(0.0, until - now) for environment, until in snapshot.open_until.items()}


METRICS: tuple[Metric | Histogram, ...] = (
    counter("records_consumed_total", "Records read from Kafka.", lambda s: s.counters.consumed),
    counter("records_delivered_total", "Records that Segment accepted.", lambda s: s.counters.delivered),
    counters("records_skipped_total", "reason", "Records with nothing to send.", lambda s: s.counters.skipped),
    counters(
        "records_dead_lettered_total",
        "reason",
        "Records that are confirmed in the dead-letter topic.",
        lambda s: s.counters.dead_lettered,
    ),
    counter(
        "records_released_total",
        "Unsettled records of revoked partitions, which the next owner reads again.",
        lambda s: s.counters.released,
    ),
    counter(
        "records_lost_to_retention_total",
        "Records that Kafka deleted before the service read them.",
        lambda s: s.counters.lost_to_retention,
    ),
    counter(
        "records_lost_to_truncation_total",
        "Records that the service had read and that Kafka lost afterwards, because its log stepped back.",
        lambda s: s.counters.lost_to_truncation,
    ),
    gauge("records_waiting", "Buffered records that are not in flight.", lambda s: s.waiting),
    gauge(
        "records_in_flight",
        "Records in open requests, or in dead letters that are not confirmed yet.",
        lambda s: s.in_flight,
    ),
    gauge(
        "records_unaccounted",
        "Consumed records that no other number accounts for: any value but 0 is a defect.",
        lambda s: s.unaccounted,
    ),
    counters(
        "requests_total", "outcome", "Requests to Segment by outcome, retries included.", lambda s: s.counters.requests
    ),
    Histogram(
        "request_duration_seconds",
        "Duration of a request to Segment, from sending to its outcome.",
        lambda s: s.counters.request_seconds,
    ),
    Histogram("request_events", "Events in a request to Segment.", lambda s: s.counters.request_events),
    Metric(
        "retry_wait_seconds",
        "gauge",
        "environment",
        "Time until the environment's write key may send again, after Segment asked to wait or requests failed.",
        retry_waits,
    ),
    Metric(
        "blocked",
        "gauge",
        "reason",
        "Blocked write keys and partitions: operator action required.",
        lambda s: s.blocked,
    ),
    per_partition("consumer_lag", "Records behind the end of the partition.", lambda state: state.lag),
    per_partition(
        "oldest_unsettled_age_seconds",
        "Age, by its own timestamp, of the oldest record that was read and is not settled (0: none).",
        lambda state: age(state.oldest, time.time()),
    ),
    per_partition("buffered_records", "Records of the partition in memory.", lambda state: state.records),
    per_partition("buffered_bytes", "Bytes of the partition in memory.", lambda state: state.memory_bytes),
    per_partition(
        "paused", "1 while the partition is not read, because its buffer is full.", lambda state: state.paused
    ),
    gauge(
        "last_settled_timestamp_seconds",
        "When a record was last settled, in seconds since 1970 (0: none yet).",
        lambda s: s.settled_at,
    ),
    counters("commits_total", "result", "Offset commits by result.", lambda s: s.counters.commits),
    counters("rebalances_total", "kind", "Changes of the partition assignment.", lambda s: s.counters.rebalances),
    counters(
        "schema_lookups_total",
        "outcome",
        "Requests to the schema registry by outcome.",
        lambda s: s.counters.lookups,
    ),
    counters(
        "framings_seen_total",
        "framing",
        "Framings recognised under AVRO_FRAMING=auto; a record that has to wait for its schema is counted again.",
        lambda s: s.counters.framings,
    ),
    counters(
        "changed_values_total",
        "change",
        "Values that could not be sent as they are, by what was done; also those of events that were rejected then.",
        lambda s: s.counters.changed_values,
    ),
    gauge("group_member", "1 while the service is a member of its consumer group.", lambda s: s.is_group_member),
    gauge("draining", "1 while the service drains partitions.", lambda s: s.draining),
)
"""In the order in which an operator looks at them."""
