"""Commits, with a client that answers as a test says: one at a time, lower offsets, and the bounded last commit."""

import time
from collections.abc import Sequence
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, TopicPartition

from consumer.kafka.commit_metadata import CommitMetadata
from consumer.kafka.commits import NO_ANSWER_ERRORS, OffsetCommits
from consumer.kafka.records import LogPosition
from consumer.waits import WaitKind
from tests.unit.kafka.commit_fakes import FailedPartition, FakeClient

FENCED = KafkaError(KafkaError.ILLEGAL_GENERATION)
DENIED = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)


class FakeClock:
    """Only sleeping, and waiting for a broker that is away, takes time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept = 100.0, list[float]()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock(monkeypatch)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def metadata() -> dict[int, str]:
    return {0: "first", 1: "first"}


@pytest.fixture
def commits(client: FakeClient, metadata: dict[int, str]) -> OffsetCommits:
    return OffsetCommits(cast(Any, client), "topic", lambda partition: metadata[partition])


def offsets(metadata: str = "first", **positions: int) -> Sequence[TopicPartition]:
    """What the client reports: `p0=5` is offset 5 of partition 0."""
    return [TopicPartition("topic", int(name[1:]), offset, metadata) for name, offset in positions.items()]


def test_what_the_broker_does_not_have_is_sent_with_its_epoch_and_metadata(
    commits: OffsetCommits, client: FakeClient
) -> None:
    commits.commit({0: LogPosition(5, 3), 1: LogPosition(7)})
    assert client.commits == [{0: LogPosition(5, 3), 1: LogPosition(7)}]
    assert {CommitMetadata.parse(offset.metadata).notes for offset in client.offsets.values()} == {"first"}
    commits.report(None, offsets(p0=5, p1=7))
    commits.commit({0: LogPosition(5, 4), 1: LogPosition(8)})
    assert client.commits[1:] == [{1: LogPosition(8)}]
    assert commits.counts == {"ok": 1, "failed": 0}


def test_an_offset_that_the_group_has_already_is_not_committed(commits: OffsetCommits, client: FakeClient) -> None:
    client.offsets = {0: TopicPartition("topic", 0, 5, "first")}
    commits.fetch([0], 1.0)
    commits.commit({0: LogPosition(5)})
    assert not client.commits
    assert commits.commit_and_wait({0: LogPosition(5)}, 3.0)
    assert len(client.fetch_timeouts) == 1


def test_a_commit_waits_for_the_answer_to_the_commit_before(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock
) -> None:
    """The client retries a commit by itself, and the retry of an earlier one would set the offsets back."""
    commits.commit({0: LogPosition(1)})
    clock.now += 59
    commits.commit({0: LogPosition(2)})
    assert len(client.commits) == 1
    commits.report(None, offsets(p0=1))
    commits.commit({0: LogPosition(2)})
    assert len(client.commits) == 2
    clock.now += 60  # an answer that never comes
    commits.commit({0: LogPosition(3)})
    assert client.commits[2:] == [{0: LogPosition(3)}]


def test_a_commit_that_fails_at_once_has_its_answer(commits: OffsetCommits, client: FakeClient) -> None:
    client.commit_errors = [FENCED]
    commits.commit({0: LogPosition(1)})
    commits.commit({0: LogPosition(1)})
    assert len(client.commits) == 2
    assert commits.counts == {"ok": 0, "failed": 1}


@pytest.mark.parametrize("offset", [0, 1, 99])
def test_a_lower_offset_is_committed_as_well(commits: OffsetCommits, client: FakeClient, offset: int) -> None:
    """A recreated topic has lower offsets, and so has a log that the broker lost the end of."""
    commits.report(None, offsets(p0=100))
    commits.commit({0: LogPosition(offset)})
    assert client.commits == [{0: LogPosition(offset)}]


@pytest.mark.parametrize(("topic_id", "is_sent"), [("first", False), ("second", True), ("", True)])
def test_the_same_offset_of_another_topic_is_committed_as_well(
    commits: OffsetCommits, client: FakeClient, metadata: dict[int, str], topic_id: str, is_sent: bool
) -> None:
    commits.report(None, offsets(p0=5))
    metadata[0] = topic_id
    commits.commit({0: LogPosition(5)})
    assert bool(client.commits) == is_sent


@pytest.mark.parametrize("error", [FENCED, DENIED, KafkaError(KafkaError._STATE)], ids=str)
def test_a_failed_commit_is_counted_and_logged_and_sent_again(
    commits: OffsetCommits, client: FakeClient, caplog: pytest.LogCaptureFixture, error: KafkaError
) -> None:
    client.commit_errors = [error]
    commits.commit({0: LogPosition(1)})
    commits.report(error, offsets(p0=1))
    commits.report(None, cast(Any, [*offsets(p0=1), FailedPartition(1, error)]))
    assert commits.counts == {"ok": 0, "failed": 3}
    assert [vars(line)["error"] for line in caplog.records] == [error.str()] * 3
    commits.commit({0: LogPosition(1), 1: LogPosition(1)})
    assert client.commits[1:] == [{1: LogPosition(1)}]  # partition 0 was committed beside the one that failed


def test_refused_commits_are_shown_since_the_first_until_one_succeeds(commits: OffsetCommits) -> None:
    assert not commits.waits
    commits.report(DENIED, offsets(p0=1))
    first = commits.waits
    commits.report(DENIED, offsets(p0=1))
    assert [wait.kind for wait in first] == [WaitKind.COMMIT]
    assert commits.waits == first
    commits.report(None, offsets(p0=1))
    assert not commits.waits


def test_the_last_commit_returns_when_the_broker_has_the_offsets(commits: OffsetCommits, client: FakeClient) -> None:
    commits.commit({0: LogPosition(4)})  # on its way
    assert commits.commit_and_wait({0: LogPosition(5), 1: LogPosition(7)}, 3.0)
    assert client.commits[1:] == [{0: LogPosition(5), 1: LogPosition(7)}]
    assert {number: offset.offset for number, offset in client.offsets.items()} == {0: 5, 1: 7}


def test_the_last_commit_is_sent_again_while_it_is_refused_and_for_three_seconds(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    client.refusals = 3
    assert commits.commit_and_wait({0: LogPosition(5)}, 20.0)
    assert len(client.commits) == 4
    assert not caplog.records
    client.refusals, begin = 1000, clock.now
    assert not commits.commit_and_wait({0: LogPosition(6)}, 20.0)
    assert clock.now - begin == pytest.approx(3.0, abs=0.2)
    (line,) = caplog.records
    assert (line.message, vars(line)["partitions"]) == ("last commit failed, the next owner repeats events", [0])


@pytest.mark.parametrize(("age", "is_checked"), [(0.0, False), (0.4, False), (0.6, True), (59.0, True), (61.0, False)])
def test_an_earlier_commit_that_the_client_sends_again_does_not_undo_the_last_one(
    commits: OffsetCommits,
    client: FakeClient,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    age: float,
    is_checked: bool,
) -> None:
    """The broker was away when the earlier commit was sent, so its answer never came."""
    client.away = KafkaError(KafkaError._TRANSPORT)
    commits.commit({0: LogPosition(5)})
    clock.now += age
    client.away, sleep = None, clock.sleep

    def send_again(seconds: float) -> None:
        client.offsets[0] = TopicPartition("topic", 0, 5, "first")
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", send_again)
    assert commits.commit_and_wait({0: LogPosition(9)}, 20.0)
    assert client.offsets[0].offset == 9
    assert clock.slept[:1] == [1.5] * is_checked


@pytest.mark.parametrize("error", [KafkaError.UNKNOWN_MEMBER_ID, KafkaError.GROUP_AUTHORIZATION_FAILED])
def test_a_question_that_is_refused_is_an_answer(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock, error: int
) -> None:
    client.away, begin = KafkaError(error), clock.now
    assert not commits.commit_and_wait({0: LogPosition(6)}, 20.0)
    assert clock.now - begin == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("error", NO_ANSWER_ERRORS)
def test_a_broker_that_does_not_answer_is_waited_for_until_the_end_and_gets_one_commit(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    client.away, begin = KafkaError(error), clock.now
    answer = client.committed

    def slow(topic_partitions: list[TopicPartition], timeout: float) -> list[Any]:
        assert timeout <= 20.0
        clock.now += min(timeout, 4.0)
        return answer(topic_partitions, timeout)

    monkeypatch.setattr(client, "committed", slow)
    assert not commits.commit_and_wait({0: LogPosition(6)}, 20.0)
    assert clock.now - begin == pytest.approx(20.0, abs=0.2)
    assert client.commits == [{0: LogPosition(6)}]


def test_a_fetched_offset_says_whether_it_is_of_this_member(commits: OffsetCommits, client: FakeClient) -> None:
    client.offsets = {0: TopicPartition("topic", 0, 5, "first", 2)}
    (fetched,) = commits.fetch([0], 1.0)
    assert (fetched.position, fetched.metadata, fetched.is_own) == (LogPosition(5, 2), "first", False)
    (fetched,) = commits.fetch([0], 1.0)
    assert fetched.is_own  # nobody has committed since
    commits.commit({0: LogPosition(6)})  # without an answer
    (fetched,) = commits.fetch([0], 1.0)
    assert (fetched.position.offset, fetched.is_own) == (6, True)
    client.offsets = {0: TopicPartition("topic", 0, 5)}
    (fetched,) = commits.fetch([0], 1.0)
    assert (fetched.position, fetched.metadata, fetched.is_own) == (LogPosition(5), "", False)


def test_no_offset_is_an_answer_and_an_error_is_none(commits: OffsetCommits, client: FakeClient) -> None:
    client.errors = {1: KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT)}
    assert [tuple(fetched) for fetched in commits.fetch([0, 1], 1.0)] == [(0, LogPosition(-1), "", False)]
    assert [fetched.is_own for fetched in commits.fetch([0], 1.0)] == [True]


def moved_at(client: FakeClient) -> int | None:
    return CommitMetadata.parse(client.offsets[0].metadata).moved_at


def answer(commits: OffsetCommits, client: FakeClient) -> None:
    commits.report(None, [client.offsets[0]])


def test_a_commit_carries_its_time_if_it_moves_the_offset(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock
) -> None:
    for offset in (5, 6, 2):
        commits.commit({0: LogPosition(offset)})
        answer(commits, client)
        assert moved_at(client) == clock.now * 1000
        clock.now += 10


def test_a_commit_that_does_not_move_the_offset_keeps_the_time(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock, metadata: dict[int, str]
) -> None:
    commits.commit({0: LogPosition(5)})
    answer(commits, client)
    clock.now += 10
    metadata[0] = "second"
    commits.commit({0: LogPosition(5)})
    answer(commits, client)
    assert client.offsets[0].metadata == "second committed-at:100000"
    commits.commit({0: LogPosition(5)})
    assert len(client.commits) == 2


@pytest.mark.parametrize("text", ["", "of another client", "committed-at:", "committed-at:-7", "committed-at:1e3"])
def test_a_time_that_nobody_noted_stays_unknown_until_the_offset_moves(
    commits: OffsetCommits, client: FakeClient, clock: FakeClock, text: str
) -> None:
    client.offsets = {0: TopicPartition("topic", 0, 5, text)}
    commits.fetch([0], 1.0)
    commits.commit({0: LogPosition(5)})
    answer(commits, client)
    assert client.offsets[0].metadata == "first"
    commits.commit({0: LogPosition(6)})
    assert moved_at(client) == clock.now * 1000


def test_the_next_owner_keeps_the_time_of_an_offset_that_it_does_not_move(
    commits: OffsetCommits, client: FakeClient, metadata: dict[int, str]
) -> None:
    client.offsets = {0: TopicPartition("topic", 0, 5, "first blocked:http_401 committed-at:7")}
    commits.fetch([0], 1.0)
    commits.commit({0: LogPosition(5)})
    assert client.offsets[0].metadata == "first committed-at:7"


def test_a_failure_ends_once_nothing_is_left_to_commit(commits: OffsetCommits) -> None:
    """The partitions were revoked, so no later commit could show that the broker takes commits."""
    commits.commit({0: LogPosition(5)})
    commits.report(DENIED, offsets(p0=5))
    assert commits.waits
    commits.commit({})
    assert not commits.waits
