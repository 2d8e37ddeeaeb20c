"""How long a turn may wait for records, and how often it tells what it did."""

import pytest

from consumer.model import Held
from consumer.pipeline.buffers import Lanes
from tests.unit.pipeline.test_limits import lanes, message
from tests.unit.pipeline.test_loop import World


def holding(*read_at: float) -> Lanes:
    """Lanes with a linger of a second, each with a record that was read then."""
    made = lanes(len(read_at), linger=1.0)
    for partition, at in enumerate(read_at):
        made[partition].add([message(0, read_at=at, partition=partition)])
    return made


@pytest.mark.parametrize(("now", "left"), [(10.0, 0.5), (10.6, 0.4), (10.97, 0.03), (11.0, 0.001), (20.0, 0.001)])
def test_a_read_ends_when_the_first_lane_is_due_and_never_spins(now: float, left: float) -> None:
    assert holding(10.0, 10.9).until_due(now, 0.5) == pytest.approx(left)


def test_nothing_is_due_where_nothing_waits_or_goes_on() -> None:
    assert lanes(2, linger=1.0).until_due(10.0, 0.5) == 0.5
    held = holding(0.0)
    held[0].blocked = Held("somebody decides")
    assert held.until_due(10.0, 0.5) == 0.5


class Timed(World):
    """It remembers how long each read would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float] = []
        read = self.group.read

        def reading(limit: int, timeout: float) -> object:
            self.timeouts.append(timeout)
            return read(limit, timeout)

        self.group.read = reading  # type: ignore[assignment,method-assign]


def test_the_loop_waits_for_no_record_beyond_the_linger() -> None:
    world = Timed()
    world.turn()
    world.group.give(0, b"a")
    world.turn()
    world.turn(0.99)
    assert world.timeouts == [0.05, 0.05, pytest.approx(0.01)]


def test_without_a_free_worker_nothing_can_be_due() -> None:
    world = Timed()
    world.group.give(0, b"a")
    world.turn()
    world.segment.most = 0
    world.turn(5.0)
    assert world.timeouts[-1] == 0.05


def test_what_was_done_is_told_now_and_then_and_a_hold_at_once() -> None:
    world = World()
    world.turn()
    before = world.status.latest()
    world.turn(0.05)
    assert world.status.latest() is before
    world.turn(0.05)
    assert world.status.latest() is not before
    world.group.fail_to_unpack(0)
    world.turn()
    world.group.fail_to_unpack(0)
    world.turn()
    world.group.fail_to_unpack(0)
    world.turn()
    assert world.status.latest().holding == {"unreadable_batch": 1}
