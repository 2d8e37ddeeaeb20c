"""What a change of the group costs: the delay of a steady trickle while a second member comes, and while it goes."""

import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

from bench import rounds, trickle
from bench.broker import Broker
from bench.processes import OTHER, Process, Segment, segment

SECONDS = 8.0
WARM_UP = 2  # phases, in which the first connections are made
PHASES = ("alone", "a member comes", "both", "a member goes", "alone again")


def run(broker: Broker, settings: Mapping[str, str]) -> Mapping[str, Mapping[str, int]]:
    """The delays of the events that were accepted in each phase, in ms."""
    topic, count = broker.topic(), int((WARM_UP + len(PHASES)) * SECONDS * trickle.RATE)
    group, found = f"rebalance-{topic}", {}
    with segment() as peer, rounds.member(place := rounds.Place(broker, topic, peer), group, settings):
        broker.fill(topic, broker.partitions)
        rounds.wait_until(lambda: peer.told()["events"] == broker.partitions, "the first events")
        producing = threading.Thread(target=trickle.produce, args=(broker, topic, count))
        producing.start()
        for _ in range(WARM_UP):
            _phase(peer)
        found["alone"] = _phase(peer)
        with rounds.member(place, group, settings, OTHER) as second:
            found["a member comes"] = _phase(peer)
            found["both"] = _phase(peer)
            found["a member goes"] = _phase(peer, second)
        found["alone again"] = _phase(peer)
        producing.join()
        rounds.wait_until(lambda: peer.told()["events"] == count + broker.partitions, "the last event")
    return found


def table(found: Mapping[str, Mapping[str, int]]) -> str:
    lines = [
        f"{name:16} p50 {it['p50']:>5} ms   p99 {it['p99']:>5} ms   worst {it['worst']:>5} ms"
        for name, it in found.items()
    ]
    return "\n".join(lines)


def _phase(peer: Segment, leaving: Process | None = None) -> Mapping[str, int]:
    before, end = peer.told(), time.monotonic() + SECONDS
    if leaving:
        leaving.end(signal.SIGTERM)
    time.sleep(max(0.0, end - time.monotonic()))
    return _summary(peer.told(), before)


def _summary(told: Mapping[str, Any], before: Mapping[str, Any]) -> Mapping[str, int]:
    delays = [it for it in trickle.without(told["delays"], before["delays"]) if it[1]]
    p50, p99 = (trickle.percentile(delays, part) for part in (0.5, 0.99))
    return {"p50": p50, "p99": p99, "worst": delays[-1][0]}
