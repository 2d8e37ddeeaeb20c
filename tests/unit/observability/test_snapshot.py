"""Every record is accounted for, and a snapshot does not change."""

from collections import Counter
from dataclasses import replace

from consumer.observability.snapshot import SECONDS, Counters, Distribution, Snapshot


def test_every_record_is_accounted_for() -> None:
    counters = Counters(consumed=20, delivered=6, released=1, skipped=Counter(a=2, b=1), dead_lettered=Counter(bad=3))
    snapshot = Snapshot(loop_ran_at=0.0, counters=counters, waiting=4, in_flight=3)
    assert snapshot.unaccounted == 0
    assert replace(snapshot, waiting=3).unaccounted == 1


def test_a_copy_does_not_change_with_its_original() -> None:
    counters = Counters()
    before = counters.copy()
    counters.consumed += 1
    counters.skipped["a"] += 1
    counters.request_seconds.add(1)
    assert before == Counters()
    assert counters.copy() == counters


def test_a_size_falls_into_the_bucket_of_its_bound() -> None:
    durations = Distribution(SECONDS)
    for seconds in (0.05, 0.051, 3600.0):
        durations.add(seconds)
    assert dict(zip(SECONDS, durations.counts, strict=True)) == dict.fromkeys(SECONDS, 0) | {
        0.05: 1,
        0.1: 1,
        float("inf"): 1,
    }
    assert durations.total == 3600.101
