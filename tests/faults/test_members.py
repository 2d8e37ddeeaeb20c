"""Members join, leave, are killed and are fenced: in both group protocols, with static membership and without."""

import random
import threading
import time

import pytest

from consumer.kafka.commits import RETRY_REFUSED_SECONDS
from tests.faults.params import LONG, WITH_MEMBERSHIPS
from tests.faults.scenario import Report, Scenario, scenario
from tests.support import Flow, wait_until

NAMES = ("one", "two", "three")
MAX_PROCESSES = 6  # at once, because a start takes a second of CPU time, and so does an end on a busy machine


def label(fault: str, flow: Flow, static: bool) -> str:
    membership = ", static" if static else ""
    return f"{fault}, {flow.protocol}{membership}"


def instance(name: str, static: bool) -> dict[str, str]:
    return {"KAFKA_GROUP_INSTANCE_ID": name} if static else {}


@WITH_MEMBERSHIPS
def test_a_rolling_restart_loses_nothing_and_repeats_nothing(
    flow: Flow, static: bool, is_long: bool, report: Report
) -> None:
    with scenario(flow) as trial:
        for name in NAMES[: 3 if is_long else 2]:
            trial.replace(name, **instance(name, static))
        for _ in range(3 if is_long else 1):
            for name in list(trial.members):
                trial.leave(name)
                trial.replace(name, **instance(name, static))
                trial.progress(50)
        trial.fault_ended()
        report(trial.finish(label("rolling restart", flow, static), min_delivered=100, max_duplicates=0))


@WITH_MEMBERSHIPS
def test_members_killed_at_random_lose_nothing(flow: Flow, static: bool, is_long: bool, report: Report) -> None:
    """The four long forms have 32 kills. Each duplicate must be of a partition of a killed member."""
    chance = random.Random(1)
    with scenario(flow) as trial:
        for name in NAMES[:2]:
            trial.replace(name, **instance(name, static))
        trial.progress(100)
        for _ in range(8 if is_long else 2):
            name = chance.choice(list(trial.members))
            trial.kill(name)
            trial.replace(name, **instance(name, static))
            trial.progress(chance.randrange(1, 150))
        trial.fault_ended()
        report(trial.finish(label("kill -9", flow, static), min_delivered=200))


@pytest.mark.parametrize("protocol", [pytest.param("consumer", marks=LONG)], indirect=True)
def test_kills_at_a_high_rate_repeat_little(flow: Flow, report: Report) -> None:
    """Ten times one of two members is killed, at a thousand records a second."""
    with scenario(flow, rate=1000) as trial:
        for name in NAMES[:2]:
            trial.replace(name)
        for number in range(10):
            trial.progress(800)
            trial.kill(NAMES[number % 2])
            trial.replace(NAMES[number % 2])
        trial.fault_ended()
        result = trial.finish("ten kills at 1,000 records a second", min_delivered=8000)
        report(result)
    assert result.duplicates <= 0.03 * result.records


@WITH_MEMBERSHIPS
def test_members_that_join_and_leave_without_a_pause_lose_nothing(
    flow: Flow, static: bool, is_long: bool, report: Report
) -> None:
    """
    One member stays. Every half second another member joins or the oldest of the others leaves, also in a rebalance.

    Each member runs for some seconds, so that it becomes a member of the group.
    """
    changes = 240 if is_long else 10
    with scenario(flow, rate=80) as trial:
        if static and flow.protocol == "classic":
            # Static members do not tell the broker that they leave. So a last commit during a rebalance is answered
            # when their session ends, and then the commit may be retried.
            trial.stops_within += flow.timeouts()["session.timeout.ms"] / 1000 + RETRY_REFUSED_SECONDS
        trial.join("stays")
        wait_until(lambda: trial.members["stays"].has_partitions, "partitions")
        change_members(trial, changes, static, assignments=20 if is_long else 1)
        trial.fault_ended()
        report(
            trial.finish(
                label("frequent joins and leaves", flow, static),
                min_delivered=100,
                max_duplicates=trial.flow.partitions * 50,
            )
        )


def change_members(trial: Scenario, changes: int, static: bool, assignments: int) -> None:
    """
    Make one change at each tick, except while too many processes run, all names are in use or members still start.

    It ends after that many changes and more than that many assignments. The first assignment is that of the member
    that stays.
    """
    tick, changes_made, changed_at = threading.Event(), 0, time.monotonic()
    while changes_made < changes or trial.assignments() <= assignments:
        assert time.monotonic() < changed_at + 60, "a minute without a change"
        assert changes_made < 2 * changes + 100, f"{changes_made} changes, {trial.assignments()} assignments"
        tick.wait(0.5)
        trial.collect_ended()
        if change_one_member(trial, static):
            changes_made, changed_at = changes_made + 1, time.monotonic()


def change_one_member(trial: Scenario, static: bool) -> bool:
    """Whether a member joined, or the oldest of three others was asked to leave; it had the time to join the group."""
    others = [name for name in trial.members if name != "stays"]
    if len(others) >= 3:
        has_joined = all(trial.members[name].has_started for name in others)
        if has_joined:
            trial.ask_to_leave(others[0])
        return has_joined
    names = [f"other-{number}" for number in range(MAX_PROCESSES)]
    free = [name for name in names if not trial.is_name_in_use(name)]
    if free:
        trial.join(free[0], **instance(free[0], static))
    return bool(free)


def test_of_two_members_with_one_instance_id_one_ends_and_nothing_is_lost(
    flow: Flow, is_long: bool, report: Report
) -> None:
    """In the classic protocol the newer member takes over; in the new protocol it is refused. The error is logged."""
    with scenario(flow) as trial:
        trial.replace("first", **instance("same", static=True))
        for _ in range(5 if is_long else 1):
            trial.progress(50)
            with trial.duplicate_explainer.any_member_may_be_removed():
                trial.join("second", **instance("same", static=True))
                wait_until(
                    lambda: any(member.has_ended for member in trial.members.values()), "one of the two members to end"
                )
            ended, stays = sorted(trial.members, key=lambda name: not trial.members[name].has_ended)
            assert ended == ("first" if flow.protocol == "classic" else "second")
            assert "fatal error, exiting" in trial.members[ended].output
            trial.kill(ended)
            trial.progress(50)
            trial.members["first"] = trial.members.pop(stays)
        trial.fault_ended()
        report(trial.finish(label("two members with one instance id", flow, True), min_delivered=100))
