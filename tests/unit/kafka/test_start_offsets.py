"""Start offsets: a lost offset is never forgotten and never guessed, and a log or a topic is what it was, or not."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, TopicPartition

from consumer.kafka.commits import OffsetCommits
from consumer.kafka.kept_progress import KeptProgress
from consumer.kafka.log_check import LogExtent
from consumer.kafka.partition_topics import PartitionTopics
from consumer.kafka.position_sources import PositionSources
from consumer.kafka.records import LogPosition, OffsetReset, Progress
from consumer.kafka.retry_timer import RetryTimer
from consumer.kafka.start_offsets import StartOffsets
from consumer.kafka.topic_id import TopicIdentity
from tests.unit.kafka.commit_fakes import FakeClient

FIRST, SECOND = TopicIdentity("first", "here"), TopicIdentity("second", "here")
AWAY = KafkaError(KafkaError._TRANSPORT)


class FakeWatcher:
    """`current` is known in the loop, `awaited` after waiting for it."""

    def __init__(self) -> None:
        self.current: TopicIdentity | None = None
        self.awaited: TopicIdentity | None = None

    def poll(self) -> None:
        """Its answer is `current` already."""

    def wait(self, seconds: float) -> TopicIdentity | None:
        self.current = self.current or self.awaited
        return self.current

    def invalidate(self) -> None:
        self.current = None


class FakeLogCheck:
    """The brokers have offsets 10 to 20 of each partition, or what a test says."""

    def __init__(self) -> None:
        self.logs: dict[int, LogExtent] = {}
        self.is_away = False
        self.asked: list[Mapping[int, LogPosition]] = []

    def extents(self, positions: Mapping[int, LogPosition], seconds: float) -> Mapping[int, LogExtent]:
        self.asked.append(dict(positions))
        if self.is_away:
            return {}
        return {partition: self.logs.get(partition, LogExtent(10, 20)) for partition in positions}


class FakePositions:
    def __init__(self) -> None:
        self.moved: dict[int, int] = {}
        self.positions: dict[int, LogPosition] = {}

    def position(self, partition: int) -> LogPosition | None:
        return self.positions.get(partition)

    def topic_partition(self, partition: int, position: LogPosition) -> TopicPartition:
        return TopicPartition("topic", partition, position.offset, "", position.leader_epoch)

    def move(self, partition: int, position: LogPosition) -> None:
        self.moved[partition] = position.offset


class World:
    """Partitions 0 to 2 with the committed offset 15 of the topic `first`, and what surrounds their start offsets."""

    def __init__(self, from_beginning: bool = True) -> None:
        self.client, self.watcher = FakeClient(), FakeWatcher()
        self.log_check, self.positions = FakeLogCheck(), FakePositions()
        topics = PartitionTopics(cast(Any, self.watcher))
        self.commits = OffsetCommits(cast(Any, self.client), "topic", topics.metadata)
        self.topics, self.kept_progress = topics, KeptProgress()
        client, log_check = cast(Any, self.positions), cast(Any, self.log_check)
        sources = PositionSources(client, topics, self.commits, log_check, self.kept_progress)
        self.start_offsets = StartOffsets(sources, RetryTimer(lambda: self.now), from_beginning)
        self.now = 100.0
        self.commit(15)

    def commit(self, offset: int, topic: TopicIdentity = FIRST, leader_epoch: int = -1) -> None:
        """What the group has committed, of all partitions."""
        self.client.offsets = {
            partition: TopicPartition("topic", partition, offset, topic.metadata, leader_epoch)
            for partition in range(3)
        }

    def assign(self) -> set[tuple[int, int]]:
        """The different offsets and epochs at which a new assignment begins."""
        starts = self.start_offsets.start_positions([TopicPartition("topic", number) for number in range(3)])
        return {(start.offset, -1 if start.leader_epoch is None else start.leader_epoch) for start in starts}

    def read(self, seconds: float = 1.0) -> list[OffsetReset]:
        """One read of the loop; the resets that it reports."""
        self.now += seconds
        self.start_offsets.retry()
        return list(self.start_offsets.resets())


def test_a_partition_starts_at_the_committed_offset() -> None:
    world = World()
    assert world.assign() == {(15, -1)}
    assert world.read() == []
    assert not world.log_check.asked  # without an epoch, only the client's error shows that the offset is gone


@pytest.mark.parametrize(("from_beginning", "start"), [(True, OFFSET_BEGINNING), (False, OFFSET_INVALID)])
def test_without_a_committed_offset_the_policy_decides(from_beginning: bool, start: int) -> None:
    world = World(from_beginning)
    world.client.offsets = {}
    assert world.assign() == {(start, -1)}


def test_with_the_policy_error_a_partition_without_an_offset_is_reported_and_not_moved() -> None:
    world = World(from_beginning=False)
    world.client.offsets = {}
    world.assign()
    world.start_offsets.mark_lost(0)
    assert world.read() == [OffsetReset(0, -1, 10, 20, goes_on=False)]
    assert world.read() == []
    assert not world.positions.moved


@pytest.mark.parametrize(
    ("offset", "log", "goes_on_at"),
    [
        (5, LogExtent(10, 20), 10),  # deleted
        (25, LogExtent(10, 20), 20),  # the log ends before
        (15, LogExtent(10, 12), 12),  # another leader wrote what is from 12 on
    ],
)
@pytest.mark.parametrize("has_epoch", [False, True])
@pytest.mark.parametrize("from_beginning", [False, True])
def test_an_offset_that_the_log_does_not_have_is_reported_once(
    offset: int, log: LogExtent, goes_on_at: int, has_epoch: bool, from_beginning: bool
) -> None:
    """With the epoch the assignment notices; without it, the client's error does."""
    world = World(from_beginning)
    world.commit(offset, leader_epoch=3 if has_epoch else -1)
    world.watcher.awaited, world.log_check.logs = FIRST, {0: log, 1: LogExtent(0, 100), 2: LogExtent(0, 100)}
    world.assign()
    if not has_epoch:
        assert world.read() == []
        world.start_offsets.mark_lost(0)
    assert world.read() == [OffsetReset(0, offset, log.low, log.end, from_beginning)]
    assert world.read() == []
    if not has_epoch:
        assert world.positions.moved == ({0: goes_on_at} if from_beginning else {})


def test_an_assignment_begins_where_the_log_goes_on() -> None:
    world = World()
    world.commit(15, leader_epoch=3)
    world.watcher.awaited = FIRST
    world.log_check.logs = {number: LogExtent(10, 12) for number in range(3)}
    assert world.assign() == {(12, -1)}
    assert len(world.read()) == 3
    assert not world.positions.moved


def test_an_epoch_that_fits_starts_where_it_was_committed() -> None:
    world = World()
    world.commit(15, leader_epoch=3)
    assert world.assign() == {(15, 3)}
    assert world.log_check.asked == [dict.fromkeys(range(3), LogPosition(15, 3))]
    assert world.read() == []


def test_a_log_that_nobody_answers_for_is_checked_later_while_it_is_read() -> None:
    world = World()
    world.commit(15, leader_epoch=3)
    world.log_check.is_away, world.watcher.awaited = True, FIRST
    assert world.assign() == {(15, 3)}
    world.positions.positions = {0: LogPosition(18, 4)}
    assert world.read() == []
    world.log_check.is_away, world.log_check.logs = False, {0: LogExtent(10, 12)}
    assert world.read(0.5) == []  # it pauses for a second
    assert world.read() == [OffsetReset(0, 15, 10, 12, goes_on=True)]
    assert world.positions.moved == {0: 12}


def test_a_late_check_does_not_move_a_partition_that_is_read_past_what_was_deleted() -> None:
    world = World()
    world.commit(15, leader_epoch=3)
    world.log_check.is_away = True
    world.assign()
    world.positions.positions = {0: LogPosition(40, 4)}
    world.log_check.is_away, world.log_check.logs = False, {0: LogExtent(30, 50)}
    assert world.read() == []
    assert world.read() == []
    assert not world.positions.moved


def test_a_lost_position_counts_from_where_the_client_was() -> None:
    world = World()
    world.assign()
    world.positions.positions = {0: LogPosition(17, 2)}
    world.log_check.logs = {0: LogExtent(19, 30)}
    world.start_offsets.mark_lost(0)
    assert world.read() == [OffsetReset(0, 17, 19, 30, goes_on=True)]
    assert world.log_check.asked == [{0: LogPosition(17, 2)}]


def test_a_lost_position_that_the_log_has_is_read_on_without_a_report() -> None:
    """The client gives up when the brokers do not know an epoch any more."""
    world = World()
    world.assign()
    world.positions.positions = {0: LogPosition(17, 2)}
    world.start_offsets.mark_lost(0)
    assert world.read() == []
    assert world.positions.moved == {0: 17}


def test_lost_positions_are_asked_for_together_and_once_a_second_until_there_is_an_answer() -> None:
    world = World()
    world.commit(5)
    world.assign()
    world.log_check.is_away = True
    for partition in range(3):
        world.start_offsets.mark_lost(partition)
    for _ in range(4):
        assert world.read(0.5) == []
    assert [len(positions) for positions in world.log_check.asked] == [3, 3]
    world.log_check.is_away = False
    assert world.read() == [OffsetReset(partition, 5, 10, 20, goes_on=True) for partition in range(3)]
    assert world.positions.moved == dict.fromkeys(range(3), 10)


def test_a_position_that_is_lost_during_a_pause_is_asked_for_at_once() -> None:
    world = World()
    world.assign()
    world.log_check.is_away = True
    world.start_offsets.mark_lost(0)
    world.read()
    world.start_offsets.mark_lost(1)
    world.read(0)
    assert [len(positions) for positions in world.log_check.asked] == [1, 2]


def test_a_topic_id_from_before_a_lost_position_proves_nothing() -> None:
    """The topic may have been recreated since, and the log is then not cut."""
    world = World()
    world.commit(25)
    world.watcher.current = FIRST
    world.assign()
    world.watcher.current = FIRST
    world.start_offsets.mark_lost(0)
    assert world.read() == []
    world.watcher.awaited = FIRST
    assert world.read() == [OffsetReset(0, 25, 10, 20, goes_on=True)]


def test_brokers_that_never_answer_take_a_fifth_of_the_time() -> None:
    world = World()
    world.assign()
    world.start_offsets.mark_lost(0)
    waited = 0.0

    def no_answer(_: Mapping[int, LogPosition], seconds: float) -> Mapping[int, LogExtent]:
        nonlocal waited
        world.now, waited = world.now + seconds, waited + seconds
        return {}

    world.log_check.extents = no_answer  # type: ignore[method-assign, assignment]
    begin = world.now
    while world.now < begin + 60:
        world.read(0.05)
    assert 8 < waited <= 12


def test_a_log_that_ends_before_is_not_cut_until_it_is_known_that_it_is_no_recreated_topic() -> None:
    world = World()
    world.commit(25)
    world.assign()
    world.start_offsets.mark_lost(0)
    assert world.read() == []
    world.watcher.awaited = SECOND
    assert world.start_offsets.recreated() == ()
    world.read()
    assert world.start_offsets.recreated() == [0, 1, 2]
    assert world.positions.moved == dict.fromkeys(range(3), OFFSET_BEGINNING)
    world.start_offsets.resets()
    assert world.read() == []


def test_a_partition_that_was_revoked_is_not_assigned() -> None:
    world = World()
    world.assign()
    world.start_offsets.mark_lost(0)
    world.start_offsets.forget([0])
    assert world.read() == []
    assert not world.positions.moved


def test_an_offset_names_its_topic_and_means_nothing_in_another() -> None:
    world = World()
    world.assign()
    assert not world.start_offsets.recreated()  # the topic's id is not known yet
    world.watcher.current = FIRST
    assert not world.start_offsets.recreated()
    assert world.topics.metadata(0) == "cluster-id:here topic-id:first"
    world.watcher.current = SECOND
    assert world.start_offsets.recreated() == [0, 1, 2]
    assert world.positions.moved == dict.fromkeys(range(3), OFFSET_BEGINNING)
    assert world.topics.metadata(0) == "cluster-id:here topic-id:first"  # what is settled so far is of that topic
    for partition in range(3):
        world.start_offsets.restart(partition)
    assert not world.start_offsets.recreated()
    assert world.topics.metadata(0) == "cluster-id:here topic-id:second"


def test_an_assignment_waits_for_the_topic_id_and_begins_a_recreated_topic_at_its_start() -> None:
    world = World()
    world.commit(15, leader_epoch=3)
    world.watcher.awaited = SECOND
    assert world.assign() == {(OFFSET_BEGINNING, -1)}
    assert not world.log_check.asked


@pytest.mark.parametrize("committed", [TopicIdentity("other", "there"), TopicIdentity("other", "")])
def test_an_offset_of_another_cluster_is_read_on_from(committed: TopicIdentity) -> None:
    """Tools that mirror a cluster translate the offsets and copy their metadata."""
    world = World()
    world.commit(15, committed, leader_epoch=3)
    world.watcher.awaited = FIRST
    assert world.assign() == {(15, -1)}
    assert not world.start_offsets.recreated()
    assert world.topics.metadata(0) == FIRST.metadata


def test_the_broker_is_asked_for_committed_offsets_until_it_answers() -> None:
    world = World()
    world.client.away = AWAY
    assert world.assign() == {(OFFSET_INVALID, -1)}
    for _ in range(4):
        world.read(0.5)
    assert len(world.client.fetch_timeouts) == 3  # one at the assignment, and then at most one in a second
    assert not world.positions.moved
    world.client.away = None
    world.read()
    assert world.positions.moved == dict.fromkeys(range(3), 15)
    world.read()
    assert len(world.client.fetch_timeouts) == 4


def test_a_late_answer_follows_the_same_rules_as_one_at_the_assignment() -> None:
    world = World()
    world.client.away = AWAY
    world.assign()
    world.client.away, world.client.offsets = None, {}
    world.client.errors = {1: KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT)}
    world.read()
    assert world.positions.moved == {0: OFFSET_BEGINNING, 2: OFFSET_BEGINNING}
    world.commit(7)
    world.client.errors, world.watcher.awaited = {}, SECOND
    world.read()
    assert world.positions.moved == dict.fromkeys(range(3), OFFSET_BEGINNING)


def test_a_partition_that_is_read_already_is_not_moved_by_a_late_answer() -> None:
    world = World()
    world.client.away = AWAY
    world.assign()
    world.client.away, world.positions.positions = None, dict.fromkeys(range(3), LogPosition(0))
    world.watcher.current = SECOND
    assert not world.start_offsets.recreated()
    assert world.topics.metadata(0) == ""
    world.watcher.awaited = None
    world.read()
    assert not world.positions.moved


def test_a_revoked_partition_is_not_asked_for_again() -> None:
    world = World()
    world.client.away = AWAY
    world.assign()
    world.start_offsets.forget(range(3))
    world.read()
    assert len(world.client.fetch_timeouts) == 1


def test_a_partition_that_comes_back_goes_on_behind_what_is_settled() -> None:
    world = World()
    world.assign()
    world.kept_progress.keep({0: progress(18, 2), 1: progress(14), 2: progress(19)})
    world.start_offsets.forget(range(3))
    world.client.offsets[2] = TopicPartition("topic", 2, 16, FIRST.metadata)  # by another member
    assert world.assign() == {(18, 2), (15, -1), (16, -1)}
    world.start_offsets.forget(range(3))
    assert world.assign() == {(15, -1), (16, -1)}  # it is kept for one assignment only


def progress(offset: int, leader_epoch: int = -1) -> Progress:
    """From `offset` to 24 everything is settled, except `offset` and 21."""
    return Progress(LogPosition(offset, leader_epoch), 25, frozenset({offset, 21}))


def test_what_was_settled_before_a_partition_was_lost_is_not_delivered_again() -> None:
    world = World()
    world.assign()
    world.kept_progress.keep({0: progress(18)})
    world.start_offsets.forget(range(3))
    world.assign()
    settled = [offset for offset in range(18, 30) if world.kept_progress.is_settled(0, offset)]
    assert settled == [19, 20, 22, 23, 24]
    assert not world.kept_progress.is_settled(1, 19)
    world.watcher.current = FIRST
    world.start_offsets.recreated()
    world.watcher.current = SECOND
    assert world.start_offsets.recreated()
    assert not world.kept_progress.is_settled(0, 19)


def test_a_partition_that_was_lost_with_a_commit_on_its_way_goes_on_as_well() -> None:
    world = World()
    world.assign()
    world.commits.commit({0: LogPosition(17)})
    world.kept_progress.keep({0: progress(18)})
    world.start_offsets.forget(range(3))
    assert world.assign() == {(18, -1), (15, -1)}


def test_an_offset_that_was_set_while_the_member_was_away_counts() -> None:
    """The tools of an operator commit without metadata, below or above what this member has settled."""
    for offset in (3, 30):
        world = World()
        world.assign()
        world.kept_progress.keep(dict.fromkeys(range(3), progress(18)))
        world.start_offsets.forget(range(3))
        world.commit(offset, TopicIdentity())
        assert world.assign() == {(offset, -1)}
