"""Offsets without a record to deliver: transaction markers, aborted transactions, and gaps from compaction."""

import uuid
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from consumer.avro import decoder
from consumer.demo.expected import TOMBSTONE
from consumer.demo.samples import Sample
from consumer.kafka.mock_broker import records
from tests.faults.params import in_one_protocol
from tests.faults.producer import delivered
from tests.faults.scenario import Report, scenario
from tests.support import Flow, wait_until


@in_one_protocol("classic")
def test_transactions_that_end_while_members_run_leave_no_lag(flow: Flow, is_long: bool, report: Report) -> None:
    """Every second transaction is aborted, also the last one: no record of it is sent, and no offset waits for it."""
    with scenario(flow, rate=0) as trial:
        trial.replace("one")
        producer = Producer({"bootstrap.servers": flow.bootstrap, "transactional.id": uuid.uuid4().hex})
        producer.init_transactions(30)
        for number in range(60 if is_long else 6):
            transact(flow, producer, delivered(40, seed=number), aborted=bool(number % 2))
            if not number % 2:
                trial.progress(1)
        trial.fault_ended()
        report(trial.finish(f"transactions, {flow.protocol}", min_delivered=80, max_duplicates=0))


def transact(flow: Flow, producer: Producer, samples: list[Sample], aborted: bool) -> None:
    producer.begin_transaction()
    for sample in samples:
        if aborted:
            flow.ends[0] += 1
        else:
            flow.note_produced(0, sample.expected)
        producer.produce(flow.topic, decoder.encode(flow.schema, sample.value), sample.key, 0)
    assert producer.flush(30) == 0  # without this, an abort drops the records that are not written yet
    flow.ends[0] += 1  # the marker of the transaction has an offset
    if aborted:
        producer.abort_transaction(30)
    else:
        producer.commit_transaction(30)


@in_one_protocol("consumer")
def test_gaps_from_compaction_are_not_taken_for_records(kafka: Any, flow: Flow, report: Report) -> None:
    """
    Compaction removes the first records, records between the good ones, and records before the last ones.

    It removes only junk, which could not be delivered, because a later record has the same key.
    """
    kafka.configure(flow.topic, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio="0.001")
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    samples = delivered(300, seed=1)

    def junk(number: int) -> None:
        producer.produce(flow.topic, b"junk", b"%d" % number, 0)
        flow.ends[0] += 1

    def good(number: int) -> None:
        producer.produce(flow.topic, decoder.encode(flow.schema, samples[number].value), b"%d" % number, 0)
        flow.note_produced(0, samples[number].expected)

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
        producer.produce(
            flow.topic, None, b"last", 0
        )  # starts a new segment, because the newest segment is never compacted
        flow.note_produced(0, TOMBSTONE)
        return not any(record.value() == b"junk" for record in records(flow.bootstrap, flow.topic))

    wait_until(compacted, "compaction")
    assert first_offset(flow) >= 100
    with scenario(flow, rate=0) as trial:
        trial.join()
        trial.fault_ended()
        report(trial.finish(f"gaps from compaction, {flow.protocol}", min_delivered=len(samples), max_duplicates=0))


def first_offset(flow: Flow) -> int:
    """The offset of the first record that is still in partition 0."""
    consumer = Consumer({"bootstrap.servers": flow.bootstrap, "group.id": "first-offset"})
    consumer.assign([TopicPartition(flow.topic, 0, OFFSET_BEGINNING)])
    first_records = consumer.consume(1, 10)
    consumer.close()
    return first_records[0].offset() or 0 if first_records else 0
