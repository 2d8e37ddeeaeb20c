"""Two members beside one: how much faster a backlog drains, and what an event costs in each."""

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench import rounds, shape
from bench.broker import Broker
from bench.processes import MEASURED, OTHER, Process, segment

SLICE = 0.02  # seconds


class Together(NamedTuple):
    """`seconds` from the first acceptance to the last, `cpu` of all members together, in seconds."""

    members: int
    seconds: float
    cpu: float


def run(broker: Broker, count: int, members: int, halves: bool, settings: Mapping[str, str]) -> Together:
    """
    So many members of one group drain what is written when each has its partitions.

    Each has a core, and a Segment that answers after 0.1 s; with `halves` each has half of one core, which nothing else
    works on, and a Segment that answers at once.
    """
    values, topic = list(shape.values(count)), broker.topic()
    with segment(0.0 if halves else 0.1) as peer, ExitStack() as running:
        place = rounds.Place(broker, topic, peer)
        its = []
        for number in range(members):
            core = MEASURED if halves else (MEASURED, OTHER)[number % 2]
            its.append(running.enter_context(rounds.member(place, topic, settings, core)))
            its[-1].say('"partitions assigned"')
        with _in_turns(its if halves else ()):
            broker.write(topic, values)
            rounds.wait_until(lambda: bool(peer.told()["events"] >= count), f"{count} events", 300)
        told = peer.told()
        cpu = sum(it.end(signal.SIGTERM) for it in its)
    return Together(members, told["last_at"] - told["first_at"], cpu)


@contextmanager
def _in_turns(its: Sequence[Process]) -> Iterator[None]:
    """Of each two slices of time the first process may run in one, and the second, if there is one, in the other."""
    over = threading.Event()

    def alternate() -> None:
        while its and not over.is_set():
            for turn in range(2):
                for number, it in enumerate(its):
                    it.signal(signal.SIGCONT if number == turn else signal.SIGSTOP)
                over.wait(SLICE)
        for it in its:
            it.signal(signal.SIGCONT)

    alternating = threading.Thread(target=alternate)
    alternating.start()
    try:
        yield
    finally:
        over.set()
        alternating.join()


def table(count: int, one: Together, two: Together) -> str:
    rows = [
        f"{it.members} of them: {count / it.seconds:8.0f} events/s {it.cpu / count * 1e6:6.1f} us" for it in (one, two)
    ]
    return "\n".join([*rows, f"two do {one.seconds / two.seconds:.2f} times the work of one"])
