"""Sample answers that keep coming while something goes wrong."""

import itertools
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consumer.demo.expected import Deliver
from consumer.demo.samples import Sample, responses
from tests.support import Flow

TICK = 0.05  # seconds
SURVEYS = 200  # records for each seed, so that what is refused and set aside comes again and again


def delivered(count: int, seed: int) -> list[Sample]:
    """Of `count` samples those that reach Segment."""
    return [sample for sample in responses(count, seed) if isinstance(sample.fate, Deliver)]


class Load:
    """`rate` records a second (0: none) from the beginning to `stop`, which waits until the broker has them all."""

    def __init__(self, flow: Flow, rate: int) -> None:
        self._flow, self._rate = flow, rate
        self._over = threading.Event()
        self._producer = flow.producer()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join(10)
            self._producer.purge()

    @property
    def goes_on(self) -> bool:
        return self._rate > 0 and not self._over.is_set()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)
        assert self._producer.flush(60) == 0

    def _run(self) -> None:
        samples = itertools.chain.from_iterable(responses(SURVEYS, seed) for seed in itertools.count(1))
        while not self._over.wait(TICK):
            for sample in itertools.islice(samples, math.ceil(self._rate * TICK)):
                self._flow.put(self._producer, sample)
            self._producer.poll(0)
