"""Two members on two cores beside one: how much faster a backlog drains, and what an event costs in each."""

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from typing import NamedTuple

from bench import rounds, shape
from bench.broker import Broker
from bench.processes import MEASURED, OTHER, segment


class Together(NamedTuple):
    """`seconds` from the first acceptance to the last, `cpu` of all members together, in seconds."""

    members: int
    seconds: float
    cpu: float


def run(broker: Broker, count: int, members: int, settings: Mapping[str, str]) -> Together:
    """So many members of one group drain what is written when each has its partitions."""
    values, topic = list(shape.values(count)), broker.topic()
    with segment(0.1) as peer, ExitStack() as running:
        place = rounds.Place(broker, topic, peer)
        its = []
        for number in range(members):
            its.append(running.enter_context(rounds.member(place, topic, settings, (MEASURED, OTHER)[number % 2])))
            its[-1].say('"partitions assigned"')
        broker.write(topic, values)
        rounds.wait_until(lambda: bool(peer.told()["events"] >= count), f"{count} events", 300)
        told = peer.told()
        cpu = sum(it.end(signal.SIGTERM) for it in its)
    return Together(members, told["last_at"] - told["first_at"], cpu)


def table(count: int, one: Together, two: Together) -> str:
    rows = [
        f"{it.members} of them: {count / it.seconds:8.0f} events/s {it.cpu / count * 1e6:6.1f} us" for it in (one, two)
    ]
    return "\n".join([*rows, f"two do {one.seconds / two.seconds:.2f} times the work of one"])
