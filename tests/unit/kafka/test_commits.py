"""Commits, with a client that answers as a test says: stored offsets, lower offsets, and retries of the last commit."""

import logging
import time
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError

from consumer.kafka.commits import REBALANCE_ERRORS, OffsetCommits
from tests.unit.kafka.commit_fakes import FailedPartition, FakeClient, FakeStartOffsets, topic_partition

NOTHING_NEW = KafkaError(KafkaError._NO_OFFSET)
FENCED = KafkaError(KafkaError.ILLEGAL_GENERATION)
DENIED = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)


class FakeClock:
    """Only sleeping takes time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept = 100.0, list[float]()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock(monkeypatch)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def start_offsets() -> FakeStartOffsets:
    return FakeStartOffsets()


@pytest.fixture
def commits(client: FakeClient, start_offsets: FakeStartOffsets) -> OffsetCommits:
    return OffsetCommits(client, start_offsets)  # type: ignore[arg-type]


def test_stored_offsets_go_with_the_next_commit(commits: OffsetCommits, client: FakeClient) -> None:
    commits.store({0: 0, 1: 7})
    commits.commit(wait=False)
    assert client.stored == [(0, 0), (1, 7)]
    assert client.commits == [(True, None)]
    commits.report(None, [topic_partition(0, 0), topic_partition(1, 7)])
    commits.store({1: 8})
    commits.commit(wait=False)
    assert client.stored[2:] == [(1, 8)]
    assert client.commits[1:] == [(True, None)]
    assert commits.counts == {"ok": 1, "failed": 0}


def test_a_commit_waits_for_the_answer_to_the_commit_before(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock
) -> None:
    """The client retries a commit by itself, and the retry of an earlier one would set the offsets back."""
    commits.commit(wait=False)
    clock.now += 59
    commits.commit(wait=False)
    assert client.commits == [(True, None)]
    commits.report(None, [topic_partition(0, 7)])
    commits.commit(wait=False)
    assert client.commits == [(True, None)] * 2
    clock.now += 60  # an answer that never comes
    commits.commit(wait=False)
    assert client.commits == [(True, None)] * 3
    commits.commit(wait=True)
    assert client.commits == [(True, None)] * 3 + [(False, None)]


@pytest.mark.parametrize("error", [FENCED, NOTHING_NEW], ids=str)
def test_a_commit_that_fails_at_once_has_its_answer(
    commits: OffsetCommits, client: FakeClient, error: KafkaError
) -> None:
    client.commit_errors = [error]
    commits.commit(wait=False)
    commits.commit(wait=False)
    assert client.commits == [(True, None)] * 2


@pytest.mark.parametrize("wait", [False, True])
def test_a_lower_offset_is_committed_by_itself_until_the_broker_has_it(
    commits: OffsetCommits, client: FakeClient, wait: bool
) -> None:
    commits.report(None, [topic_partition(0, 100), topic_partition(1, 5)])
    commits.store({0: 3, 1: 6})
    assert client.stored == [(1, 6)]
    commits.commit(wait=False)
    assert client.commits == [(True, [(0, 3)]), (True, None)]
    # Partition 1 was committed, and partition 0 is named without an offset.
    commits.report(None, [topic_partition(1, 6), topic_partition(0, -1001)])
    commits.commit(wait=False)
    assert client.commits[2:] == [(True, [(0, 3)]), (True, None)]
    if wait:
        commits.commit(wait=True)
    else:
        commits.report(None, [topic_partition(0, 3)])
    commits.commit(wait=False)
    assert client.commits[-1] == (True, None)
    assert client.commits[-2] != (True, [(0, 3)])
    commits.store({0: 4})
    assert client.stored[-1] == (0, 4)


def test_a_later_lower_offset_replaces_an_earlier_one(commits: OffsetCommits, client: FakeClient) -> None:
    commits.report(None, [topic_partition(0, 100)])
    for offset in (3, 4):
        commits.store({0: offset})
        commits.commit(wait=False)
    assert client.commits == [(True, [(0, 3)]), (True, None)]
    commits.report(None, [topic_partition(0, 3)])  # the first one is committed, the second is still to come
    commits.commit(wait=False)
    assert client.commits[2:] == [(True, [(0, 4)]), (True, None)]
    commits.report(NOTHING_NEW, [])
    commits.store({0: 100})
    commits.commit(wait=False)
    assert client.stored == [(0, 100)]
    assert client.commits[4:] == [(True, None)]


def test_a_lower_offset_outlives_the_answer_to_an_earlier_commit(commits: OffsetCommits, client: FakeClient) -> None:
    commits.report(None, [topic_partition(0, 100)])
    commits.store({0: 3})
    commits.report(None, [topic_partition(0, 101)])
    commits.commit(wait=False)
    assert client.commits == [(True, [(0, 3)]), (True, None)]


@pytest.mark.parametrize("offset", [0, 1, 100])
@pytest.mark.parametrize("topic_id", ["", "a", "first", "z"])
def test_the_same_offset_is_committed_by_itself_in_another_topic_only(
    commits: OffsetCommits, client: FakeClient, start_offsets: FakeStartOffsets, topic_id: str, offset: int
) -> None:
    commits.report(None, [topic_partition(0, offset)])
    without_offset = [topic_partition(0, -1, "none"), topic_partition(1, -1, "none")]
    commits.report(None, without_offset)
    start_offsets.topic_id = topic_id
    commits.store({0: offset, 1: offset})
    commits.commit(wait=False)
    if topic_id == "first":
        assert client.stored == [(0, offset), (1, offset)]
        assert client.commits == [(True, None)]
    else:
        assert client.stored == [(1, offset)]
        assert client.commits == [(True, [(0, offset)]), (True, None)]


def test_no_lower_offset_is_committed_for_a_revoked_partition(commits: OffsetCommits, client: FakeClient) -> None:
    commits.report(None, [topic_partition(0, 100), topic_partition(1, 100)])
    commits.store({0: 3, 1: 4})
    commits.forget([0, 7])
    commits.commit(wait=False)
    assert client.commits == [(True, [(1, 4)]), (True, None)]


def test_an_offset_that_the_client_does_not_store_is_logged(
    commits: OffsetCommits, client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.store_errors = [KafkaError(KafkaError._STATE)]
    commits.store({0: 1, 1: 2})
    assert client.stored == [(1, 2)]
    (line,) = caplog.records
    assert (line.levelname, vars(line)["partition"], vars(line)["error"]) == ("INFO", 0, "_STATE")


@pytest.mark.parametrize("error", [FENCED, DENIED, KafkaError(KafkaError._STATE)], ids=str)
def test_a_failed_commit_is_counted_and_logged(
    commits: OffsetCommits, client: FakeClient, caplog: pytest.LogCaptureFixture, error: KafkaError
) -> None:
    client.commit_errors = [error]
    commits.commit(wait=False)
    commits.report(error, [])
    results = [topic_partition(0, 1), FailedPartition(1, error), FailedPartition(2, NOTHING_NEW)]
    commits.report(None, cast(Any, results))
    assert commits.counts == {"ok": 0, "failed": 3}
    assert [vars(line)["error"] for line in caplog.records] == [error.str()] * 3
    assert len(client.commits) == 1


@pytest.mark.parametrize("wait", [False, True])
def test_a_commit_with_nothing_new_is_no_failure(commits: OffsetCommits, client: FakeClient, wait: bool) -> None:
    client.commit_errors = [NOTHING_NEW]
    commits.commit(wait)
    assert commits.counts == {"ok": 0, "failed": 0}
    assert client.commits == [(not wait, None)]


def test_a_drain_retries_its_commit_while_a_rebalance_is_in_progress(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    client.commit_errors = [KafkaError(code) for code in REBALANCE_ERRORS]
    commits.store({0: 5})
    commits.commit(wait=True)
    assert client.commits == [(False, None)] * 4
    assert clock.slept == [0.1] * 3
    assert commits.counts == {"ok": 1, "failed": 0}
    assert not caplog.records


def test_a_drain_retries_for_three_seconds_and_not_after_a_permanent_error(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock
) -> None:
    client.commit_errors = [FENCED] * 100
    commits.commit(wait=True)
    assert sum(clock.slept) == pytest.approx(3.0, abs=0.11)
    assert commits.counts == {"ok": 0, "failed": 1}
    client.commit_errors = [DENIED]
    sleeps = len(clock.slept)
    commits.commit(wait=True)
    assert len(clock.slept) == sleeps
    assert commits.counts == {"ok": 0, "failed": 2}
