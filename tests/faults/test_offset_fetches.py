"""Committed offsets that the broker does not send at an assignment: the partitions are read all the same."""

import itertools
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, Producer

from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from tests.faults.mock_errors import OFFSET_FETCH, FailingBroker, failing_broker
from tests.support import wait_until

TOPIC = "answers"
PARTITIONS = 2
RECORDS = 30
# The errors after which the client itself asks no more.
NOT_RETRIED = [KafkaError.NOT_COORDINATOR, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.GROUP_AUTHORIZATION_FAILED]
GROUP_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def broker() -> Iterator[FailingBroker]:
    with failing_broker() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
        for number in range(RECORDS):
            producer.produce(TOPIC, b"%d" % number, partition=number % PARTITIONS)
        assert not producer.flush(10)
        yield broker


@pytest.mark.parametrize("code", NOT_RETRIED, ids=lambda code: str(KafkaError(code).name()))
def test_an_assignment_without_committed_offsets_is_read(broker: FailingBroker, protocol: str, code: int) -> None:
    group = f"group-{next(GROUP_NUMBERS)}"
    consumer = GroupConsumer(consumer_config(broker.address, group, {"group.protocol": protocol}), TOPIC, True)
    consumer.subscribe(lambda _: None, lambda _: None, lambda _: None)
    broker.fail(OFFSET_FETCH, [code] * 3)
    offsets: list[tuple[int, int]] = []

    def has_all() -> bool:
        for partition, records in consumer.read(RECORDS, 0.1).records.items():
            offsets.extend((partition, record.offset) for record in records)
        return len(offsets) >= RECORDS

    wait_until(has_all, "all records to be read")
    consumer.close()
    assert broker.requests(OFFSET_FETCH) > 3
    expected = [(partition, offset) for partition in range(PARTITIONS) for offset in range(RECORDS // PARTITIONS)]
    assert sorted(offsets) == expected
