"""The cost of a rebalance: the delay of a steady trickle while a second member joins, and while it leaves."""

import signal
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from bench import rounds, trickle
from bench.broker import Broker
from bench.processes import OTHER, Process, StandIn, segment

SECONDS = 8.0
WARM_UP = 2  # phases, in which the first connections are opened
PHASES = ("alone", "a member joins", "both", "a member leaves", "alone again")


def run(broker: Broker, settings: Mapping[str, str]) -> Mapping[str, Mapping[str, int]]:
    """The delays of the events that were accepted in each phase, in ms."""
    topic, count = broker.topic(), int((WARM_UP + len(PHASES)) * SECONDS * trickle.RATE)
    group, delays = f"rebalance-{topic}", {}
    with segment() as stand_in, ExitStack() as members:
        route = rounds.Route(broker, topic, stand_in)
        members.enter_context(rounds.member(route, group, settings))
        broker.fill(topic, broker.partitions)
        rounds.wait_until(lambda: stand_in.counts()["events"] == broker.partitions, "the first events")
        producing = threading.Thread(target=trickle.produce, args=(broker, topic, count))
        producing.start()
        for _ in range(WARM_UP):
            _phase(stand_in)
        delays["alone"] = _phase(stand_in)
        with rounds.member(route, group, settings, OTHER) as second:
            delays["a member joins"] = _phase(stand_in)
            delays["both"] = _phase(stand_in)
            delays["a member leaves"] = _phase(stand_in, second)
        delays["alone again"] = _phase(stand_in)
        producing.join()
        rounds.wait_until(lambda: stand_in.counts()["events"] == count + broker.partitions, "the last event")
    return delays


def table(delays: Mapping[str, Mapping[str, int]]) -> str:
    lines = [
        f"{name:16} p50 {phase['p50']:>5} ms   p99 {phase['p99']:>5} ms   worst {phase['worst']:>5} ms"
        for name, phase in delays.items()
    ]
    return "\n".join(lines)


def _phase(stand_in: StandIn, leaving: Process | None = None) -> Mapping[str, int]:
    before, ends_at = stand_in.counts(), time.monotonic() + SECONDS
    if leaving:
        leaving.end(signal.SIGTERM)
    time.sleep(max(0.0, ends_at - time.monotonic()))  # each phase is measured for the same time
    return _summary(stand_in.counts(), before)


def _summary(counts: Mapping[str, Any], before: Mapping[str, Any]) -> Mapping[str, int]:
    delays = [(delay, count) for delay, count in trickle.since(counts["delays"], before["delays"]) if count]
    p50, p99 = (trickle.percentile(delays, fraction) for fraction in (0.5, 0.99))
    return {"p50": p50, "p99": p99, "worst": delays[-1][0]}
