"""The books balance, and a snapshot stays as it was."""

from collections import Counter
from dataclasses import replace

from consumer.observability.snapshot import SECONDS, Counts, Distribution, Snapshot


def test_every_record_is_accounted_for() -> None:
    counts = Counts(consumed=20, delivered=6, handed_back=1, skipped=Counter(a=2, b=1), dead_lettered=Counter(bad=3))
    snapshot = Snapshot(turned_at=0.0, counts=counts, waiting=4, in_flight=3)
    assert snapshot.unaccounted == 0
    assert replace(snapshot, waiting=3).unaccounted == 1


def test_a_copy_does_not_change_with_its_original() -> None:
    counts = Counts()
    before = counts.copy()
    counts.consumed += 1
    counts.skipped["a"] += 1
    counts.request_seconds.add(1)
    assert before == Counts()
    assert counts.copy() == counts


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
