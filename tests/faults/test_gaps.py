"""Offsets that are no records: markers of transactions, what was aborted, and what compaction left out."""

import uuid
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from consumer.avro import decoder
from consumer.demo.expected import TOMBSTONE
from consumer.demo.samples import Sample
from consumer.kafka.mock_broker import records
from tests.faults.params import in_one_protocol
from tests.faults.producer import delivered
from tests.faults.scenario import Row, trial
from tests.support import Flow, wait_until

Record = Callable[[Row], None]


@in_one_protocol("classic")
def test_transactions_that_end_while_members_run_leave_no_lag(flow: Flow, is_long: bool, record: Record) -> None:
    """Each other one is aborted, the last one as well: nothing of it is sent, and nothing waited for."""
    with trial(flow, rate=0) as it:
        it.replace("one")
        producer = Producer({"bootstrap.servers": flow.bootstrap, "transactional.id": uuid.uuid4().hex})
        producer.init_transactions(30)
        for number in range(60 if is_long else 6):
            transact(flow, producer, delivered(40, seed=number), aborted=bool(number % 2))
            if not number % 2:
                it.progress(1)
        it.over()
        record(it.settle(f"transactions, {flow.protocol}", floor=80, duplicates=0))


def transact(flow: Flow, producer: Producer, samples: list[Sample], aborted: bool) -> None:
    producer.begin_transaction()
    for sample in samples:
        if aborted:
            flow.ends[0] += 1
        else:
            flow.note(0, sample.fate)
        producer.produce(flow.topic, decoder.encode(flow.schema, sample.value), sample.key, 0)
    assert producer.flush(30) == 0  # else an abort would take back what is not written yet
    flow.ends[0] += 1  # the transaction's marker takes an offset
    producer.abort_transaction(30) if aborted else producer.commit_transaction(30)


@in_one_protocol("consumer")
def test_gaps_that_compaction_left_are_no_records(kafka: Any, flow: Flow, record: Record) -> None:
    """
    The first records are gone, each other one between the good ones, and those that stood before the last ones.

    What goes is nothing that could be delivered, and has a successor with its key.
    """
    kafka.configure(flow.topic, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio="0.001")
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    samples = delivered(300, seed=1)

    def junk(number: int) -> None:
        producer.produce(flow.topic, b"junk", b"%d" % number, 0)
        flow.ends[0] += 1

    def good(number: int) -> None:
        producer.produce(flow.topic, decoder.encode(flow.schema, samples[number].value), b"%d" % number, 0)
        flow.note(0, samples[number].fate)

    for number in range(100):
        junk(number)
    for number in range(100):
        good(number)
        junk(100 + number)
    for number in range(100, 200):
        good(number)
    for number in range(200, len(samples)):
        junk(number)
        good(number)
    assert producer.flush(30) == 0

    def compacted() -> bool:
        producer.produce(flow.topic, None, b"last", 0)  # makes segments roll: the newest one is never compacted
        flow.note(0, TOMBSTONE)
        return not any(left.value() == b"junk" for left in records(flow.bootstrap, flow.topic))

    wait_until(compacted, "compaction")
    assert first_offset(flow) >= 100
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
