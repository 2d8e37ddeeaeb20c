"""The topic itself changes while members run: it is recreated, or gets more partitions."""

import json
import threading
from typing import Any

from consumer.demo import fault_scripts
from tests.faults.params import SHORT_IN_ONE_PROTOCOL
from tests.faults.producer import delivered, produce
from tests.faults.scenario import Report, scenario
from tests.support import Flow, wait_until


def test_a_topic_that_is_recreated_is_read_from_its_start(
    kafka: Any, flow: Flow, is_long: bool, report: Report
) -> None:
    """
    The new topic is longer than the old one at once, so offsets alone do not show the recreation.

    A client that never saw the topic missing reads on in the new topic, until the member notices the new topic id. The
    member reads these records twice, delivers their events twice, and the first time before events of lower offsets.
    """
    with scenario(flow, rate=0) as trial:
        trial.join()
        produced = 0
        for number in range(4 if is_long else 1):
            produce(flow, delivered(300, seed=2 * number))
            wait_until(lambda: trial.is_settled, "the records of the old topic to be settled")
            produced += flow.ends.total()
            with trial.topic_recreation():
                kafka.delete_topic(flow.topic)
                kafka.create_topic(flow.topic)
            produce(flow, delivered(600, seed=2 * number + 1))
            wait_until(lambda: trial.is_settled, "the records of the new topic to be settled")
            produced += flow.ends.total()
        trial.fault_ended()
        read_on = int(trial.count("records_consumed_total")) - produced
        fault = f"topic recreated, {flow.protocol}"
        report(trial.finish(fault, min_delivered=400, max_duplicates=read_on, in_order=not read_on))


@SHORT_IN_ONE_PROTOCOL
def test_a_topic_recreated_with_events_in_flight_is_read_from_its_start(
    kafka: Any, flow: Flow, is_long: bool, report: Report
) -> None:
    """
    The late responses belong to deleted records, and settle no record of the new topic.

    (They arrive while the new records are delivered or, if the client saw that the topic was missing, in a drain.)
    """
    respond_now = threading.Event()

    def late(client: Any, response: bytes, stopped: threading.Event) -> bool:
        respond_now.wait()
        return fault_scripts.whole(client, response, stopped)

    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "60", "SHUTDOWN_TIMEOUT_SECONDS": "65"}
    with scenario(flow, rate=0) as trial:
        member = trial.join()
        produce(flow, delivered(100, seed=0))
        wait_until(lambda: trial.is_settled, "the first records to be settled")
        trial.respond_with(fault_scripts.repeatedly(fault_scripts.ScriptedResponse(wire=late)))
        produce(flow, delivered(300, seed=1))
        wait_until(
            lambda: trial.count("records_in_flight") >= flow.partitions, "chunks of all partitions to be in flight"
        )
        trial.respond_with(fault_scripts.calm)
        with trial.topic_recreation():
            kafka.delete_topic(flow.topic)
            kafka.create_topic(flow.topic)
        produce(flow, delivered(600, seed=2))
        wait_until(
            lambda: flow.segment.accepted or member.times("revoked"),
            "delivery of the new records, or a drain of the old partitions",
        )
        respond_now.set()
        trial.fault_ended()
        report(
            trial.finish(f"topic recreated with events in flight, {flow.protocol}", min_delivered=400, max_duplicates=0)
        )


@SHORT_IN_ONE_PROTOCOL
def test_partitions_that_are_added_are_read_from_their_start(
    kafka: Any, flow: Flow, is_long: bool, report: Report
) -> None:
    """Both members run at each addition of partitions, and the new partitions are assigned."""
    refresh = {"group.protocol": flow.protocol, **flow.timeouts(), "topic.metadata.refresh.interval.ms": 500}
    flow.settings = {"KAFKA_CONFIG": json.dumps(refresh)}
    with scenario(flow, rate=0) as trial:
        members = [trial.join("one"), trial.join("two")]
        for number in range(4 if is_long else 1):
            wait_until(lambda: assigned(trial.members.values()) == flow.partitions, "all partitions to be assigned")
            wait_until(lambda: all(member.partitions for member in members), "both members to have partitions")
            flow.produce(300, seed=number)
            trial.progress(50)
            kafka.add_partitions(flow.topic, flow.partitions + 4)
            flow.partitions += 4
            flow.produce(600, seed=1000 + number)
        wait_until(lambda: assigned(trial.members.values()) == flow.partitions, "the added partitions to be assigned")
        trial.fault_ended()
        report(trial.finish(f"partitions added, {flow.protocol}", min_delivered=600, max_duplicates=0))


def assigned(members: Any) -> int:
    """How many partitions the members have. No partition has two owners, so the sum counts each one once."""
    return sum(len(member.partitions) for member in members)
