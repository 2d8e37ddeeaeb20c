"""One round: the product or the floor drains a backlog; its CPU time, duration and memory."""

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
from bench.processes import MEASURED, Memory, Process, StandIn, process, segment

KEY = "benchmark-write-key"
SERVICE = (str(Path(sys.executable).with_name("sprig-to-segment")), "run")
DEFAULTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class RoundResult:
    """
    `cpu` in seconds after the start, `seconds` from the start of reading to the last acceptance, `memory` in MiB.

    `whole_cpu` is the CPU time from the start of the process to its end. `threads` are CPU seconds by thread,
    including the start.
    """

    events: int
    cpu: float
    whole_cpu: float
    seconds: float
    memory: Memory
    requests: int
    bytes: int
    threads: Mapping[str, float]

    @property
    def per_cpu_second(self) -> float:
        return self.events / self.cpu


class Route(NamedTuple):
    """Where to read and where to deliver."""

    broker: Broker
    topic: str
    stand_in: StandIn

    def environment_variables(self) -> Mapping[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.address,
            "KAFKA_TOPIC": self.topic,
            "SEGMENT_ENDPOINT": self.stand_in.url,
        }


def floor(broker: Broker, topic: str, count: int, shape: str = "reference") -> RoundResult:
    """The bare loop reads the whole topic, whose records have this shape."""
    group = f"floor-{uuid.uuid4().hex[:8]}"
    with segment() as stand_in:
        route = Route(broker, topic, stand_in).environment_variables()
        expected = {"RECORDS": str(count), "SHAPE": shape}
        environment = {**route, **expected, "KAFKA_GROUP_ID": group, "SEGMENT_WRITE_KEY": KEY}
        with process([sys.executable, "-m", "bench.floor"], environment) as floor_process:
            floor_process.wait_for_line("ready")
            return _drain(floor_process, stand_in, count)


def product(
    broker: Broker, topic: str, count: int, settings: Mapping[str, str] = DEFAULTS, command: Sequence[str] = SERVICE
) -> RoundResult:
    """The service reads the whole topic, from its log line `started` to its last commit."""
    group = f"product-{uuid.uuid4().hex[:8]}"
    with segment() as stand_in, member(Route(broker, topic, stand_in), group, settings, command=command) as service:
        result = _drain(service, stand_in, count)
    committed = sum(broker.committed(topic, group).values())
    if committed != count:
        raise SystemExit(f"{committed} of {count} records are committed")
    return result


@contextmanager
def member(
    route: Route,
    group: str,
    settings: Mapping[str, str] = DEFAULTS,
    core: int = MEASURED,
    command: Sequence[str] = SERVICE,
) -> Iterator[Process]:
    """A process of the service that has just started, with its default settings except these."""
    environment = {
        "KAFKA_GROUP_ID": group,
        "KAFKA_CONFIG": '{"group.protocol": "consumer"}',
        "SEGMENT_WRITE_KEY": KEY,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        **settings,
    }
    with process(command, {**route.environment_variables(), **environment}, core) as service:
        service.wait_for_line('"started"')
        yield service


def wait_until(holds: Callable[[], bool], condition: str, seconds: float = 120.0) -> None:
    """Poll a condition of other processes, which do not report when it holds."""
    ends_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends_at:
            raise SystemExit(f"not within {seconds:.0f} s: {condition}")
        time.sleep(0.05)  # so that polling does not take the CPU from the processes that are measured


def _drain(measured: Process, stand_in: StandIn, count: int) -> RoundResult:
    started_at, memory = time.time(), measured.memory
    counts: Mapping[str, Any] = {}

    def all_arrived() -> bool:
        nonlocal counts, memory
        memory, counts = measured.memory, stand_in.counts()
        return bool(counts["events"] >= count)

    wait_until(all_arrived, f"{count} events", 600)  # a busy machine must not end the measurement
    threads = measured.cpu_by_thread
    cpu = measured.end(signal.SIGTERM)
    seconds = counts["last_at"] - started_at
    return RoundResult(count, cpu, measured.whole_cpu, seconds, memory, counts["requests"], counts["bytes"], threads)
