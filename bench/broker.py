"""The Kafka broker of a measurement: in a container if KAFKA_IMAGE is set, else the broker inside librdkafka."""

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.processes import OTHER
from bench.shapes import SHAPES
from consumer.kafka.mock_broker import MockBroker

EMBEDDED_RECORDS = 40_000  # it keeps 5 MiB of each of its four partitions


@dataclass(frozen=True, slots=True)
class Broker:
    """
    `max_records` is how many records of the reference shape a topic can hold.

    `partitions` is how many partitions a topic has by default.
    """

    address: str
    kind: str
    partitions: int
    max_records: int

    def topic(self, partitions: int | None = None) -> str:
        """A new topic, and its dead-letter topic."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        dead_letter_topic = f"{name}.dead-letter"
        admin = AdminClient({"bootstrap.servers": self.address})
        if self.kind == "embedded":
            for topic in (name, dead_letter_topic):
                admin.list_topics(topic, timeout=10)  # creates the topic
            return name
        topics = [NewTopic(name, partitions or self.partitions, 1), NewTopic(dead_letter_topic, 1, 1)]
        for future in admin.create_topics(topics).values():
            future.result(30)
        return name

    def fill(self, topic: str, count: int, shape: str = "reference", is_traced: bool = False) -> None:
        """
        Write `count` records of a shape, spread over the partitions.

        With `is_traced` each record has a trace context of its own.
        """
        self.write(topic, SHAPES[shape].values(count), is_traced)

    def write(self, topic: str, values: Iterable[bytes], is_traced: bool = False) -> None:
        producer = Producer({"bootstrap.servers": self.address, "acks": "all", "linger.ms": 50})
        for number, value in enumerate(values):
            headers: dict[str, str | bytes | None] = {}
            if is_traced:
                headers["traceparent"] = f"00-{number + 1:032x}-{number + 1:016x}-01"
            producer.produce(topic, value, f"user-{number}".encode(), number % self.partitions, headers=headers)
            if number % 10_000 == 0:
                producer.flush(30)
        if producer.flush(60):
            raise SystemExit("the broker does not accept the records")

    def committed(self, topic: str, group: str) -> Mapping[int, int]:
        """The group's committed offsets by partition, 0 where there is none."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group})
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        committed = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=10)
        consumer.close()
        return {topic_partition.partition: max(topic_partition.offset, 0) for topic_partition in committed}


@contextmanager
def broker() -> Iterator[Broker]:
    """The broker of the image that KAFKA_IMAGE names, on the core that is not measured; without it the embedded one."""
    image = os.environ.get("KAFKA_IMAGE")
    if not image:
        embedded = MockBroker()
        yield Broker(embedded.address, "embedded", 4, EMBEDDED_RECORDS)
        return
    from testcontainers.community.kafka import KafkaContainer

    container = KafkaContainer(image).with_kraft().with_kwargs(cpuset_cpus=str(OTHER))
    try:
        container.start(timeout=120)
        yield Broker(container.get_bootstrap_server(), "container", 12, 10**9)
    finally:
        container.stop()
