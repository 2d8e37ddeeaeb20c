"""The steps of an event without a broker: decode, map and serialise, in turns with the same steps of the floor."""

import io
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import fastavro

from bench import floor
from bench.shapes import SHAPES, Shape
from consumer import paths
from consumer.avro import decoder
from consumer.avro.framing import raw
from consumer.avro.unused_fields import decode_only
from consumer.contract.compiler import Contracts
from consumer.model import Record, WriteKey
from consumer.pipeline.record_mapper import DecodeStages, RecordMapper
from consumer.pipeline.write_keys import WriteKeys

REFERENCE_RECORDS, TIME = 3000, 1_772_442_000_000


class _Message(NamedTuple):
    """A Kafka message as the floor reads its address and time."""

    record: Record

    def partition(self) -> int:
        return self.record.partition

    def offset(self) -> int:
        return self.record.offset

    def timestamp(self) -> tuple[int, int]:
        return 1, self.record.timestamp


def table(rounds: int) -> str:
    """For each shape the median ratio of the rounds with its quartiles, and microseconds of CPU for an event."""
    lines = [f"{'':12}{'ratio':>8}{'quartiles':>16}{'product us':>12}{'floor us':>10}"]
    for name, shape_of in SHAPES.items():
        pairs = _pairs(shape_of, rounds)
        ratios = [product / bare for product, bare in pairs]
        low, middle, high = statistics.quantiles(ratios, n=4)
        product, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
        lines.append(f"{name:12}{middle:>8.3f}{f'{low:.3f} to {high:.3f}':>16}{product:>12.1f}{bare:>10.1f}")
    return "\n".join(lines)


def _pairs(shape_of: Shape, rounds: int) -> list[tuple[float, float]]:
    """Microseconds of the product and of the floor, round by round."""
    values = shape_of.values(shape_of.backlog(REFERENCE_RECORDS))
    records = [Record(1, number, TIME, None, value, ()) for number, value in enumerate(values)]
    schema, parsed = decoder.load_schema("shape", shape_of.schema_json()), fastavro.parse_schema(shape_of.schema_json())
    contracts = Contracts(paths.schemas(), "1")
    stages = DecodeStages(
        raw,
        lambda _: schema,
        decoder.union_branch,
        decoder.decode,
        contracts.mapper,
        decode_only=decode_only,
    )
    mapper = RecordMapper(stages, WriteKeys({"": WriteKey("", "key")}, lambda _: "namespace", "topic"))

    def product() -> None:
        for record in records:
            mapper.map(record)

    def bare() -> None:
        for start in range(0, len(records), shape_of.events_in_request):
            request = records[start : start + shape_of.events_in_request]
            floor.body([_floor_event(record, parsed) for record in request], "key")

    return [(_micros(product, len(records)), _micros(bare, len(records))) for _ in range(rounds)]


def _floor_event(record: Record, parsed: Any) -> Mapping[str, Any]:
    decoded = fastavro.schemaless_reader(io.BytesIO(record.value or b""), parsed, None)
    return floor.event(decoded, _Message(record))


def _micros(steps: Callable[[], None], records: int) -> float:
    started_at = time.process_time()
    steps()
    return (time.process_time() - started_at) / records * 1e6
