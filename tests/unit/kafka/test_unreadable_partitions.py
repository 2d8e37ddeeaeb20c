"""A partition that cannot be read is shown with its reason until it is read again, also if no record comes."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, TypeVar

import pytest

from consumer.kafka import unreadable_partitions
from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.unreadable_partitions import NO_LEADER, QUESTION_SECONDS, RECHECK_SECONDS, UnreadablePartitions
from consumer.waits import Wait, WaitKind
from tests.failing_broker import failing_broker
from tests.support import wait_until

FETCH = 1  # kafka.apache.org/protocol, "API keys"
DENIED = 29  # TOPIC_AUTHORIZATION_FAILED
Value = TypeVar("Value")


class FakeStarts:
    """Partitions 0 to 19 are assigned. The brokers do not answer the questions that a test asks."""

    def __init__(self) -> None:
        self.questions: Mapping[int, str] = {}
        self.refetched: list[int] = []

    def assigned(self, by_partition: Mapping[int, Value]) -> Mapping[int, Value]:
        return {partition: value for partition, value in by_partition.items() if partition < 20}

    def refetch(self, partition: int) -> None:
        self.refetched.append(partition)


class FakeTopics:
    leaderless: frozenset[int] = frozenset()


class World:
    def __init__(self) -> None:
        self.starts, self.topics = FakeStarts(), FakeTopics()
        starts: Any = self.starts
        topics: Any = self.topics
        self.unreadable = UnreadablePartitions(starts, topics)

    def update(self, now: float, *read: int, paused: frozenset[int] = frozenset()) -> None:
        self.unreadable.update(read, paused, now)


@pytest.fixture
def world() -> World:
    return World()


def test_an_error_lasts_from_the_first_one_until_the_partition_is_read(world: World) -> None:
    world.unreadable.note_error(3, "why", 10.0)
    world.unreadable.note_error(3, "why", 15.0)
    world.update(16.0, 4)
    assert world.unreadable.waits(16.0) == [Wait(WaitKind.PARTITION, "partition 3", 10.0, "why")]
    world.update(17.0, 3)
    assert not world.unreadable.waits(17.0)


def test_partitions_with_the_same_reason_are_one_wait(world: World) -> None:
    for partition in range(12):
        world.unreadable.note_error(partition, "why", 10.0 + partition)
    world.unreadable.note_error(15, "another", 1.0)
    subjects = [(wait.subject, wait.since) for wait in world.unreadable.waits(50.0)]
    assert subjects == [("partitions 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more", 10.0), ("partition 15", 1.0)]


def test_an_open_question_counts_after_a_while_unless_the_partition_is_read(world: World) -> None:
    world.starts.questions = {3: "not known", 4: "not known"}
    world.update(10.0, 4)
    assert not world.unreadable.waits(10.0)
    world.update(10.0 + QUESTION_SECONDS)
    (wait,) = world.unreadable.waits(10.0 + QUESTION_SECONDS)
    assert (wait.subject, wait.since) == ("partition 3", 10.0)
    world.starts.questions = {}
    world.update(20.0)
    assert not world.unreadable.waits(30.0)


def test_a_partition_that_was_read_and_is_stopped_counts_again(world: World) -> None:
    world.update(1.0, 3)
    world.unreadable.note_stopped(3)
    world.starts.questions = {3: "not known"}
    world.update(2.0)
    assert world.unreadable.waits(2.0 + QUESTION_SECONDS)


def test_an_assigned_partition_without_a_leader_counts_until_it_has_one(world: World) -> None:
    world.update(1.0, 3)
    world.topics.leaderless = frozenset({3, 99})  # 99 belongs to another member
    world.update(2.0)
    (wait,) = world.unreadable.waits(2.0 + QUESTION_SECONDS)
    assert (wait.subject, wait.reason) == ("partition 3", NO_LEADER)
    world.topics.leaderless = frozenset()
    world.update(3.0)
    assert not world.unreadable.waits(60.0)


def test_a_revoked_partition_is_forgotten_and_an_error_of_a_foreign_one_is_none(world: World) -> None:
    world.unreadable.note_error(3, "why", 10.0)
    world.unreadable.note_error(99, "why", 10.0)
    world.unreadable.forget([3])
    assert not world.unreadable.waits(60.0)


def test_the_fetch_begins_anew_now_and_then_but_not_of_a_paused_partition(world: World) -> None:
    for partition in (3, 4):
        world.unreadable.note_error(partition, "why", 0.0)
    world.update(RECHECK_SECONDS, paused=frozenset({4}))
    world.update(RECHECK_SECONDS + 1, paused=frozenset({4}))
    assert world.starts.refetched == [3]
    world.update(2 * RECHECK_SECONDS)
    assert sorted(world.starts.refetched) == [3, 3, 4]


def test_a_topic_without_records_is_readable_again_once_the_right_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reports neither the error nor the end of the partition a second time by itself."""
    monkeypatch.setattr(unreadable_partitions, "RECHECK_SECONDS", 1.0)  # above the pause of the client after an error
    with failing_broker() as broker:
        broker.create_topic("topic", 1)
        config = {**consumer_config(broker.address, "group", {}), "log_level": 0}
        with closing(GroupConsumer(config, "topic", from_beginning=True)) as consumer:
            consumer.subscribe(lambda _: None, lambda _: None, lambda _: None)
            wait_until(lambda: consumer.read(10, 0.1).ends == {0: 0}, "the end of the partition")
            broker.fail(FETCH, [DENIED] * 1000)
            wait_until(lambda: bool(consumer.read(10, 0.1) and consumer.waits), "the error to be shown")
            (wait,) = consumer.waits
            assert (wait.kind, wait.subject) == (WaitKind.PARTITION, "partition 0")
            broker.clear_errors(FETCH)
            wait_until(lambda: bool(consumer.read(10, 0.1)) and not consumer.waits, "the partition to be read again")
