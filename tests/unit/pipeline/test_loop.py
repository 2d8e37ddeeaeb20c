"""The loop with a simulated clock, group, Segment and dead-letter topic: what is committed, and what waits for what."""

from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest

from consumer.errors import ServiceError
from consumer.kafka.dead_letters import DeliveryReports
from consumer.kafka.records import LogPosition, OffsetReset, Progress
from consumer.model import Accepted, BatchRequest, Outcome, Refused, Retry
from consumer.observability.snapshot import Counters
from consumer.pipeline.losses import Losses
from consumer.pipeline.status_reporter import StatusReporter
from consumer.waits import Wait, WaitKind
from tests.unit.pipeline.pipeline_world import EVENTS, FakeWorkers, PipelineWorld


def test_an_offset_is_committed_only_when_it_is_settled() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"b", start=5)
    world.run_once(0)
    world.run_once(2)
    assert world.group.committed == {0: 5}
    world.workers.answer(Accepted())
    world.run_once(2)
    assert world.group.committed == {0: 7}
    assert world.reporter.counters.delivered == 2


def test_no_batch_is_opened_once_the_service_was_told_to_stop() -> None:
    """The signal can come while a revocation is drained, inside a read."""
    world, stop = PipelineWorld(), Event()
    world.group.give(0, *[b"a"] * EVENTS)
    read = world.group.read

    def read_and_stop(limit: int, timeout: float) -> Any:
        stop.set()
        return read(limit, timeout)

    world.group.read = read_and_stop  # type: ignore[method-assign]
    world.loop.run(stop)
    assert not world.workers.in_flight
    assert world.group.committed == {0: 0}


def test_buffers_that_are_full_of_bytes_share_a_request_as_well() -> None:
    world = PipelineWorld(partitions=2, memory_bytes=2000)
    for partition in range(2):
        world.group.give(partition, *[b"a"] * (EVENTS // 2))
    world.run_once(0)
    assert [len(request.bodies) for request in world.workers.in_flight] == [EVENTS]


def test_a_quiet_partition_gets_its_turn_while_more_are_backlogged_than_requests_may_be_in_flight() -> None:
    world = PipelineWorld(partitions=4)
    world.workers.count = 2
    for partition in range(3):
        world.group.give(partition, *[b"a"] * (20 * EVENTS))
    world.group.give(3, b"quiet")
    world.run_once(2)
    for _ in range(4):
        assert len(world.workers.in_flight) == 2
        world.workers.answer(Accepted())
        world.run_once(2)
    assert world.group.committed[3] == 1
    assert max(world.group.committed.values()) < 20 * EVENTS


def test_skips_need_no_request() -> None:
    world = PipelineWorld()
    world.group.give(0, b"skip", b"skip")
    world.settle()
    assert not world.workers.in_flight
    assert world.group.committed == {0: 2}
    assert world.reporter.counters.skipped == {"no_user_id": 2}


def test_the_end_of_a_partition_is_committed_past_markers() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    world.group.reach_end(0, 3)
    world.settle()
    assert world.group.committed == {0: 3}


@pytest.mark.parametrize("is_assigned_again", [False, True], ids=["revoked", "assigned again"])
def test_a_late_answer_after_a_revocation_counts_for_nothing(is_assigned_again: bool) -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    world.run_once(0)
    world.run_once(2)
    late = world.workers.in_flight.pop()
    world.group.lose([0])
    if is_assigned_again:
        world.group.assign([0])
    world.workers.in_flight.append(late)
    world.workers.answer(Accepted())
    world.run_once(2)
    assert world.group.committed == {0: 0}
    assert world.reporter.counters.delivered == 0
    assert world.reporter.counters.released == 1


def test_a_drain_waits_for_what_is_in_flight_and_commits_it() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"a", b"b")
    world.run_once(0)
    world.run_once(2)
    world.group.give(0, b"c", start=2)
    world.run_once(0)
    world.group.revoke([0])
    assert world.group.committed[0] == 2
    assert world.reporter.counters.released == 1


def test_a_drain_sends_nothing_again() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    world.run_once(0)
    world.run_once(2)
    world.workers.outcome_in_drain = Retry("connect_error")
    world.group.revoke([0])
    assert not world.workers.in_flight
    assert world.group.committed == {0: 0}


def test_an_offset_waits_for_its_dead_letter() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"undecodable", b"b")
    world.settle()
    assert world.group.committed == {0: 1}
    world.dead_letters.confirm()
    world.run_once(2)
    assert world.group.committed == {0: 3}
    assert world.reporter.counters.dead_lettered == {"undecodable": 1}


def test_a_dead_letter_that_is_too_large_blocks_its_partition_alone() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"undecodable")
    world.settle()
    world.dead_letters.refuse()
    world.group.give(0, b"a", start=1)
    world.group.give(1, b"a")
    world.settle()
    assert world.group.committed == {0: 0, 1: 1}
    assert world.reporter.latest().blocked == {"dead_letter_too_large": 1}


def test_a_refused_event_is_found_in_its_batch_and_rejected_alone() -> None:
    world = PipelineWorld()
    world.group.give(0, *[b"a"] * EVENTS)
    world.run_once(0)
    for _ in range(20):
        while world.workers.in_flight:
            offsets = [event.record.offset for chunk in world.workers.in_flight[0].chunks for event in chunk.events]
            world.workers.answer(Refused("http_400") if 6 in offsets else Accepted())
        world.run_once(2)
    assert [dead_letter.record.offset for dead_letter in world.dead_letters.open] == [6]
    assert world.reporter.counters.delivered == EVENTS - 1
    assert world.group.committed == {0: 6}
    world.dead_letters.confirm()
    world.run_once(2)
    assert world.group.committed == {0: EVENTS}


def test_the_policies_skip_and_block() -> None:
    for policy, committed in (("skip", 3), ("block", 1)):
        world = PipelineWorld(policy=policy)
        world.group.give(0, b"a", b"undecodable", b"b")
        world.settle()
        assert world.group.committed == {0: committed}
        assert not world.dead_letters.open


@pytest.mark.parametrize(("policy", "committed", "blocked"), [("skip", 2, {}), ("block", 1, {"http_400": 1})])
def test_the_policies_skip_and_block_what_segment_refuses(policy: str, committed: int, blocked: Any) -> None:
    world = PipelineWorld(policy=policy)
    world.group.give(0, b"a", b"refused")
    world.run_once()
    world.run_once(2)
    for outcome in (Refused("http_400"), Accepted(), Refused("http_400")):  # the halves of a search
        world.workers.answer(outcome)
        world.run_once(2)
    world.run_once(2)
    assert not world.workers.in_flight
    assert not world.dead_letters.open
    assert world.group.committed == {0: committed}
    assert world.reporter.counters.skipped == ({"http_400": 1} if policy == "skip" else {})
    assert world.reporter.latest().blocked == blocked


def test_a_schema_that_is_looked_up_stops_its_partition_alone() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"a", b"unknown schema", b"b")
    world.group.give(1, b"a")
    world.settle()
    assert world.group.committed == {0: 1, 1: 1}
    assert not world.workers.in_flight
    world.schemas.pending = False
    world.settle()
    assert world.group.committed == {0: 3, 1: 1}


def test_a_full_partition_is_paused_until_it_has_room() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, *[b"a"] * 60)
    world.run_once(0)
    assert world.group.paused == {0}
    while world.workers.in_flight:
        world.workers.answer(Accepted())
        world.run_once(0)
    world.run_once(0)
    assert world.group.paused == set()
    world.settle()
    assert world.group.committed == {0: 60}


def test_records_lost_to_retention_are_counted() -> None:
    world = PipelineWorld()
    world.group.reset(OffsetReset(0, expected=5, low=12, end=20, goes_on=True))
    world.run_once()
    world.group.give(0, b"a", start=12)
    world.settle()
    assert world.reporter.counters.lost_to_retention == 7
    assert world.group.committed == {0: 13}


@pytest.mark.parametrize(("expected", "low", "lost"), [(-1, 5, 0), (0, 4, 4), (1, 4, 3), (4, 4, 0), (9, 4, 0)])
def test_how_many_are_forgotten_is_counted_and_logged(
    expected: int, low: int, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = PipelineWorld()
    world.group.reset(OffsetReset(0, expected, low, end=20, goes_on=True))
    world.run_once()
    logged = [vars(line)["lost"] for line in caplog.records if "deleted before they were read" in line.message]
    assert (world.reporter.counters.lost_to_retention, logged) == (lost, [lost] if lost else [])


@pytest.mark.parametrize(("low", "end", "position"), [(12, 20, 12), (0, 3, 3)], ids=["deleted", "truncated"])
def test_a_loss_is_counted_once_if_the_partition_is_assigned_again_before_anything_new_comes(
    low: int, end: int, position: int
) -> None:
    """The next owner begins at the committed offset, so the position behind the loss is committed at once."""
    world = PipelineWorld()
    world.group.reset(OffsetReset(0, 5, low, end, goes_on=True))
    world.run_once(1)
    assert world.group.committed == {0: position}


@pytest.mark.parametrize(
    ("expected", "reason"), [(-1, "no_committed_offset"), (0, "offset_out_of_range"), (5, "offset_out_of_range")]
)
def test_with_the_policy_error_a_reset_blocks_its_partition(expected: int, reason: str) -> None:
    world = PipelineWorld()
    world.group.reset(OffsetReset(0, expected, low=12, end=20, goes_on=False))
    world.run_once(0)
    assert world.reporter.latest().blocked == {reason: 1}
    assert not world.group.committed


def test_commits_are_sent_ten_times_a_second_and_a_drain_waits_for_its_own() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    for commits in (1, 1, 2, 2):
        world.run_once(0.05)
        assert world.group.commit_waits == [0.0] * commits
    assert not world.reporter.latest().draining
    world.group.revoke([0])
    assert world.group.commit_waits[-1] == 10.0  # what is left of the drain's time


def test_all_drains_of_a_member_that_is_told_to_stop_share_one_deadline() -> None:
    world = PipelineWorld(partitions=2)
    world.workers.answers_drains, stop = False, Event()
    for partition in (0, 1):
        world.group.give(partition, b"a")
        world.run_once(0)
        world.run_once(2)
    assert len(world.workers.in_flight) == 2
    asked_at = world.clock.now
    world.loop._stop = stop
    assert world.loop.stop_deadline() == float("inf")  # the loop looks before each turn
    stop.set()
    world.group.revoke([0])
    world.loop.run(stop)
    assert world.clock.now - asked_at == pytest.approx(10.0, abs=0.2)
    assert world.group.commit_waits[-2:] == [1.0, 1.0]


def test_the_last_commit_of_a_drain_that_took_its_whole_time_still_has_three_seconds() -> None:
    world = PipelineWorld()
    world.group.give(0, b"undecodable")
    world.settle()

    def never(now: float, wait: float = 0) -> DeliveryReports:
        world.clock.now += wait
        return DeliveryReports()

    world.dead_letters.advance = never  # type: ignore[method-assign]
    world.group.revoke([0])
    assert world.group.commit_waits[-1] == 3.0


@pytest.mark.parametrize(("start", "is_recreated"), [(2, False), (7, False), (1, True), (0, True)])
def test_offsets_that_go_back_mean_a_recreated_topic_and_gaps_do_not(start: int, is_recreated: bool) -> None:
    world = PipelineWorld()
    world.start_linger()
    world.group.give(0, b"a", b"b")
    world.run_once(0)
    world.group.give(0, b"c", b"d", b"e", start=start)
    world.run_once(0)
    assert world.reporter.counters.released == (2 if is_recreated else 0)
    assert world.buffers[0].waiting == (3 if is_recreated else 5)
    assert world.group.restarted == ([0] if is_recreated else [])


@pytest.mark.parametrize("is_in_flight", [True, False])
def test_what_is_unsettled_of_a_recreated_topic_is_dropped(is_in_flight: bool) -> None:
    world = PipelineWorld()
    if not is_in_flight:
        world.start_linger()
    world.group.give(0, b"a", b"b")
    world.run_once(0)
    world.group.recreate(0)
    world.run_once(0)
    assert world.reporter.counters.released == 2
    world.settle()
    assert world.reporter.counters.delivered == 0


def test_a_drain_is_published_while_it_lasts_and_no_longer() -> None:
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"a")
    world.run_once(0)
    world.run_once(2)
    published: list[bool] = []

    def answered(timeout: float = 0) -> Sequence[tuple[BatchRequest, Outcome]]:
        published.append(world.reporter.latest().draining)
        return FakeWorkers.answered(world.workers, timeout)

    world.workers.answered = answered  # type: ignore[method-assign]
    world.group.revoke([0])
    world.run_once(2)
    assert published[0]
    assert not world.reporter.latest().draining


def test_an_iteration_waits_for_no_dead_letter_and_a_drain_for_dead_letters_alone() -> None:
    world = PipelineWorld()
    world.group.give(0, b"undecodable", b"a")
    world.run_once(0)
    world.run_once(2)
    world.run_once(2)
    assert set(world.dead_letters.advance_waits) == {0}
    world.dead_letters.confirms_when_waited_for = True
    world.group.revoke([0])
    assert world.dead_letters.advance_waits[-1] == 0.05
    assert world.reporter.counters.dead_lettered == {"undecodable": 1}


def test_a_batch_that_cannot_be_unpacked_blocks_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"b")
    world.run_once(0)
    for _ in range(3):
        world.group.fail_to_unpack(0)
        world.run_once(0)
    assert world.reporter.latest().blocked == {"unreadable_batch": 1}
    (line,) = [line for line in caplog.records if "partition blocked" in line.message]
    assert (vars(line)["partition"], vars(line)["offset"], vars(line)["reason"]) == (0, 2, "unreadable_batch")
    world.settle()
    assert world.group.committed == {0: 2}
    world.group.give(0, b"c", start=2)
    world.run_once(0)
    assert not world.reporter.latest().blocked
    world.group.fail_to_unpack(0)
    world.run_once(0)
    world.group.reach_end(0, 9)
    world.run_once(0)
    assert not world.reporter.latest().blocked


def test_a_recreated_topic_is_read_from_its_start() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"b", start=100)
    world.settle()
    world.start_linger()
    world.group.give(0, b"c", start=102)  # read, and of the old topic
    world.group.recreate(0)
    world.run_once()
    world.group.give(0, b"a", start=0)
    world.settle()
    assert world.group.committed == {0: 1}
    assert world.reporter.counters.released == 1
    assert world.group.restarted == [0]


def test_an_offset_below_the_last_means_a_recreated_topic() -> None:
    """A broker without topic ids gives no other sign."""
    world = PipelineWorld()
    world.group.give(0, b"a", b"b", start=100)
    world.settle()
    world.group.give(0, b"a", start=0)
    world.settle()
    assert world.group.committed == {0: 1}


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_log_that_ends_below_what_was_read_is_read_on_at_its_end(
    goes_on: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Else an offset behind the end could be committed, and the records that come there would never be read."""
    world = PipelineWorld()
    world.group.give(0, b"a", b"b", start=1000)
    world.run_once(2)
    world.group.reset(OffsetReset(0, expected=1002, low=0, end=990, goes_on=goes_on))
    world.run_once(0)
    world.workers.answer(Accepted())
    if goes_on:
        world.group.reach_end(0, 990)
    world.run_once(2)
    assert world.group.committed.get(0) == (990 if goes_on else 1000)
    assert (world.reporter.counters.lost_to_retention, world.reporter.counters.lost_to_truncation) == (0, 12)
    assert world.reporter.latest().blocked == ({} if goes_on else {"log_truncated": 1})
    (line,) = [line for line in caplog.records if line.message == "the broker lost records that were read"]
    assert (vars(line)["offset"], vars(line)["lost"]) == (1002, 12)


def test_records_that_are_read_behind_the_reset_of_an_assignment_are_delivered() -> None:
    """One read can have both, and also the end of the partition."""
    world = PipelineWorld()
    world.group.reset(OffsetReset(0, expected=70, low=0, end=60, goes_on=True), is_at_assignment=True)
    world.group.give(0, b"a", b"b", start=60)
    world.group.reach_end(0, 62)
    world.settle()
    assert (world.group.committed, world.reporter.counters.delivered) == ({0: 62}, 2)
    assert world.reporter.counters.lost_to_truncation == 10


def test_a_block_names_the_offset_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    world = PipelineWorld()
    for _ in range(2):  # the client reports again what it cannot read
        world.group.reset(OffsetReset(0, expected=1000, low=0, end=990, goes_on=False))
        world.run_once(0)
    (line,) = [line for line in caplog.records if line.message == "partition blocked: operator action required"]
    assert (vars(line)["offset"], vars(line)["reason"]) == (1000, "log_truncated")


def test_a_truncation_above_what_was_read_loses_nothing() -> None:
    """The end of the partition was 3 past a transaction marker, which the client does not count."""
    world = PipelineWorld()
    world.group.give(0, b"a", b"b", start=10)
    world.group.reset(OffsetReset(0, expected=5, low=0, end=12, goes_on=True))
    world.settle()
    assert world.reporter.counters.lost_to_truncation == world.reporter.counters.released == 0
    assert world.reporter.counters.delivered == 2


def test_events_in_flight_at_the_loss_of_a_partition_are_waited_for_and_remembered() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"b")
    world.run_once(0)
    world.run_once(2)
    assert len(world.workers.in_flight) == 1
    commits = len(world.group.commit_waits)
    world.group.lose([0])
    assert world.group.kept == {0: Progress(LogPosition(2), 2)}
    assert len(world.group.commit_waits) == commits  # the group has another owner by now
    assert world.reporter.counters.released == 0


def test_events_without_an_answer_are_not_waited_for_long_at_the_loss_of_a_partition() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"b")
    world.run_once(0)
    world.run_once(2)
    world.workers.answers_drains, lost_at = False, world.clock.now
    world.group.lose([0])
    assert world.clock.now - lost_at == pytest.approx(5.0, abs=0.1)
    assert world.group.kept == {0: Progress(LogPosition(0), 2, frozenset({0, 1}))}
    assert world.reporter.counters.released == 2


def test_nothing_is_kept_of_a_lost_partition() -> None:
    """Also while its key may not send, because the chunks that wait are not looked at then."""
    world = PipelineWorld()
    world.group.give(0, b"a", b"b")
    world.run_once(2)
    world.workers.answer(Retry("http_429", 300.0, throttled=True))
    world.run_once(0)
    world.group.lose([0])
    (queue,) = world.send_queue._queues.values()
    assert not queue.waiting
    assert not world.send_queue._deliveries
    assert 0 in world.dead_letters.forgotten


def test_records_of_a_partition_without_a_buffer_are_ignored() -> None:
    world = PipelineWorld()
    world.group.give(7, b"a")
    world.settle()
    assert not world.group.committed
    assert world.reporter.counters.consumed == 0


def test_a_drain_does_not_wait_for_a_dead_letter_that_is_refused() -> None:
    world = PipelineWorld()
    world.group.give(0, b"undecodable")
    world.settle()
    world.dead_letters.refuse()
    world.run_once()
    world.group.revoke([0])  # with a clock that stands still, waiting would never end
    assert world.group.committed == {0: 0}


@pytest.mark.parametrize("high", [12, 20])
def test_what_was_read_before_a_reset_is_not_lost(high: int) -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"b", start=10)
    world.group.reset(OffsetReset(0, expected=5, low=12, end=high, goes_on=True))
    world.settle()
    assert world.reporter.counters.lost_to_retention == world.reporter.counters.released == 0
    assert world.reporter.counters.delivered == 2


@pytest.mark.parametrize("is_assigned_again", [False, True], ids=["revoked", "assigned again"])
def test_a_late_confirmation_after_a_revocation_counts_for_nothing(is_assigned_again: bool) -> None:
    world = PipelineWorld()
    world.group.give(0, b"undecodable")
    world.settle()
    world.group.lose([0])
    if is_assigned_again:
        world.group.assign([0])
    world.dead_letters.confirm()
    world.run_once(2)
    assert world.reporter.counters.dead_lettered.total() == 0
    assert world.reporter.counters.released == 1


def test_a_revocation_at_the_very_end_drains_nothing_again() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    world.run_once(0)
    world.run_once(2)
    world.loop._dispatcher.forget([0])
    world.group.revoke([0])
    assert len(world.workers.in_flight) == 1  # the drain did not wait for it
    assert world.group.committed == {0: 0}


def test_a_drain_commits_even_if_the_dead_letters_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = PipelineWorld()
    world.group.give(0, b"a", b"undecodable")
    world.run_once(0)
    world.run_once(2)
    world.workers.answer(Accepted())

    def fail(now: float, wait: float = 0) -> DeliveryReports:
        raise ServiceError("the producer of dead letters cannot continue")

    monkeypatch.setattr(world.dead_letters, "advance", fail)
    with pytest.raises(ServiceError):
        world.group.revoke([0])
    assert world.group.committed == {0: 1}


def test_what_each_part_waits_for_is_published() -> None:
    world = PipelineWorld()
    kinds = WaitKind.KAFKA, WaitKind.REGISTRY, WaitKind.DEAD_LETTER
    world.group.waits, world.schemas.waits, world.dead_letters.waits = [[Wait(kind, "", 0.0, "why")] for kind in kinds]
    world.group.give(0, b"event")
    world.run_once()
    world.run_once(2)
    world.workers.answer(Retry("http_503"))
    world.run_once(0.2)
    assert {wait.kind for wait in world.reporter.latest().waits} == {*kinds, WaitKind.SEGMENT}


def test_a_service_that_waits_for_kafka_at_its_start_says_since_when() -> None:
    reporter = StatusReporter(0.0)
    reporter.starting("nobody listens", 5.0)
    reporter.starting("no route", 9.0)
    snapshot = reporter.latest()
    assert (snapshot.loop_ran_at, snapshot.waits) == (9.0, [Wait(WaitKind.KAFKA, "", 5.0, "no route")])


def test_a_member_outside_its_group_has_the_reason_of_the_start_until_it_joins() -> None:
    world = PipelineWorld()
    world.reporter.topic_unreadable("there is no topic answers")
    world.group.is_group_member = False
    world.run_once()
    outside = world.reporter.latest()
    assert (outside.outside_group_reason, outside.was_group_member) == ("there is no topic answers", False)
    world.group.is_group_member = True
    world.run_once(0.2)
    world.group.is_group_member = False
    world.run_once(0.2)
    rejoining = world.reporter.latest()
    assert (rejoining.outside_group_reason, rejoining.was_group_member) == ("", True)
    assert rejoining.outside_group_since > outside.outside_group_since


def test_what_other_parts_of_the_service_counted_is_published() -> None:
    world = PipelineWorld()
    world.schemas.lookups["found"] += 2
    world.framings["confluent"] += 3
    world.changed_values["omit"] += 1
    world.group.commits["failed"] = 4
    world.run_once()
    counters = world.reporter.latest().counters
    assert (counters.lookups, counters.framings) == ({"found": 2}, {"confluent": 3})
    assert counters.changed_values == {"omit": 1}
    assert counters.commits == {"ok": 0, "failed": 4}
    world.schemas.lookups["found"] += 1
    assert counters.lookups == {"found": 2}  # a snapshot does not change


def test_a_loss_has_the_time_of_the_last_one() -> None:
    losses, counters = Losses(), Counters()
    losses.note(counters, 1.0)
    counters.lost_to_retention = 3
    losses.note(counters, 2.0)
    losses.note(counters, 9.0)
    assert (losses.deleted_at, losses.truncated_at) == (2.0, float("-inf"))
    counters.lost_to_truncation = 1
    losses.note(counters, 10.0)
    assert (losses.deleted_at, losses.truncated_at) == (2.0, 10.0)


def test_a_stop_while_a_drain_waits_for_its_commit_counts_from_before_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the last drain and the end of the clients would come after the watchdog."""
    world, stop = PipelineWorld(), Event()
    world.loop._stop = stop
    begun_at = world.clock.now

    def wait(_: object, seconds: float) -> bool:
        stop.set()
        world.clock.now += seconds
        return False

    monkeypatch.setattr(world.group, "commit_and_wait", wait)
    world.group.revoke([0])
    assert world.clock.now > begun_at
    assert world.loop.stop_deadline() == begun_at + 10
