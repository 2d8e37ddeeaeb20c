"""The time that a library needs to compress a request of 500 events, and the compressed size."""

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
GZIP = 31  # zlib's number for the format of gzip with the largest window


class MessageAddress(NamedTuple):
    """The methods of a Kafka message that `bench.floor.event` calls."""

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
    return floor.body(
        [floor.event(record, MessageAddress(number)) for number, record in enumerate(records)], "benchmark"
    )


def table() -> str:
    """A row for each installed library and level: the best time of many, in us for an event, and the size."""
    body = request()
    rows = [
        f"{name:10}{level:2}{seconds / EVENTS * 1e6:8.2f} us an event{size / len(body):8.1%}"
        for name, level, seconds, size in _measurements(body)
    ]
    return "\n".join([f"{EVENTS} events, {len(body):,} bytes", *rows])


def _measurements(body: bytes) -> Iterator[tuple[str, int, float, int]]:
    for name, (module, levels) in LIBRARIES.items():
        try:
            compress: Callable[[bytes, int, int], bytes] = importlib.import_module(module).compress
        except ModuleNotFoundError:  # zlib-ng is not a dependency of the development environment
            continue
        for level in levels:
            size = len(compress(body, level, GZIP))
            yield name, level, min(_seconds(compress, body, level) for _ in range(TIMES)), size


def _seconds(compress: Callable[[bytes, int, int], bytes], body: bytes, level: int) -> float:
    started_at = time.thread_time()
    compress(body, level, GZIP)
    return time.thread_time() - started_at
