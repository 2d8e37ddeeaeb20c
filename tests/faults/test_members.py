"""Members come and go, are killed and are fenced; in both protocols, with static membership and without."""

import random
import threading
from collections.abc import Callable

from consumer.kafka.commits import AGAIN_FOR
from tests.faults.params import WITH_NAMES
from tests.faults.scenario import Row, Trial, trial
from tests.support import Flow, wait_until

NAMES = ("one", "two", "three")
PROCESSES = 6  # at once: a start costs a second of a core, and so do ends on a machine that is busy


def named(fault: str, flow: Flow, static: bool) -> str:
    return f"{fault}, {flow.protocol}{', static' if static else ''}"


def instance(name: str, static: bool) -> dict[str, str]:
    return {"KAFKA_GROUP_INSTANCE_ID": name} if static else {}


@WITH_NAMES
def test_a_rolling_restart_loses_nothing_and_repeats_nothing(
    flow: Flow, static: bool, is_long: bool, record: Callable[[Row], None]
) -> None:
    with trial(flow) as it:
        for name in NAMES[: 3 if is_long else 2]:
            it.replace(name, **instance(name, static))
        for _ in range(3 if is_long else 1):
            for name in list(it.members):
                it.leave(name)
                it.replace(name, **instance(name, static))
                it.progress(50)
        it.over()
        record(it.settle(named("rolling restart", flow, static), floor=100, duplicates=0))


@WITH_NAMES
def test_members_killed_at_random_lose_nothing(
    flow: Flow, static: bool, is_long: bool, record: Callable[[Row], None]
) -> None:
    """32 kills in the four long ones; each repeat is of a partition of a member that was killed."""
    chance = random.Random(1)
    with trial(flow) as it:
        for name in NAMES[:2]:
            it.replace(name, **instance(name, static))
        it.progress(100)
        for _ in range(8 if is_long else 2):
            name = chance.choice(list(it.members))
            it.kill(name)
            it.replace(name, **instance(name, static))
            it.progress(chance.randrange(1, 150))
        it.over()
        record(it.settle(named("kill -9", flow, static), floor=200))


@WITH_NAMES
def test_members_that_join_and_leave_without_a_pause_lose_nothing(
    flow: Flow, static: bool, is_long: bool, record: Callable[[Row], None]
) -> None:
    """
    One stays; every half second another one joins or the oldest of them leaves, whether or not the last change is
    through. Each lives for some seconds, so that the group knows it.
    """
    changes = 240 if is_long else 10
    with trial(flow, rate=80) as it:
        if static and flow.protocol == "classic":
            # They leave without a word. So a last commit that meets a rebalance is answered when their session is over,
            # and then it may be made again.
            it.stops_within += flow.timeouts()["session.timeout.ms"] / 1000 + AGAIN_FOR
        it.join("stays")
        wait_until(lambda: it.members["stays"].has_partitions, "partitions")
        storm(it, changes, static, assignments=20 if is_long else 1)
        it.over()
        record(it.settle(named("storm of joins", flow, static), floor=100, duplicates=it.flow.partitions * 50))


def storm(it: Trial, changes: int, static: bool, assignments: int) -> None:
    """
    A change at each tick, but at those at which too many processes run, or all names are taken.

    It goes on until there were as many changes, and more assignments than that, the first of which is that of the
    member that stays.
    """
    tick, ticks, done = threading.Event(), 0, 0
    while done < changes or it.assignments() <= assignments:
        assert ticks < 2 * changes + 100, f"{done} changes, {it.assignments()} assignments in {ticks / 2} s"
        tick.wait(0.5)
        ticks += 1
        it.gather()
        others = [name for name in it.members if name != "stays"]
        free = [name for name in (f"other-{number}" for number in range(PROCESSES)) if not it.is_here(name)]
        if len(others) >= 3:
            it.ask_to_leave(others[0])
        elif free:
            it.join(free[0], **instance(free[0], static))
        done += len(others) >= 3 or bool(free)


def test_of_two_members_with_one_name_one_ends_and_nothing_is_lost(
    flow: Flow, is_long: bool, record: Callable[[Row], None]
) -> None:
    """In the classic protocol the newer one takes over, in the new protocol it is refused; both say so."""
    with trial(flow) as it:
        it.replace("first", **instance("same", static=True))
        for _ in range(5 if is_long else 1):
            it.progress(50)
            it.join("second", **instance("same", static=True))
            wait_until(lambda: any(member.has_ended for member in it.members.values()), "one of them to end")
            ended, stays = sorted(it.members, key=lambda name: not it.members[name].has_ended)
            assert ended == ("first" if flow.protocol == "classic" else "second")
            assert "fatal error, exiting" in it.members[ended].output
            it.kill(ended)
            it.progress(50)
            it.members["first"] = it.members.pop(stays)
        it.over()
        record(it.settle(named("two with one name", flow, True), floor=100))
