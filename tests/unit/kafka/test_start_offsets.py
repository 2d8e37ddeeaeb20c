"""Start offsets with brokers that are away, or answer nothing: a lost offset is never forgotten and never guessed."""

from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition, Uuid

from consumer.kafka.records import OffsetReset
from consumer.kafka.start_offsets import TOPIC_ID_PREFIX, StartOffsets
from consumer.kafka.topic_id import NO_ID, TopicIdWatcher, valid_topic_id
from tests.unit.kafka.commit_fakes import FailedPartition


class FakeWatcher:
    """A watcher that has the topic's id at once: `current` in the loop, `awaited` for an assignment that waits."""

    current = awaited = ""

    def poll(self) -> None:
        pass

    def wait_for_id(self, seconds: float) -> str:
        return self.awaited

    def invalidate(self) -> None:
        self.current = ""


class FakeClient:
    """A consumer of partitions 0 to 2 with committed offset 5, of which the broker has 10 to 20."""

    def __init__(self) -> None:
        self.committed_calls = 0
        self.is_away = False
        self.watermarks: tuple[int, int] | None = (10, 20)
        self.offset, self.metadata = 5, ""
        self.assigned: dict[int, int] = {}
        self.positions: dict[int, int] = {}
        self.errors: dict[int, KafkaError] = {}  # by partition, instead of its committed offset

    def position(self, topic_partitions: list[TopicPartition]) -> list[TopicPartition]:
        return [
            TopicPartition("t", topic_partition.partition, self.positions.get(topic_partition.partition, -1001))
            for topic_partition in topic_partitions
        ]

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", partition) for partition in range(3)]

    def committed(self, topic_partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.committed_calls += 1
        if self.is_away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        partitions = [topic_partition.partition for topic_partition in topic_partitions]
        return [self._committed(partition) for partition in partitions]

    def _committed(self, partition: int) -> Any:
        if partition in self.errors:
            return FailedPartition(partition, self.errors[partition])
        return TopicPartition("t", partition, self.offset, self.metadata)

    def get_watermark_offsets(self, topic_partition: TopicPartition, timeout: float) -> tuple[int, int] | None:
        return self.watermarks

    def incremental_unassign(self, topic_partitions: list[TopicPartition]) -> None:
        pass

    def incremental_assign(self, topic_partitions: list[TopicPartition]) -> None:
        self.assigned |= {topic_partition.partition: topic_partition.offset for topic_partition in topic_partitions}


def with_lost_offsets(client: FakeClient, count: int, from_beginning: bool = True) -> StartOffsets:
    """Start offsets, of which those of the first `count` partitions cannot be read from."""
    start_offsets = StartOffsets(cast(Any, client), cast(TopicIdWatcher, FakeWatcher()), "t", from_beginning)
    for partition in range(count):
        start_offsets.mark_lost(partition)
    return start_offsets


def assigned_with(client: FakeClient, watcher: FakeWatcher) -> StartOffsets:
    """Start offsets whose partitions were just assigned."""
    start_offsets = StartOffsets(cast(Any, client), cast(TopicIdWatcher, watcher), "t", from_beginning=True)
    start_offsets.start_positions(client.assignment())
    return start_offsets


def begins(start_offsets: StartOffsets, client: FakeClient) -> set[int]:
    """The different offsets at which a new assignment begins."""
    return {topic_partition.offset for topic_partition in start_offsets.start_positions(client.assignment())}


def test_a_broker_that_does_not_answer_is_asked_once_a_read_and_answers_later() -> None:
    client = FakeClient()
    start_offsets = with_lost_offsets(client, 3)
    client.is_away = True
    assert start_offsets.resets() == []
    assert client.committed_calls == 1
    client.is_away = False
    assert start_offsets.resets() == [OffsetReset(partition, 5, 10, 20, goes_on=True) for partition in range(3)]
    assert client.assigned == dict.fromkeys(range(3), 10)
    assert start_offsets.resets() == []


def test_with_the_policy_error_no_partition_is_moved_and_the_offsets_are_reported() -> None:
    client = FakeClient()
    client.offset = OFFSET_INVALID
    start_offsets = with_lost_offsets(client, 1, from_beginning=False)
    assert begins(start_offsets, client) == {OFFSET_INVALID}
    assert start_offsets.resets() == [OffsetReset(0, -1, 10, 20, goes_on=False)]
    assert not client.assigned
    assert begins(with_lost_offsets(client, 0), client) == {OFFSET_BEGINNING}


def test_without_an_answer_about_the_watermarks_nothing_is_guessed() -> None:
    client = FakeClient()
    start_offsets = with_lost_offsets(client, 1)
    client.watermarks = None
    assert start_offsets.resets() == []
    assert not client.assigned
    client.watermarks = (10, 20)
    assert len(start_offsets.resets()) == 1


def test_a_partition_that_was_revoked_is_not_assigned() -> None:
    client = FakeClient()
    start_offsets = with_lost_offsets(client, 0)
    start_offsets.mark_lost(7)
    assert start_offsets.resets() == []
    assert not client.committed_calls


def test_an_offset_names_its_topic_and_means_nothing_in_another() -> None:
    client, watcher = FakeClient(), FakeWatcher()
    start_offsets = assigned_with(client, watcher)
    assert not start_offsets.recreated()  # the topic's id is not known yet
    watcher.current = "first"
    assert not start_offsets.recreated()  # nor was it when these offsets were committed
    assert start_offsets.offset_to_commit(0, 6).metadata == f"{TOPIC_ID_PREFIX}first"
    watcher.current = "second"
    assert start_offsets.recreated() == [0, 1, 2]
    assert client.assigned == dict.fromkeys(range(3), OFFSET_BEGINNING)
    assert not start_offsets.recreated()
    assert start_offsets.offset_to_commit(0, 1).metadata == f"{TOPIC_ID_PREFIX}second"


def test_brokers_without_topic_ids_do_not_say_which_topic_it_is() -> None:
    """If their id of zeros counted as an id, the first id after an upgrade would look like a recreated topic."""
    assert (valid_topic_id(str(Uuid(0, 0))), valid_topic_id(str(Uuid(1, 2)))) == ("", str(Uuid(1, 2)))
    client, watcher = FakeClient(), FakeWatcher()
    client.metadata = f"{TOPIC_ID_PREFIX}{NO_ID}"
    start_offsets = assigned_with(client, watcher)
    watcher.current = "first"
    assert not start_offsets.recreated()


def test_the_broker_is_asked_for_committed_offsets_until_it_answers() -> None:
    client, watcher = FakeClient(), FakeWatcher()
    client.is_away = True
    start_offsets = assigned_with(client, watcher)
    for now in (10.0, 10.9, 11.0, 11.9):
        start_offsets.retry(now)
    assert client.committed_calls == 3  # one at the assignment, and then at most one in a second
    assert not client.assigned
    client.is_away = False
    start_offsets.retry(12.0)
    assert client.assigned == dict.fromkeys(range(3), 5)
    start_offsets.retry(13.0)
    assert client.committed_calls == 4


def test_a_late_answer_follows_the_same_rules_as_one_at_the_assignment() -> None:
    client, watcher = FakeClient(), FakeWatcher()
    client.is_away = True
    start_offsets = assigned_with(client, watcher)
    client.is_away, client.offset = False, OFFSET_INVALID
    client.errors = {1: KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT)}
    start_offsets.retry(10.0)
    assert client.assigned == {0: OFFSET_BEGINNING, 2: OFFSET_BEGINNING}
    client.errors, client.offset = {}, 7
    client.metadata, watcher.awaited = f"{TOPIC_ID_PREFIX}first", "second"
    start_offsets.retry(11.0)
    assert client.assigned == dict.fromkeys(range(3), OFFSET_BEGINNING)
    start_offsets.retry(12.0)
    assert client.committed_calls == 3


def test_a_partition_that_is_read_already_is_not_moved_by_a_late_answer() -> None:
    client, watcher = FakeClient(), FakeWatcher()
    client.metadata, client.is_away = f"{TOPIC_ID_PREFIX}first", True
    start_offsets = assigned_with(client, watcher)
    client.is_away, client.positions = False, dict.fromkeys(range(3), 0)
    watcher.current = "second"
    assert not start_offsets.recreated()
    assert start_offsets.offset_to_commit(0, 6).metadata == ""
    start_offsets.retry(10.0)
    assert not client.assigned
    assert start_offsets.recreated() == [0, 1, 2]


def test_a_revoked_partition_is_not_asked_for_again() -> None:
    client, watcher = FakeClient(), FakeWatcher()
    client.is_away = True
    start_offsets = assigned_with(client, watcher)
    client.is_away = False
    start_offsets.forget([0, 2])
    start_offsets.retry(10.0)
    assert client.assigned == {1: 5}


def test_after_a_reset_the_topic_may_be_another_one() -> None:
    """
    Records that were read before settle nothing in the new topic. Once the topic is known to be new, a partition that
    is read from its start is not read from its start once more.
    """
    client, watcher = FakeClient(), FakeWatcher()
    start_offsets = assigned_with(client, watcher)
    watcher.current = "first"
    assert not start_offsets.recreated()
    start_offsets.mark_lost(0)
    assert len(start_offsets.resets()) == 1
    assert start_offsets.offset_to_commit(0, 11).metadata == f"{TOPIC_ID_PREFIX}first"
    start_offsets.restart(0)
    start_offsets.restart(7)  # which is not assigned
    assert not start_offsets.offset_to_commit(0, 11).metadata
    watcher.current = "second"
    assert start_offsets.recreated() == [1, 2]
    assert start_offsets.offset_to_commit(0, 12).metadata == f"{TOPIC_ID_PREFIX}second"


def test_after_a_reset_a_topic_with_another_id_is_read_from_its_start() -> None:
    client, watcher = FakeClient(), FakeWatcher()
    start_offsets = assigned_with(client, watcher)
    watcher.current = "first"
    assert not start_offsets.recreated()
    start_offsets.mark_lost(0)
    assert len(start_offsets.resets()) == 1
    watcher.current = "second"
    assert start_offsets.recreated() == [0, 1, 2]


def test_a_partition_does_not_begin_at_an_offset_of_another_topic(caplog: pytest.LogCaptureFixture) -> None:
    client, watcher = FakeClient(), FakeWatcher()
    client.metadata = f"{TOPIC_ID_PREFIX}first"
    start_offsets = StartOffsets(cast(Any, client), cast(TopicIdWatcher, watcher), "t", from_beginning=True)
    for awaited, begin, topic_id in (("", 5, "first"), ("first", 5, "first"), ("second", OFFSET_BEGINNING, "second")):
        watcher.awaited = awaited
        assert begins(start_offsets, client) == {begin}
        assert start_offsets.offset_to_commit(0, 6).metadata == TOPIC_ID_PREFIX + topic_id
    assert len(caplog.records) == 3
