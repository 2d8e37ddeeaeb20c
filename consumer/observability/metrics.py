"""The metrics: each declared once, with its meaning, as a view of a snapshot."""

import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from consumer.observability.snapshot import Distribution, Held, Snapshot

Samples = Mapping[str, float]


class Metric(NamedTuple):
    """`samples` gives a value for each value of `label`; without a label, one for ""."""

    name: str
    kind: Literal["counter", "gauge"]
    label: str
    meaning: str
    samples: Callable[[Snapshot], Samples]


class Histogram(NamedTuple):
    """A distribution since the start."""

    name: str
    meaning: str
    seen: Callable[[Snapshot], Distribution]
    kind: Literal["histogram"] = "histogram"
    label: str = ""


def counter(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    return Metric(name, "counter", "", meaning, lambda snapshot: {"": value(snapshot)})


def counters(name: str, label: str, meaning: str, values: Callable[[Snapshot], Samples]) -> Metric:
    return Metric(name, "counter", label, meaning, values)


def gauge(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    return Metric(name, "gauge", "", meaning, lambda snapshot: {"": value(snapshot)})


def per_partition(name: str, meaning: str, value: Callable[[Held], float]) -> Metric:
    """A value below 0 is one that is not known yet, and is left out."""

    def samples(snapshot: Snapshot) -> Samples:
        values = {str(number): value(held) for number, held in snapshot.partitions.items()}
        return {number: known for number, known in values.items() if known >= 0}

    return Metric(name, "gauge", "partition", meaning, samples)


def age(since: float, now: float) -> float:
    """Seconds from `since` to `now`, both since 1970; 0 where `since` is 0, or in the future by another clock."""
    return max(0.0, now - since) if since else 0.0


def waits(snapshot: Snapshot) -> Samples:
    """Seconds that each key still waits, by its environment."""
    now = time.monotonic()
    return {environment: max(0.0, until - now) for environment, until in snapshot.waits.items()}


METRICS: tuple[Metric | Histogram, ...] = (
    counter("records_consumed_total", "Records read from Kafka.", lambda s: s.counts.consumed),
    counter("records_delivered_total", "Records that Segment took.", lambda s: s.counts.delivered),
    counters("records_skipped_total", "reason", "Records with nothing to send.", lambda s: s.counts.skipped),
    counters(
        "records_dead_lettered_total",
        "reason",
        "Records that are kept in the dead-letter topic.",
        lambda s: s.counts.dead_lettered,
    ),
    counter(
        "records_released_total",
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
    counters("requests_total", "outcome", "Attempts, by what came of them.", lambda s: s.counts.requests),
    Histogram(
        "request_duration_seconds",
        "Time of an attempt, from sending to its outcome.",
        lambda s: s.counts.request_seconds,
    ),
    Histogram("request_events", "Events of an attempt.", lambda s: s.counts.request_events),
    Metric(
        "retry_wait_seconds",
        "gauge",
        "environment",
        "Time until the environment's key may send again, as Segment asked for or as it backs off.",
        waits,
    ),
    Metric("blocked", "gauge", "reason", "Keys and partitions that hold: somebody must act.", lambda s: s.holding),
    per_partition("consumer_lag", "Records behind the partition's end.", lambda held: held.lag),
    per_partition(
        "oldest_unsettled_age_seconds",
        "Age, by its own time, of the oldest record that was read and is not settled (0: none).",
        lambda held: age(held.oldest, time.time()),
    ),
    per_partition("buffered_records", "Records of the partition in memory.", lambda held: held.records),
    per_partition("buffered_bytes", "Bytes of the partition in memory.", lambda held: held.size),
    per_partition("paused", "1 while the partition is not read, as its lane is full.", lambda held: held.paused),
    gauge("last_settled_timestamp_seconds", "When a record was settled last (0: none yet).", lambda s: s.settled_at),
    counters("commits_total", "result", "Commits of offsets.", lambda s: s.counts.commits),
    counters("rebalances_total", "kind", "Changes of the assignment.", lambda s: s.counts.rebalances),
    counters(
        "schema_lookups_total",
        "outcome",
        "Questions to the schema registry, by its answer.",
        lambda s: s.counts.lookups,
    ),
    counters(
        "framings_seen_total",
        "framing",
        "Looks at records under AVRO_FRAMING=auto, by what they showed; one that has to wait is looked at again.",
        lambda s: s.counts.framed,
    ),
    gauge("group_member", "1 while the member is in its group.", lambda s: s.joined),
    gauge("draining", "1 while partitions are handed over.", lambda s: s.handing_over),
)
"""In the order in which an operator asks."""
