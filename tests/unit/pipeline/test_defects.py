"""A defect of the service: it rejects no whole stream, ends the loop after a commit, and stops no status."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from consumer.errors import BrokersForgotten, ServiceError
from consumer.kafka.known_brokers import FORGOTTEN_REPORTS
from consumer.model import Accepted, Retry
from consumer.pipeline.loop import MIN_COMMIT_SECONDS
from consumer.pipeline.rejections import MAX_CONSECUTIVE_INTERNAL_ERRORS
from tests.unit.pipeline.pipeline_world import PipelineWorld

SECRET = "data of a record"
LIMIT = MAX_CONSECUTIVE_INTERNAL_ERRORS


def fail(*_: object, **__: object) -> Any:
    raise KeyError(SECRET)


def settle(world: PipelineWorld) -> None:
    for _ in range(3):
        world.settle()
        world.dead_letters.confirm()
    world.settle()


@pytest.mark.parametrize(
    ("policy", "committed", "dead_lettered", "skipped"),
    [
        ("dead-letter", LIMIT, {"internal_error": LIMIT}, {}),
        ("skip", LIMIT, {}, {"internal_error": LIMIT}),
        ("block", 0, {}, {}),
    ],
)
def test_internal_errors_in_a_row_block_their_partition_alone(
    policy: str, committed: int, dead_lettered: Any, skipped: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world = PipelineWorld(partitions=2, policy=policy)
    world.group.give(0, *[b"defect"] * (LIMIT + 5))
    world.group.give(1, b"a", b"b")
    settle(world)
    assert world.group.committed == {0: committed, 1: 2}
    assert world.reporter.latest().blocked == {"internal_error": 1}
    counters = world.reporter.counters
    assert (counters.dead_lettered, counters.skipped) == (dead_lettered, skipped)
    rejected = [line for line in caplog.records if line.msg == "record rejected"]
    assert {line.levelno for line in rejected} == {logging.ERROR}
    assert {vars(line)["detail"] for line in rejected} == {"KeyError at consumer/jsonio.py:1"}


@pytest.mark.parametrize("policy", ["dead-letter", "skip"])
@pytest.mark.parametrize(("between", "is_blocked"), [(b"a", False), (b"skip", True), (b"undecodable", True)])
def test_an_event_ends_the_row_of_internal_errors_and_nothing_else_does(
    policy: str, between: bytes, is_blocked: bool
) -> None:
    world = PipelineWorld(policy=policy)
    world.group.give(0, *[b"defect"] * LIMIT, between, b"defect")
    settle(world)
    assert world.reporter.latest().blocked == ({"internal_error": 1} if is_blocked else {})
    assert world.group.committed == {0: LIMIT + 1 if is_blocked else LIMIT + 2}


def test_an_attempt_with_an_internal_error_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    world.run_once()
    world.run_once(2)
    world.workers.answer(Retry("internal_error", detail="KeyError at consumer/segment/body.py:1"))
    world.run_once()
    (line,) = [line for line in caplog.records if line.msg == "Segment request failed"]
    assert (line.levelno, vars(line)["reason"]) == (logging.ERROR, "internal_error")
    settle(world)
    assert world.group.committed == {0: 1}


def settled_world() -> PipelineWorld:
    """A record is committed, and another one is settled since."""
    world = PipelineWorld(partitions=2)
    world.group.give(0, b"a")
    world.settle()
    assert world.group.committed == {0: 1}
    world.group.give(0, b"b", start=1)
    world.run_once(0.5)
    world.run_once(1.0)
    world.workers.answer(Accepted())
    world.loop._dispatcher.apply_outcomes()
    assert world.group.committed == {0: 1}
    return world


def error_of(world: PipelineWorld) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        world.loop.run(Event())
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__  # the context has the text of the exception
    return caught.value


PARTS: dict[str, Callable[[PipelineWorld], tuple[object, str]]] = {
    "consumer": lambda world: (world.group, "pause"),
    "queue": lambda world: (world.send_queue, "stalled"),
    "workers": lambda world: (world.workers, "answered"),
    "dead letters": lambda world: (world.dead_letters, "advance"),
    "buffers": lambda world: (world.buffers, "full"),
    "start": lambda world: (world.group, "subscribe"),
}


@pytest.mark.parametrize("part", PARTS)
def test_an_error_that_ends_the_loop_is_named_after_everything_settled_is_committed(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = settled_world()
    monkeypatch.setattr(*PARTS[part](world), fail)
    assert str(error_of(world)).startswith("internal error: KeyError at consumer/pipeline/")
    assert world.group.committed == {0: 2}
    assert not world.buffers.partitions  # closing the consumer revokes the partitions, and then nothing is left


@pytest.mark.parametrize("callback", ["assign", "revoke", "lose"])
def test_an_error_in_a_rebalance_callback_is_no_exception(callback: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = settled_world()
    read = world.group.read
    monkeypatch.setattr(world.reporter, "rebalanced", fail)

    def rebalance(limit: int, timeout: float) -> Any:
        getattr(world.group, callback)([1])
        return read(limit, timeout)

    monkeypatch.setattr(world.group, "read", rebalance)
    assert "KeyError" in str(error_of(world))
    assert world.group.committed == {0: 2}


def test_an_error_of_the_service_keeps_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    world = settled_world()
    error = ServiceError("the producer of dead letters cannot continue")
    monkeypatch.setattr(world.dead_letters, "advance", lambda *_: (_ for _ in ()).throw(error))
    assert error_of(world) is error
    assert world.group.committed == {0: 2}


def test_a_second_error_in_the_last_commit_does_not_hide_the_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = settled_world()
    monkeypatch.setattr(world.send_queue, "stalled", fail)
    monkeypatch.setattr(world.group, "commit_and_wait", lambda *_: [].pop())
    assert "KeyError" in str(error_of(world))
    (line,) = [line for line in caplog.records if line.msg.startswith("last commit failed")]
    assert vars(line)["error"].startswith("IndexError at consumer/pipeline/last_commit.py:")


def test_what_an_error_kept_from_being_committed_is_committed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = settled_world()
    monkeypatch.setattr(world.group, "commit", fail)
    world.clock.now += 2
    error_of(world)
    assert world.group.committed == {0: 2}


def test_an_error_while_a_recreated_topic_is_noticed_commits_offsets_of_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the next start finds that the offsets are of another topic."""
    world = settled_world()
    world.group.recreate(0)
    world.group.give(1, b"a")
    monkeypatch.setattr(world.buffers[1], "add", fail)
    error_of(world)
    assert world.group.committed == {0: 2}
    assert world.group.restarted == []


def test_an_error_inside_a_read_commits_what_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    world = settled_world()
    monkeypatch.setattr(world.group, "read", fail)
    error_of(world)
    assert world.group.committed == {0: 2}


def test_a_status_that_cannot_be_published_is_logged_once_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = PipelineWorld()
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(world.group, "end_offset", fail)
            for _ in range(3):
                world.run_once(1.0)
                assert world.reporter.latest().loop_ran_at == world.clock.now  # alive
        world.run_once(1.0)
    world.group.give(0, b"a")
    world.settle()
    assert (world.group.committed, world.reporter.latest().counters.delivered) == ({0: 1}, 1)
    lines = [line for line in caplog.records if line.msg.startswith("status not published")]
    assert [line.levelname for line in lines] == ["ERROR", "ERROR"]
    assert vars(lines[0])["error"].startswith("KeyError at consumer/pipeline/status_reporter.py:")


def test_a_member_that_has_to_start_again_finishes_what_is_in_flight() -> None:
    world = PipelineWorld()
    world.group.give(0, b"a")
    world.run_once()
    world.run_once(2)
    assert world.workers.in_flight

    note = world.group.known_brokers.listener()
    for _ in range(FORGOTTEN_REPORTS):
        note("{}")
    with pytest.raises(BrokersForgotten):
        world.loop.run(Event())
    assert world.group.committed == {0: 1}
    assert world.group.commit_waits[-1] == MIN_COMMIT_SECONDS  # no longer: this client may know no coordinator either
