"""An unclean election: the new leader has fewer records than the old one, so the end of the log is lost."""

from collections.abc import Iterator

import pytest

from consumer.demo.segment_server import SegmentStandIn
from tests.container.kafka_cluster import KafkaCluster
from tests.faults.params import SHORT_IN_ONE_PROTOCOL
from tests.faults.producer import delivered, produce
from tests.faults.scenario import Report, scenario
from tests.support import KEYS, Flow, wait_until

COPIES = (1, 2)  # the brokers that have the topic


@pytest.fixture
def flow(kafka: KafkaCluster, topic: str, protocol: str) -> Iterator[Flow]:
    kafka.create_topic(topic, replicas=COPIES, min_insync_replicas=1, unclean_leader_election_enable="true")
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment, protocol)


@SHORT_IN_ONE_PROTOCOL
def test_after_an_unclean_election_every_record_that_is_left_is_delivered(
    kafka: KafkaCluster, flow: Flow, is_long: bool, report: Report
) -> None:
    """The member has delivered and committed the records that are lost, and the log grows past its old end again."""
    with scenario(flow, rate=0) as trial:
        trial.join()
        for number, (ahead, behind) in enumerate([COPIES, COPIES[::-1], COPIES] if is_long else [COPIES]):
            flow.produce(300, seed=3 * number)
            wait_until(lambda: trial.is_settled, "the records before the fault to be settled")
            left = dict(flow.ends)
            with trial.broker_outage():
                kafka.nodes[behind].stop()
                kafka.wait_for_one_copy(flow.topic, kafka.nodes[ahead])
            produce(flow, delivered(200, seed=3 * number + 1))
            wait_until(lambda: trial.is_settled, "the records that will be lost to be settled")
            with trial.log_truncation(left):
                kafka.nodes[ahead].kill()
                kafka.nodes[behind].start()
                kafka.wait_for_other_leaders(flow.topic, kafka.nodes[ahead])
                kafka.heal()
            flow.produce(400, seed=3 * number + 2)
            wait_until(lambda: trial.is_settled, "the new records to be settled")
        trial.fault_ended()
        report(trial.finish(f"unclean election, {flow.protocol}", min_delivered=400, max_duplicates=0))
