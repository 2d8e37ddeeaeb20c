"""Events at a steady rate: the delay of each from being produced to being accepted."""

import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Producer

from bench import rounds, shape
from bench.broker import Broker
from bench.processes import segment

RATE = 500  # events per second
QUIET_RATE = 1


class TrickleResult(NamedTuple):
    """`rate` in events per second, delays in ms, memory in MiB, CPU seconds per second."""

    rate: int
    events: int
    requests: int
    p50: int
    p99: int
    p999: int
    steady_mib: float
    cpu: float


def run(broker: Broker, seconds: int, settings: Mapping[str, str], rate: int = RATE) -> TrickleResult:
    """A trickle of this many seconds. The first event is produced when the member has its partitions."""
    topic, count = broker.topic(), seconds * rate
    with segment() as stand_in:
        route = rounds.Route(broker, topic, stand_in)
        with rounds.member(route, f"trickle-{topic}", settings) as service:
            broker.fill(topic, broker.partitions)
            rounds.wait_until(lambda: stand_in.counts()["events"] == broker.partitions, "the first events")
            before, cpu_before = stand_in.counts(), service.cpu
            produce(broker, topic, count, rate)
            rounds.wait_until(lambda: stand_in.counts()["events"] == count + broker.partitions, "the last event")
            counts, cpu, memory = stand_in.counts(), service.cpu - cpu_before, service.memory
            service.end(signal.SIGTERM)
    delays = since(counts["delays"], before["delays"])
    p50, p99, p999 = (percentile(delays, fraction) for fraction in (0.5, 0.99, 0.999))
    requests = counts["requests"] - before["requests"]
    return TrickleResult(rate, count, requests, p50, p99, p999, round(memory.now, 1), round(cpu / seconds, 4))


def sentence(result: Mapping[str, Any]) -> str:
    """The fields of a TrickleResult for people."""
    delays = f"p50 {result['p50']} ms, p99 {result['p99']} ms, p99.9 {result['p999']} ms from produced to accepted"
    cost = f"{result['requests']} requests, {result['steady_mib']} MiB, {result['cpu']:.1%} of a core"
    return f"at {result['rate']} events per second: {delays}, {cost}"


def produce(broker: Broker, topic: str, count: int, rate: int = RATE) -> None:
    """Produce `count` records at the steady rate, to all partitions; the first one when its time is over."""
    # Without keys the partition changes each 10 ms, so that the broker does not get 500 requests per second.
    producer = Producer({"bootstrap.servers": broker.address})
    started_at = time.monotonic()
    for number, value in enumerate(shape.values(count), 1):
        time.sleep(max(0.0, started_at + number / rate - time.monotonic()))  # the steady rate
        producer.produce(topic, value)
        producer.poll(0)
    producer.flush(30)


def since(delays: Sequence[tuple[int, int]], before: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """How often each delay occurred since the counts `before`."""
    counts_before = dict(before)
    return [(delay, count - counts_before.get(delay, 0)) for delay, count in delays]


def percentile(delays: Sequence[tuple[int, int]], fraction: float) -> int:
    remaining = fraction * sum(count for _, count in delays)
    for delay, count in delays:
        remaining -= count
        if remaining <= 0:
            return delay
    raise AssertionError("no delays")
