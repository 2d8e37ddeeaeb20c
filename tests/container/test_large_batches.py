"""One record batch that is small on the wire and large in memory, because the producer compressed it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from consumer.demo.expected import ExpectDelivered, ExpectSkipped
from consumer.demo.segment_server import SegmentStandIn
from tests.support import KEYS, Flow, Member, wait_until

COUNT, SIZE = 300, 1_000_000
SETTINGS = {"ON_REJECTED": "skip", "MAX_REJECTED_BEFORE_SUCCESS": str(COUNT)}  # they can be the first records


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic, partitions=1)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment, partitions=1, settings=SETTINGS)


def peak(member: Member) -> int:
    """The peak memory of the member, in bytes."""
    status = Path(f"/proc/{member.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def produce_in_one_batch(flow: Flow, codec: str) -> None:
    batch = {"batch.size": COUNT * SIZE * 2, "batch.num.messages": COUNT, "linger.ms": 10_000}
    limits = {"message.max.bytes": 1_000_000_000, "queue.buffering.max.kbytes": 1_000_000}
    producer = Producer({"bootstrap.servers": flow.bootstrap, "compression.type": codec, **batch, **limits})
    errors: list[Any] = []
    for _ in range(COUNT):
        producer.produce(flow.topic, bytes(SIZE), partition=0, on_delivery=lambda error, _: errors.append(error))
        flow.note_produced(0, ExpectSkipped("value_too_large"))
    assert producer.flush(60) == 0
    assert set(errors) == {None}


def test_a_batch_that_unpacks_to_300_megabytes_blocks_until_the_client_may_accept_it(flow: Flow) -> None:
    flow.produce(50)
    produce_in_one_batch(flow, "zstd")
    flow.produce(50, seed=2)
    with flow.member() as member:
        wait_until(lambda: "unreadable_batch" in member.output, "the block to be logged")
        wait_until(lambda: flow.committed() == {0: 50}, "the records before the batch to be settled")
        metrics = httpx.get(f"{member.url}/metrics", trust_env=False).text
        assert 'sprig_to_segment_blocked{reason="unreadable_batch"} 1' in metrics
        assert peak(member) < 192 * 2**20
        assert member.terminate() == 0
    assert member.output.count("partition blocked: operator action required") == 1
    allowed = {"group.protocol": "consumer", "receive.message.max.bytes": 1_000_000_000}
    flow.settings = {**flow.settings, "KAFKA_CONFIG": json.dumps(allowed)}
    with flow.member() as member:
        flow.wait_until_settled()
        assert peak(member) < 4 * COUNT * SIZE
        assert member.terminate() == 0
    assert_delivered(flow, member)


def test_a_batch_that_the_client_unpacks_without_a_limit_takes_its_size_in_memory(flow: Flow) -> None:
    """librdkafka 2.16 limits only zstd. For other codecs, the memory of the pod is the limit."""
    produce_in_one_batch(flow, "gzip")
    flow.produce(50)
    with flow.member() as member:
        flow.wait_until_settled()
        assert COUNT * SIZE < peak(member) < 3 * COUNT * SIZE
        assert member.terminate() == 0
    assert_delivered(flow, member)


def assert_delivered(flow: Flow, member: Member) -> None:
    # With ON_REJECTED=skip, a rejected record leaves no trace, so the ledger has it as lost.
    assert not [address for address in flow.ledger().lost if isinstance(flow.produced[address], ExpectDelivered)]
    assert not flow.ledger().duplicates
    assert '"reason": "value_too_large"' in member.output
