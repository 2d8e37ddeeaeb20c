"""The topic itself changes while members run: it is made again, and gets partitions."""

import json
import threading
from collections.abc import Callable
from typing import Any

from consumer.demo import fault_scripts
from consumer.demo.samples import Sample
from tests.faults.params import SHORT_IN_ONE_PROTOCOL
from tests.faults.producer import delivered
from tests.faults.scenario import Row, trial
from tests.support import Flow, wait_until

Record = Callable[[Row], None]


def produce(flow: Flow, samples: list[Sample]) -> None:
    producer = flow.producer()
    for sample in samples:
        flow.put(producer, sample)
    assert producer.flush(30) == 0


def test_a_topic_that_is_made_again_is_read_from_its_start(
    kafka: Any, flow: Flow, is_long: bool, record: Record
) -> None:
    """The new one is longer than the old one at once, so that offsets alone tell nothing."""
    with trial(flow, rate=0) as it:
        it.join()
        for number in range(4 if is_long else 1):
            produce(flow, delivered(300, seed=2 * number))
            wait_until(lambda: it.is_settled, "the old topic to be settled")
            with it.forgetting():
                kafka.delete_topic(flow.topic)
                kafka.create_topic(flow.topic)
            produce(flow, delivered(600, seed=2 * number + 1))
            wait_until(lambda: it.is_settled, "the new topic to be settled")
        it.over()
        record(it.settle(f"topic made again, {flow.protocol}", floor=400, duplicates=0))


@SHORT_IN_ONE_PROTOCOL
def test_a_topic_made_again_with_something_under_way_is_read_from_its_start(
    kafka: Any, flow: Flow, is_long: bool, record: Record
) -> None:
    """
    What Segment answers afterwards is of records that are no more: it settles none of the new ones.

    (It comes while the new ones are delivered or, where the client saw that the topic was gone, in a hand-over.)
    """
    answer_now = threading.Event()

    def late(client: Any, answer: bytes, stopped: threading.Event) -> bool:
        answer_now.wait()
        return fault_scripts.whole(client, answer, stopped)

    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "60", "SHUTDOWN_TIMEOUT_SECONDS": "65"}
    with trial(flow, rate=0) as it:
        member = it.join()
        produce(flow, delivered(100, seed=0))
        wait_until(lambda: it.is_settled, "a beginning")
        it.answers(fault_scripts.repeatedly(fault_scripts.Answer(wire=late)))
        produce(flow, delivered(300, seed=1))
        wait_until(lambda: it.count("records_in_flight") >= flow.partitions, "parts of all partitions to be under way")
        it.answers(fault_scripts.calm)
        with it.forgetting():
            kafka.delete_topic(flow.topic)
            kafka.create_topic(flow.topic)
        produce(flow, delivered(600, seed=2))
        wait_until(
            lambda: flow.segment.accepted or member.times("revoked"), "the new records, or a hand-over of the old"
        )
        answer_now.set()
        it.over()
        record(it.settle(f"topic made again under way, {flow.protocol}", floor=400, duplicates=0))


@SHORT_IN_ONE_PROTOCOL
def test_partitions_that_are_added_are_read_from_their_start(
    kafka: Any, flow: Flow, is_long: bool, record: Record
) -> None:
    """Both members read when each of the additions comes, and get some of what was added."""
    refresh = {"group.protocol": flow.protocol, **flow.timeouts(), "topic.metadata.refresh.interval.ms": 500}
    flow.settings = {"KAFKA_CONFIG": json.dumps(refresh)}
    with trial(flow, rate=0) as it:
        members = [it.join("one"), it.join("two")]
        for number in range(4 if is_long else 1):
            wait_until(lambda: assigned(it.members.values()) == flow.partitions, "all partitions to be assigned")
            wait_until(lambda: all(member.partitions for member in members), "both members to have some")
            flow.produce(300, seed=number)
            it.progress(50)
            kafka.add_partitions(flow.topic, flow.partitions + 4)
            flow.partitions += 4
            flow.produce(600, seed=1000 + number)
        wait_until(lambda: assigned(it.members.values()) == flow.partitions, "those that were added to be assigned")
        it.over()
        record(it.settle(f"partitions added, {flow.protocol}", floor=600, duplicates=0))


def assigned(members: Any) -> int:
    """How many partitions the members have, each in one hand."""
    return sum(len(member.partitions) for member in members)
