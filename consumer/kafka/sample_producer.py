"""Writes sample records to a topic, and tells them from other records."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from confluent_kafka import KafkaError, Producer

from consumer.errors import ServiceError
from consumer.kafka.client_config import create_client, shared_config
from consumer.kafka.connection_reports import ConnectionReports
from consumer.model import Record

SAMPLE_HEADER = "sprig-to-segment-sample"
"""Each sample has it, so that samples can be told from the responses of users."""

_OPTIONS = {"acks": "all", "message.timeout.ms": 30_000, "linger.ms": 20}
_FLUSH_SECONDS = 35.0  # longer than a record can wait for its confirmation


def is_sample(record: Record) -> bool:
    return any(name == SAMPLE_HEADER for name, _ in record.headers)


class SampleProducer:
    """`produced` counts the records that the topic has confirmed. Use it in a `with` block."""

    def __init__(self, servers: str, options: Mapping[str, Any], topic: str) -> None:
        config = {**shared_config(options), **_OPTIONS, "bootstrap.servers": servers}
        self._reports = ConnectionReports(config)
        self._producer = create_client(Producer, {**config, **self._reports.options})
        self._topic = topic
        self._failures: list[KafkaError] = []
        self.produced = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.purge()
        self._producer.close()

    def produce(self, key: bytes, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> None:
        """Send a sample. Raises ServiceError if this or an earlier sample cannot be written."""
        marked: list[tuple[str, str | bytes | None]] = [(SAMPLE_HEADER, b"1"), *headers]
        while True:
            try:
                self._producer.produce(self._topic, value, key, headers=marked, on_delivery=self._note)
                break
            except BufferError:  # the client's queue is full
                self._poll(0.1)
        self._poll(0)

    def flush(self) -> None:
        """Wait until all samples are written. Raises ServiceError if one is not."""
        unwritten = self._producer.flush(_FLUSH_SECONDS)
        self._raise_failure()
        if unwritten:
            raise ServiceError(f"topic {self._topic}: {unwritten} samples were not confirmed in {_FLUSH_SECONDS:.0f} s")

    def _poll(self, seconds: float) -> None:
        self._producer.poll(seconds)
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failures:
            explanation = self._reports.explain(self._failures[0])
            raise ServiceError(f"topic {self._topic}: {explanation}. {self.produced} samples were written")

    def _note(self, error: KafkaError | None, _message: object) -> None:
        if error is None:
            self.produced += 1
        else:
            self._failures.append(error)
