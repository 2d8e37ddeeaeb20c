"""Commits, with a client that answers as a test says: what is stored, what is stepped back to, what goes again."""

import logging
import time
from typing import Any, NamedTuple, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumer.kafka import commits
from consumer.kafka.commits import Commits

NEW = KafkaError(KafkaError._NO_OFFSET)
FENCED = KafkaError(KafkaError.ILLEGAL_GENERATION)
DENIED = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)


class Client:
    """`refusals` are raised by the next commits, or by the next store."""

    def __init__(self) -> None:
        self.stored: list[tuple[int, int]] = []
        self.commits: list[tuple[bool, Any]] = []
        self.refusals: list[KafkaError] = []
        self.store_refusals: list[KafkaError] = []

    def store_offsets(self, offsets: list[TopicPartition]) -> None:
        if self.store_refusals:
            raise KafkaException(self.store_refusals.pop(0))
        self.stored += [(part.partition, part.offset) for part in offsets]

    def commit(self, asynchronous: bool, offsets: list[TopicPartition] | None = None) -> list[TopicPartition]:
        self.commits.append((asynchronous, offsets and [(part.partition, part.offset) for part in offsets]))
        if self.refusals:
            raise KafkaException(self.refusals.pop(0))
        return offsets or [part(*stored) for stored in self.stored]


class Positions:
    topic_id = "first"

    def offset(self, partition: int, offset: int) -> TopicPartition:
        return part(partition, offset, self.topic_id)


class Clock:
    """Sleeping is all that takes time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept = 100.0, list[float]()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def positions() -> Positions:
    return Positions()


@pytest.fixture
def ours(client: Client, positions: Positions) -> Commits:
    return Commits(client, positions)  # type: ignore[arg-type]


def part(partition: int, offset: int, topic_id: str = "first") -> TopicPartition:
    return TopicPartition("topic", partition, offset, topic_id)


class Failed(NamedTuple):
    """What the client gives for a partition of which it did not commit the offset."""

    partition: int
    error: KafkaError
    offset: int = -1001


def test_what_is_stored_goes_with_the_next_commit(ours: Commits, client: Client) -> None:
    ours.store({0: 0, 1: 7})
    ours.commit(wait=False)
    assert client.stored == [(0, 0), (1, 7)]
    assert client.commits == [(True, None)]
    ours.report(None, [part(0, 0), part(1, 7)])
    ours.store({1: 8})
    ours.commit(wait=False)
    assert client.stored[2:] == [(1, 8)]
    assert client.commits[1:] == [(True, None)]
    assert ours.counts == {"ok": 1, "failed": 0}


@pytest.mark.parametrize("wait", [False, True])
def test_a_step_back_is_committed_by_itself_until_the_broker_has_it(ours: Commits, client: Client, wait: bool) -> None:
    ours.report(None, [part(0, 100), part(1, 5)])
    ours.store({0: 3, 1: 6})
    assert client.stored == [(1, 6)]
    ours.commit(wait=False)
    assert client.commits == [(True, [(0, 3)]), (True, None)]
    ours.report(None, [part(1, 6), part(0, -1001)])  # others were committed, and it is named without an offset
    ours.commit(wait=False)
    assert client.commits[2:] == [(True, [(0, 3)]), (True, None)]
    if wait:
        ours.commit(wait=True)
    else:
        ours.report(None, [part(0, 3)])
    ours.commit(wait=False)
    assert client.commits[-1] == (True, None)
    assert client.commits[-2] != (True, [(0, 3)])
    ours.store({0: 4})
    assert client.stored[-1] == (0, 4)


def test_a_later_step_takes_the_place_of_an_earlier_one(ours: Commits, client: Client) -> None:
    ours.report(None, [part(0, 100)])
    for offset in (3, 4):
        ours.store({0: offset})
        ours.commit(wait=False)
    assert client.commits == [(True, [(0, 3)]), (True, None), (True, [(0, 4)]), (True, None)]
    ours.report(None, [part(0, 3)])  # the first one arrives: the second is still to come
    ours.commit(wait=False)
    assert client.commits[4:] == [(True, [(0, 4)]), (True, None)]
    ours.store({0: 100})
    ours.commit(wait=False)
    assert client.stored == [(0, 100)]
    assert client.commits[6:] == [(True, None)]


def test_a_step_back_outlives_the_answer_to_an_earlier_commit(ours: Commits, client: Client) -> None:
    ours.report(None, [part(0, 100)])
    ours.store({0: 3})
    ours.report(None, [part(0, 101)])
    ours.commit(wait=False)
    assert client.commits == [(True, [(0, 3)]), (True, None)]


@pytest.mark.parametrize("offset", [0, 1, 100])
@pytest.mark.parametrize("topic_id", ["", "a", "first", "z"])
def test_the_same_offset_is_a_step_back_in_another_topic_only(
    ours: Commits, client: Client, positions: Positions, topic_id: str, offset: int
) -> None:
    ours.report(None, [part(0, offset)])
    ours.report(None, [part(0, -1, "none"), part(1, -1, "none")])  # named without an offset
    positions.topic_id = topic_id
    ours.store({0: offset, 1: offset})
    same = topic_id == "first"
    assert client.stored == ([(0, offset)] if same else []) + [(1, offset)]
    ours.commit(wait=False)
    assert client.commits == ([] if same else [(True, [(0, offset)])]) + [(True, None)]


def test_nothing_is_stepped_back_to_in_a_partition_that_is_no_longer_ours(ours: Commits, client: Client) -> None:
    ours.report(None, [part(0, 100), part(1, 100)])
    ours.store({0: 3, 1: 4})
    ours.forget([0, 7])
    ours.commit(wait=False)
    assert client.commits == [(True, [(1, 4)]), (True, None)]


def test_an_offset_that_the_client_does_not_store_is_said(
    ours: Commits, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.store_refusals = [KafkaError(KafkaError._STATE)]
    ours.store({0: 1, 1: 2})
    assert client.stored == [(1, 2)]
    (said,) = caplog.records
    assert (said.levelname, vars(said)["partition"], vars(said)["error"]) == ("INFO", 0, "_STATE")


@pytest.mark.parametrize("error", [FENCED, DENIED, KafkaError(KafkaError._STATE)], ids=str)
def test_a_refusal_is_counted_and_said(
    ours: Commits, client: Client, caplog: pytest.LogCaptureFixture, error: KafkaError
) -> None:
    client.refusals = [error]
    ours.commit(wait=False)
    ours.report(error, [])
    ours.report(None, cast(Any, [part(0, 1), Failed(1, error), Failed(2, NEW)]))
    assert ours.counts == {"ok": 0, "failed": 3}
    assert [vars(said)["error"] for said in caplog.records] == [error.str()] * 3
    assert len(client.commits) == 1


@pytest.mark.parametrize("wait", [False, True])
def test_nothing_new_to_commit_is_no_failure(ours: Commits, client: Client, wait: bool) -> None:
    client.refusals = [NEW]
    ours.commit(wait)
    assert ours.counts == {"ok": 0, "failed": 0}
    assert client.commits == [(not wait, None)]


def test_a_hand_over_commits_again_while_a_rebalance_is_in_its_way(
    ours: Commits, client: Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    client.refusals = [KafkaError(code) for code in commits.PASSING]
    ours.store({0: 5})
    ours.commit(wait=True)
    assert client.commits == [(False, None)] * 4
    assert clock.slept == [0.1] * 3
    assert ours.counts == {"ok": 1, "failed": 0}
    assert not caplog.records


def test_it_does_so_for_three_seconds_and_not_for_what_does_not_pass(
    ours: Commits, client: Client, clock: Clock
) -> None:
    client.refusals = [FENCED] * 100
    ours.commit(wait=True)
    assert sum(clock.slept) == pytest.approx(3.0, abs=0.11)
    assert ours.counts == {"ok": 0, "failed": 1}
    client.refusals = [DENIED]
    slept = len(clock.slept)
    ours.commit(wait=True)
    assert len(clock.slept) == slept
    assert ours.counts == {"ok": 0, "failed": 2}
