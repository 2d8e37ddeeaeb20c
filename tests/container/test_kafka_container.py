"""The broker of the container tests keeps what these tests rely on."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, Producer


def read_first_value(bootstrap: str, topic: str, seconds: float = 30) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            record = consumer.poll(0.5)
            if record is not None and record.error() is None:
                return record.value()
        return None
    finally:
        consumer.close()


def test_a_record_and_the_address_survive_a_restart(kafka: Any, topic: str) -> None:
    kafka.create_topic(topic, partitions=2, retention_ms=3_600_000)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"an answer")
    assert producer.flush(30) == 0

    kafka.restart()

    assert read_first_value(kafka.bootstrap, topic) == b"an answer"
