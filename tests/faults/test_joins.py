"""How long a member that ends while it joins the group, or that is killed, holds up the others."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self

import pytest

from consumer.demo import fault_scripts
from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from tests.faults.params import LONG, SHORT, in_one_protocol
from tests.support import Flow, is_refused, wait_until

PARTITIONS = 12
SESSION_SECONDS = 45  # so that a wait for a session timeout would be seen
MAX_STANDSTILL_SECONDS = 5.0
MAX_SECONDS_AFTER_KILL = 15.0
MOMENTS = [pytest.param([0.3, 1.5], id="short", marks=SHORT)] + [
    pytest.param([0.25 * number for number in range(start, start + 7)], id=f"{start / 4}-long", marks=LONG)
    for start in (0, 7, 14)
]


class JoiningMember:
    """A member that only joins: its own thread polls from its creation to `stop`."""

    def __init__(self, flow: Flow) -> None:
        options = {"group.protocol": flow.protocol}
        if flow.protocol == "classic":
            options["session.timeout.ms"] = str(1000 * SESSION_SECONDS)
        self._config = consumer_config(flow.bootstrap, flow.group, options)
        self._topic, self._stop = flow.topic, threading.Event()
        self.owned: set[int] = set()
        self.is_member = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        consumer = GroupConsumer(self._config, self._topic, from_beginning=True)
        consumer.subscribe(self.owned.update, self.owned.difference_update, self.owned.difference_update)
        while not self._stop.is_set():
            consumer.read(100, 0.05)
            self.is_member = consumer.is_group_member
        consumer.close()

    def begin_stop(self) -> None:
        self._stop.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def joined(flow: Flow, kafka: Any) -> Iterator[JoiningMember]:
    """The member that stays, and that owns all partitions at first."""
    kafka.add_partitions(flow.topic, PARTITIONS)
    with JoiningMember(flow) as member:
        wait_until(lambda: owns_all(member), "the first assignment")
        yield member


def owns_all(*members: JoiningMember) -> bool:
    return sum(len(member.owned) for member in members) == PARTITIONS and all(member.is_member for member in members)


def stop_together(members: Sequence[JoiningMember]) -> None:
    for member in members:
        member.begin_stop()


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("count", [1, 5])
def test_members_that_end_while_they_join_do_not_hold_the_group_up(
    flow: Flow, joined: JoiningMember, moments: list[float], count: int
) -> None:
    """The member that stays has all partitions again within seconds."""
    standstills = {}
    for moment in moments:
        with ExitStack() as members:
            newborn = [members.enter_context(JoiningMember(flow)) for _ in range(count)]
            time.sleep(moment)  # the moment is what is tested
            stop_together(newborn)
            stopped_at = time.monotonic()
        wait_until(lambda: owns_all(joined), "all partitions at the member that stays")
        standstills[moment] = time.monotonic() - stopped_at
    assert max(standstills.values()) < MAX_STANDSTILL_SECONDS, standstills


@in_one_protocol("classic")
def test_the_partitions_of_a_killed_member_stand_still_for_seconds(flow: Flow) -> None:
    """With the default settings. In the new protocol the broker sets the session timeout."""
    flow.segment.script = fault_scripts.refuse(is_refused)
    flow.settings = {"KAFKA_CONFIG": json.dumps({"group.protocol": "classic"})}
    with flow.member() as killed, flow.member() as other:
        for member in (killed, other):
            wait_until(lambda member=member: member.has_partitions, "the assignment")  # type: ignore[misc]
        flow.produce(100, seed=1)
        flow.wait_until_settled()
        killed.kill()
        killed_at = time.monotonic()
        flow.produce(100, seed=2)
        flow.wait_until_settled()
        standstill = time.monotonic() - killed_at
    assert standstill < MAX_SECONDS_AFTER_KILL
    ledger = flow.ledger()
    assert ledger.even, ledger
