"""Owns a producer that goes on with a new client if the client has forgotten all brokers."""

import time
from collections import Counter
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from consumer.closing import close_in_time
from consumer.kafka.known_brokers import KnownBrokers
from tests.support import Flow

POLL_TIMEOUT = 0.1  # seconds
ANSWER_SECONDS = 2.0


class _Unconfirmed(NamedTuple):
    """A message that was produced, and that no broker has confirmed yet."""

    value: bytes | None
    key: bytes
    partition: int


class LastingProducer:
    """Writes each message once and in order, to a topic of which it is the only producer. One thread uses it."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._unconfirmed: dict[int, _Unconfirmed] = {}  # by number, in order
        self._ends: Counter[int] = Counter()  # of each partition, as far as it was confirmed
        self._produced = 0
        self._connect()

    def produce(self, _topic: str, value: bytes | None, key: bytes, partition: int) -> None:
        self._produced += 1
        self._unconfirmed[self._produced] = _Unconfirmed(value, key, partition)
        self._send(self._produced)

    def poll(self, seconds: float) -> None:
        self._producer.poll(seconds)
        if self._known_brokers.are_forgotten and self._drop_written():
            self._producer.purge()
            close_in_time(self._producer.close)
            self._connect()
            for number in list(self._unconfirmed):
                self._send(number)

    def flush(self, seconds: float) -> int:
        """How many messages are not confirmed after that time."""
        ends_at = time.monotonic() + seconds
        while self._unconfirmed and time.monotonic() < ends_at:
            self.poll(POLL_TIMEOUT)
        return len(self._unconfirmed)

    def purge(self) -> None:
        self._producer.purge()

    def _connect(self) -> None:
        self._known_brokers = KnownBrokers()
        self._producer: Producer = self._flow.producer(**self._known_brokers.options())

    def _send(self, number: int) -> None:
        message = self._unconfirmed[number]

        def on_delivery(error: KafkaError | None, confirmed: Message) -> None:
            if error is None:
                del self._unconfirmed[number]
                offset = confirmed.offset()  # unknown if the client takes a later confirmation for this one
                end = self._ends[message.partition] + 1 if offset is None or offset < 0 else offset + 1
                self._ends[message.partition] = end

        self._producer.produce(self._flow.topic, *message, on_delivery=on_delivery)

    def _drop_written(self) -> bool:
        """
        Whether a broker answers again, and says which messages the topic has.

        It can have some whose confirmation the former client did not get.
        """
        consumer = Consumer({"bootstrap.servers": self._flow.bootstrap, "group.id": "ends", "log_level": 0})
        try:
            ends = {partition: self._end(consumer, partition) for partition in range(self._flow.partitions)}
        except KafkaException:
            return False
        finally:
            close_in_time(consumer.close)
        for number, message in list(self._unconfirmed.items()):
            if self._ends[message.partition] < ends[message.partition]:
                self._ends[message.partition] += 1
                del self._unconfirmed[number]
        return True

    def _end(self, consumer: Consumer, partition: int) -> int:
        _, end = consumer.get_watermark_offsets(TopicPartition(self._flow.topic, partition), timeout=ANSWER_SECONDS)
        return end
