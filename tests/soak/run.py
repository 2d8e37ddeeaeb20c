"""
Runs members for an hour under load and with small faults: SOAK_MINUTES=... for another time.

It prints how memory, descriptors, threads and lag of one member grow. Exit code 1: one of them grows too much, or a
record was lost, sent twice without a cause, or sent in the wrong order.
"""

import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from consumer.demo import fault_scripts
from consumer.demo.segment_server import AcceptedEvent, SegmentStandIn
from tests.container.conftest import image_of
from tests.container.kafka_cluster import KafkaCluster, running_cluster
from tests.faults.scenario import Scenario, scenario
from tests.soak.trends import Sampler, table
from tests.support import KEYS, Flow, wait_until

RATE = 100  # records a second
CALM_EVENTS = 300  # between two faults
PAUSE_SECONDS = 3  # less than a session

SmallFault = Callable[[Scenario, KafkaCluster], None]


def restart_a_member(trial: Scenario, _: KafkaCluster) -> None:
    trial.leave("restarts")
    trial.replace("restarts")


def throttle(trial: Scenario, _: KafkaCluster) -> None:
    trial.respond_with(fault_scripts.throttle(3))


def fail(trial: Scenario, _: KafkaCluster) -> None:
    trial.respond_with(fault_scripts.fail(3, status=503))


def pause_the_broker(trial: Scenario, kafka: KafkaCluster) -> None:
    with trial.broker_outage(), kafka.nodes[1].paused():
        threading.Event().wait(PAUSE_SECONDS)


def rebalance(trial: Scenario, _: KafkaCluster) -> None:
    trial.replace("visits")
    trial.leave("visits")


SMALL_FAULTS: Sequence[SmallFault] = (restart_a_member, throttle, fail, pause_the_broker, rebalance)


@contextmanager
def prepared() -> Iterator[tuple[KafkaCluster, Flow]]:
    with running_cluster(image_of("KAFKA_IMAGE"), size=1) as kafka, SegmentStandIn(KEYS.values()) as segment:
        kafka.create_topic("soak")
        kafka.create_topic("soak.dead-letter", partitions=1)
        yield kafka, Flow(kafka.bootstrap, "soak", segment)


def soak(trial: Scenario, kafka: KafkaCluster, seconds: float) -> int:
    """Make one small fault after the other until the time is over, and return how many they were."""
    ends_at = time.monotonic() + seconds
    faults = itertools.cycle(SMALL_FAULTS)
    count = shrunk = 0
    while time.monotonic() < ends_at:
        next(faults)(trial, kafka)
        count += 1
        trial.progress(CALM_EVENTS)
        shrunk = shrink(trial.flow.segment.accepted, shrunk)
    return count


def shrink(accepted: list[AcceptedEvent], begin: int) -> int:
    """Keep only the messageIds of the events from `begin` on, because those of an hour take more than a gigabyte."""
    end = len(accepted)
    for number in range(begin, end):
        event = accepted[number]
        accepted[number] = event._replace(event={"messageId": event.event["messageId"]})
    return end


def lag(trial: Scenario) -> int:
    """Records that are not committed, as of the last sample of the watcher."""
    return trial.flow.ends.total() - sum(trial.watcher.committed.values())


def main() -> int:
    minutes = float(os.environ.get("SOAK_MINUTES", "60"))
    with prepared() as (kafka, flow), scenario(flow, RATE) as trial:
        stays = trial.join("stays")
        trial.join("restarts")
        wait_until(lambda: stays.has_partitions, "partitions")
        with Sampler(stays.pid, lambda: lag(trial)).running() as sampler:
            faults = soak(trial, kafka, 60 * minutes)
        result = trial.finish("", min_delivered=CALM_EVENTS)
    trends = sampler.trends()
    print(f"{minutes:g} minutes, {result.records} records, {faults} faults, {result.duplicates} duplicates, 0 lost")
    print(table(trends))
    return 0 if all(trend.is_kept for trend in trends) else 1


if __name__ == "__main__":
    sys.exit(main())
