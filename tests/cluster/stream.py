"""Produces records at a steady rate, and remembers when the broker had each of them."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, Message, Producer

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.avro.schema import WriterSchema
from consumer.demo.samples import Sample
from consumer.model import RecordAddress
from tests.cluster.addresses import BROKER
from tests.cluster.broker import PARTITIONS, TOPIC
from tests.cluster.stand_ins import FRAME
from tests.faults.producer import delivered

RATE = 150  # records a second
TICK = 0.05


def _framed(sample: Sample, schema: WriterSchema) -> bytes:
    payload = sample.payload(lambda record: decoder.encode(schema, record))
    assert payload is not None
    return FRAME + payload


class RecordStream:
    """`confirmed` has the time at which the broker confirmed a record, by its address. All records reach Segment."""

    def __init__(self) -> None:
        schema = schema_files.raw_schema(paths.schemas())
        samples = delivered(300, seed=1)
        self._values = itertools.cycle([_framed(sample, schema) for sample in samples])
        self._partitions = itertools.cycle(range(PARTITIONS))
        self.confirmed: dict[RecordAddress, float] = {}
        self.produced = 0
        # The producer outlasts an outage of the broker.
        options = {"linger.ms": 20, "message.timeout.ms": 0, "enable.idempotence": True, "log_level": 0}
        self._producer = Producer({"bootstrap.servers": BROKER, "queue.buffering.max.messages": 1_000_000, **options})
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator["RecordStream"]:
        thread = threading.Thread(target=self._run, name="producer", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join(10)
            self._producer.flush(60)

    def produce(self, count: int) -> None:
        """Produce records in addition to the steady ones."""
        with self._lock:
            for value in itertools.islice(self._values, count):
                self._producer.produce(TOPIC, value, partition=next(self._partitions), on_delivery=self._confirm)
                self.produced += 1

    def settle(self, seconds: float = 60) -> None:
        """Wait until the broker has confirmed all records up to now."""
        target = self.produced
        ends_at = time.monotonic() + seconds
        while len(self.confirmed) < target:
            assert time.monotonic() < ends_at, f"the broker has {len(self.confirmed)} of {target} records"
            time.sleep(TICK)  # the broker confirms on the thread of the client

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            self.produce(int(RATE * TICK))
            self._producer.poll(0)
            due = max(due + int(RATE * TICK) / RATE, time.monotonic() - 1)  # no burst after a pause of this machine
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def _confirm(self, error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        self.confirmed[RecordAddress(partition, offset)] = time.time()
