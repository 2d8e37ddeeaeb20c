"""One round: a backlog is drained by the product, or by the floor, and what that took."""

import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.broker import Broker
from bench.processes import MEASURED, Memory, Process, Segment, process, segment

KEY = "benchmark-write-key"
SERVICE = (str(Path(sys.executable).with_name("sprig-to-segment")), "run")
DEFAULTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Drained:
    """
    `cpu` in seconds, `seconds` from the start of reading to the last acceptance, `memory` in MiB.

    `threads` are CPU seconds by thread, with the start-up among them.
    """

    events: int
    cpu: float
    seconds: float
    memory: Memory
    requests: int
    bytes: int
    threads: Mapping[str, float]

    @property
    def per_cpu_second(self) -> float:
        return self.events / self.cpu


class Place(NamedTuple):
    """Where to read and where to deliver."""

    broker: Broker
    topic: str
    peer: Segment

    def environment(self) -> Mapping[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.address,
            "KAFKA_TOPIC": self.topic,
            "SEGMENT_ENDPOINT": self.peer.url,
        }


def floor(broker: Broker, topic: str, count: int) -> Drained:
    """The bare loop reads the whole topic."""
    environment = {"KAFKA_GROUP_ID": f"floor-{uuid.uuid4().hex[:8]}", "SEGMENT_WRITE_KEY": KEY, "RECORDS": str(count)}
    with (
        segment() as peer,
        process(
            [sys.executable, "-m", "bench.floor"], {**Place(broker, topic, peer).environment(), **environment}
        ) as it,
    ):
        it.say("ready")
        return _drained(it, peer, count)


def product(
    broker: Broker, topic: str, count: int, settings: Mapping[str, str] = DEFAULTS, command: Sequence[str] = SERVICE
) -> Drained:
    """The service reads the whole topic, from its first line to its last commit."""
    group = f"product-{uuid.uuid4().hex[:8]}"
    with segment() as peer, member(Place(broker, topic, peer), group, settings, command=command) as it:
        drained = _drained(it, peer, count)
    committed = sum(broker.committed(topic, group).values())
    if committed != count:
        raise SystemExit(f"{committed} of {count} records are committed")
    return drained


@contextmanager
def member(
    place: Place,
    group: str,
    settings: Mapping[str, str] = DEFAULTS,
    core: int = MEASURED,
    command: Sequence[str] = SERVICE,
) -> Iterator[Process]:
    """A process of the service that has just said that it has started, with its default settings but for these."""
    environment = {
        "KAFKA_GROUP_ID": group,
        "KAFKA_CONFIG": '{"group.protocol": "consumer"}',
        "SEGMENT_WRITE_KEY": KEY,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        **settings,
    }
    with process(command, {**place.environment(), **environment}, core) as it:
        it.say('"started"')
        yield it


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Ask again and again: other processes tell nobody when something becomes true of them."""
    ends_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends_at:
            raise SystemExit(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def _drained(it: Process, peer: Segment, count: int) -> Drained:
    started_at, memory = time.time(), it.memory
    told: Mapping[str, Any] = {}

    def done() -> bool:
        nonlocal told, memory
        memory, told = it.memory, peer.told()
        return bool(told["events"] >= count)

    wait_until(done, f"{count} events")
    threads = it.cpu_by_thread
    cpu = it.end(signal.SIGTERM)
    return Drained(count, cpu, told["last_at"] - started_at, memory, told["requests"], told["bytes"], threads)
