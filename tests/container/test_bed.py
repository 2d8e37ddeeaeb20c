"""The bed itself: what the other container tests take for granted."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, Producer


def read_one(bootstrap: str, topic: str, seconds: float = 30) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                return message.value()
        return None
    finally:
        consumer.close()


def test_a_record_and_the_address_survive_a_restart(kafka: Any, topic: str) -> None:
    kafka.create_topic(topic, partitions=2, retention_ms=3_600_000)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"an answer")
    assert producer.flush(30) == 0

    kafka.restart()

    assert read_one(kafka.bootstrap, topic) == b"an answer"
