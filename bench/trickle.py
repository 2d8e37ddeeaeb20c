"""A steady 500 events a second: how long each takes from being produced to being accepted."""

import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Producer

from bench import rounds, shape
from bench.broker import Broker
from bench.processes import segment

RATE = 500


class Trickled(NamedTuple):
    """Delays in ms, memory in MiB, CPU seconds a second."""

    events: int
    requests: int
    p50: int
    p99: int
    p999: int
    steady_mib: float
    cpu: float


def run(broker: Broker, seconds: int, settings: Mapping[str, str]) -> Trickled:
    """Of that many seconds. The first event comes when the member has its partitions."""
    topic, count = broker.topic(), seconds * RATE
    with segment() as peer, rounds.member(rounds.Place(broker, topic, peer), f"trickle-{topic}", settings) as it:
        broker.fill(topic, broker.partitions)
        rounds.wait_until(lambda: peer.told()["events"] == broker.partitions, "the first events")
        before, cpu = peer.told(), it.cpu
        produce(broker, topic, count)
        rounds.wait_until(lambda: peer.told()["events"] == count + broker.partitions, "the last event")
        told, cpu, memory = peer.told(), it.cpu - cpu, it.memory
        it.end(signal.SIGTERM)
    delays = without(told["delays"], before["delays"])
    p50, p99, p999 = (percentile(delays, part) for part in (0.5, 0.99, 0.999))
    return Trickled(
        count, told["requests"] - before["requests"], p50, p99, p999, round(memory.now, 1), round(cpu / seconds, 4)
    )


def sentence(told: Mapping[str, Any]) -> str:
    return (
        f"at {RATE} events a second: p50 {told['p50']} ms, p99 {told['p99']} ms, p99.9 {told['p999']} ms from "
        f"produced to accepted, {told['requests']} requests, {told['steady_mib']} MiB, {told['cpu']:.1%} of a core"
    )


def produce(broker: Broker, topic: str, count: int) -> None:
    """At the steady rate, over all partitions."""
    # Without keys the partition changes each 10 ms, so that the broker is not asked 500 times a second.
    producer = Producer({"bootstrap.servers": broker.address})
    begin = time.monotonic()
    for number, value in enumerate(shape.values(count)):
        time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
        producer.produce(topic, value)
        producer.poll(0)
    producer.flush(30)


def without(delays: Sequence[tuple[int, int]], before: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """How often each delay has come since."""
    known = dict(before)
    return [(delay, count - known.get(delay, 0)) for delay, count in delays]


def percentile(delays: Sequence[tuple[int, int]], part: float) -> int:
    left = part * sum(count for _, count in delays)
    for delay, count in delays:
        left -= count
        if left <= 0:
            return delay
    raise AssertionError("no delays")
