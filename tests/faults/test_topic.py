"""The topic itself changes while members run: it is made again, gets partitions, is compacted."""

import json
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from consumer.demo.fates import TOMBSTONE, Deliver
from consumer.demo.samples import Sample, responses
from consumer.reading import avro
from tests.faults.forms import SHORT_IN_ONE_PROTOCOL
from tests.faults.trial import Row, trial
from tests.support import Flow, wait_until

Record = Callable[[Row], None]


def delivered(count: int, seed: int) -> list[Sample]:
    """Of `count` samples those that reach Segment: a letter of the old topic would be taken for one of the new."""
    return [sample for sample in responses(count, seed) if isinstance(sample.fate, Deliver)]


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
def test_partitions_that_are_added_are_read_from_their_start(
    kafka: Any, flow: Flow, is_long: bool, record: Record
) -> None:
    refresh = {"group.protocol": flow.protocol, **flow.timeouts(), "topic.metadata.refresh.interval.ms": 500}
    flow.settings = {"KAFKA_CONFIG": json.dumps(refresh)}
    with trial(flow, rate=0) as it:
        it.join("one")
        it.join("two")
        for number in range(4 if is_long else 1):
            flow.produce(300, seed=number)
            kafka.add_partitions(flow.topic, flow.partitions + 4)
            flow.partitions += 4
            flow.produce(600, seed=1000 + number)
        it.over()
        record(it.settle(f"partitions added, {flow.protocol}", floor=600, duplicates=0))


def test_gaps_that_compaction_left_are_no_records(kafka: Any, topic: str, flow: Flow, record: Record) -> None:
    """Each record is there twice, under a key of its own; the first is nothing that could be delivered."""
    kafka.configure(flow.topic, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio="0.001")
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    samples = delivered(200, seed=1)
    for number in range(len(samples)):
        producer.produce(flow.topic, b"junk", b"%d" % number, 0)
        flow.ends[0] += 1
    for number, sample in enumerate(samples):
        producer.produce(flow.topic, avro.encode(flow.schema, sample.value), b"%d" % number, 0)
        flow.note(0, sample.fate)
    assert producer.flush(30) == 0

    def compacted() -> bool:
        producer.produce(flow.topic, None, b"last", 0)  # makes segments roll: the newest one is never compacted
        flow.note(0, TOMBSTONE)
        return first_offset(flow) >= len(samples)

    wait_until(compacted, "compaction")
    with trial(flow, rate=0) as it:
        it.join()
        it.over()
        record(it.settle(f"gaps of compaction, {flow.protocol}", floor=len(samples), duplicates=0))


def first_offset(flow: Flow) -> int:
    """Of the first record that is still in partition 0."""
    consumer = Consumer({"bootstrap.servers": flow.bootstrap, "group.id": "looks"})
    consumer.assign([TopicPartition(flow.topic, 0, OFFSET_BEGINNING)])
    found = consumer.consume(1, 10)
    consumer.close()
    return found[0].offset() or 0 if found else 0
