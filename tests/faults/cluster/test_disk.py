"""The disk under the dead-letter topic is full: its broker ends, as Kafka does when it cannot write."""

from collections.abc import Iterator

import pytest

from consumer.demo.segment_server import SegmentStandIn
from tests.container.kafka_cluster import KafkaCluster
from tests.container.small_disk import SmallDisk
from tests.faults.cluster.conftest import SMALL_DISK
from tests.faults.dead_letter_checks import assert_offsets_wait, wait_for_retries
from tests.faults.params import in_one_protocol
from tests.faults.scenario import Report, scenario
from tests.support import KEYS, Flow, wait_until


@pytest.fixture
def flow(kafka: KafkaCluster, topic: str, protocol: str) -> Iterator[Flow]:
    """The source topic is on the other two brokers."""
    kafka.create_topic(topic, replicas=[number for number in kafka.nodes if number != SMALL_DISK])
    kafka.create_topic(f"{topic}.dead-letter", partitions=1, replicas=[SMALL_DISK], min_insync_replicas=1)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment, protocol)


@in_one_protocol("consumer")
def test_offsets_wait_while_the_disk_of_the_dead_letter_topic_is_full(
    kafka: KafkaCluster, small_disk: SmallDisk, flow: Flow, is_long: bool, report: Report
) -> None:
    node = kafka.nodes[SMALL_DISK]
    with scenario(flow, rate=0) as trial:
        trial.join()
        wait_until(lambda: trial.members["one"].has_partitions, "partitions")
        with trial.broker_outage():
            # A new producer asks for an id, which the controller gives, and that can be the broker that ends.
            producer = flow.producer()
            flow.produce(1, producer=producer)
            small_disk.fill()
            try:
                flow.produce(300, seed=3, producer=producer)
                wait_until(lambda: not node.is_running, "the broker with the full disk to end")
                wait_until(lambda: len(flow.segment.accepted) > 50, "delivery of records behind the rejected ones")
                if is_long:
                    wait_for_retries(trial)
                assert_offsets_wait(trial)
            finally:
                small_disk.empty()
            kafka.heal()
        trial.fault_ended()
        report(trial.finish(f"disk of dead letters full, {flow.protocol}", min_delivered=200, max_duplicates=0))
