"""What a library takes to compress a request of 500 events, and what is left of it."""

import importlib
import io
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import fastavro

from bench import floor, shape

EVENTS = 500
TIMES = 25
LIBRARIES = {"zlib": ("zlib", (1, 6)), "zlib-ng": ("zlib_ng.zlib_ng", (1, 2)), "ISA-L": ("isal.isal_zlib", (1, 2))}
GZIP = 31  # zlib's word for gzip's format with the largest window


class Address(NamedTuple):
    """What `bench.floor.call` asks of a message."""

    number: int

    def partition(self) -> int:
        return self.number % 12

    def offset(self) -> int:
        return self.number

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_772_442_000_000 + self.number


def request() -> bytes:
    """A body of `EVENTS` events of the reference shape."""
    schema = shape.schema()
    records = [fastavro.schemaless_reader(io.BytesIO(value), schema, None) for value in shape.values(EVENTS)]
    return floor.body([floor.call(record, Address(number)) for number, record in enumerate(records)], "benchmark")


def table() -> str:
    """One row for each library that is installed, and level: us for an event, at best of many times, and size."""
    body = request()
    rows = [
        f"{name:10}{level:2}{seconds / EVENTS * 1e6:8.2f} us an event{size / len(body):8.1%}"
        for name, level, seconds, size in _measured(body)
    ]
    return "\n".join([f"{EVENTS} events, {len(body):,} bytes", *rows])


def _measured(body: bytes) -> Iterator[tuple[str, int, float, int]]:
    for name, (module, levels) in LIBRARIES.items():
        try:
            compress: Callable[[bytes, int, int], bytes] = importlib.import_module(module).compress
        except ModuleNotFoundError:  # zlib-ng is not among what the product is developed with
            continue
        for level in levels:
            size = len(compress(body, level, GZIP))
            yield name, level, min(_seconds(compress, body, level) for _ in range(TIMES)), size


def _seconds(compress: Callable[[bytes, int, int], bytes], body: bytes, level: int) -> float:
    began = time.thread_time()
    compress(body, level, GZIP)
    return time.thread_time() - began
