"""Two members compared with one: how much faster a backlog drains, and the CPU time of an event."""

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench import rounds, shape
from bench.broker import Broker
from bench.processes import MEASURED, OTHER, Process, segment

SLICE = 0.02  # seconds


class MembersResult(NamedTuple):
    """`seconds` from the first acceptance to the last, `cpu` of all members together, in seconds."""

    members: int
    seconds: float
    cpu: float


def run(broker: Broker, count: int, members: int, halves: bool, settings: Mapping[str, str]) -> MembersResult:
    """
    Let `members` of one group drain `count` records, which are written when each member has its partitions.

    Each member has a core of its own, and Segment answers after 0.1 s. With `halves` each member has half of one core,
    which no other process uses, and Segment answers at once.
    """
    values, topic = list(shape.values(count)), broker.topic()
    cores, answer_seconds = (MEASURED, OTHER), 0.1
    if halves:
        cores, answer_seconds = (MEASURED, MEASURED), 0.0
    with segment(answer_seconds) as stand_in, ExitStack() as running:
        route = rounds.Route(broker, topic, stand_in)
        processes: list[Process] = []
        for number in range(members):
            processes.append(running.enter_context(rounds.member(route, topic, settings, cores[number % 2])))
            processes[-1].wait_for_line('"partitions assigned"')
        with _in_turns(processes if halves else ()):
            broker.write(topic, values)
            rounds.wait_until(lambda: bool(stand_in.counts()["events"] >= count), f"{count} events", 300)
        counts = stand_in.counts()
        cpu = sum(process.end(signal.SIGTERM) for process in processes)
    return MembersResult(members, counts["last_at"] - counts["first_at"], cpu)


@contextmanager
def _in_turns(processes: Sequence[Process]) -> Iterator[None]:
    """Let two processes take turns, a slice of time each. A single process runs in every other slice."""
    stop = threading.Event()

    def alternate() -> None:
        while processes and not stop.is_set():
            for turn in range(2):
                for number, process in enumerate(processes):
                    process.signal(signal.SIGCONT if number == turn else signal.SIGSTOP)
                stop.wait(SLICE)
        for process in processes:
            process.signal(signal.SIGCONT)

    thread = threading.Thread(target=alternate)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def table(count: int, alone: MembersResult, together: MembersResult) -> str:
    rows = [
        f"{result.members} of them: {count / result.seconds:8.0f} events/s {result.cpu / count * 1e6:6.1f} us"
        for result in (alone, together)
    ]
    return "\n".join([*rows, f"two do {alone.seconds / together.seconds:.2f} times the work of one"])
