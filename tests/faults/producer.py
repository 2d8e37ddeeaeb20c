"""Owns the producer of a trial: sample responses keep coming while a fault takes place."""

import itertools
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consumer.demo.expected import ExpectDelivered
from consumer.demo.samples import Sample, responses
from tests.faults.lasting_producer import LastingProducer
from tests.support import Flow

TICK = 0.05  # seconds
SAMPLES_PER_SEED = 200  # few, so that refused and rejected records come again and again


def delivered(count: int, seed: int) -> list[Sample]:
    """The samples that reach Segment, of `count` samples."""
    return [sample for sample in responses(count, seed) if isinstance(sample.expected, ExpectDelivered)]


def produce(flow: Flow, samples: list[Sample]) -> None:
    producer = flow.producer()
    for sample in samples:
        flow.produce_sample(producer, sample)
    assert producer.flush(30) == 0


class SampleProducer:
    """Produces `rate` records a second (0: none) until `stop`, which waits until the broker has all of them."""

    def __init__(self, flow: Flow, rate: int) -> None:
        self._flow, self._rate = flow, rate
        self._stop_requested = threading.Event()
        self._producer = LastingProducer(flow)
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)

    @contextmanager
    def running(self) -> Iterator["SampleProducer"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop_requested.set()
            self._thread.join(10)
            self._producer.purge()

    @property
    def is_producing(self) -> bool:
        return self._rate > 0 and not self._stop_requested.is_set()

    def stop(self) -> None:
        self._stop_requested.set()
        self._thread.join(10)
        assert self._producer.flush(60) == 0

    def _run(self) -> None:
        samples = itertools.chain.from_iterable(responses(SAMPLES_PER_SEED, seed) for seed in itertools.count(1))
        while not self._stop_requested.wait(TICK):
            for sample in itertools.islice(samples, math.ceil(self._rate * TICK)):
                self._flow.produce_sample(self._producer, sample)
            self._producer.poll(0)
