"""How events a second, CPU time and memory grow with the partitions, write keys and schemas of a topic."""

import io
import json
import statistics
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import fastavro

from bench import rounds, shape
from bench.broker import Broker
from bench.rounds import RoundResult
from tests.support import registry

NULL = b"\x00"  # of a union that begins with null


class Load(NamedTuple):
    """One row of the table. Each record has one of the environments, and so of the write keys, and of the schemas."""

    partitions: int
    keys: int
    schemas: int


LOADS = (Load(12, 1, 1), Load(96, 1, 1), Load(500, 1, 1), Load(12, 10, 1), Load(12, 1, 200))


def run(broker: Broker, count: int, times: int, settings: Mapping[str, str]) -> Mapping[Load, Sequence[RoundResult]]:
    """Let the product drain `count` records of each load, `times` times in turns."""
    if broker.kind == "embedded":
        raise SystemExit("the broker inside librdkafka has four partitions: KAFKA_IMAGE must name an image")
    numbers = range(1, 1 + max(load.schemas for load in LOADS))
    with registry({number: json.dumps(_schema(number)) for number in numbers}) as url:
        topics = {load: _filled_topic(broker, load, count) for load in LOADS}
        results: dict[Load, list[RoundResult]] = {load: [] for load in LOADS}
        for _ in range(times):
            for load, topic in topics.items():
                changed = {**_settings(load, url), **settings}
                results[load].append(rounds.product(broker, topic, count, changed))
    return results


def table(results: Mapping[Load, Sequence[RoundResult]]) -> str:
    """A row for each load: medians, and the peak of all rounds."""
    rows = [
        f"{'partitions':>10}{'keys':>6}{'schemas':>9}{'events/s':>10}{'us/event':>10}{'peak MiB':>10}{'requests':>10}"
    ]
    for load, runs in results.items():
        speed = statistics.median(run.events / run.seconds for run in runs)
        cost = statistics.median(run.cpu / run.events * 1e6 for run in runs)
        peak = max(run.memory.peak for run in runs)
        requests = statistics.median(run.requests for run in runs)
        rows.append(
            f"{load.partitions:>10}{load.keys:>6}{load.schemas:>9}{speed:>10.0f}{cost:>10.1f}{peak:>10.1f}{requests:>10.0f}"
        )
    return "\n".join(rows)


def _filled_topic(broker: Broker, load: Load, count: int) -> str:
    topic = broker.topic(load.partitions)
    replace(broker, partitions=load.partitions).write(topic, _values(load, count))
    return topic


def _values(load: Load, count: int) -> Iterator[bytes]:
    """Responses in Confluent's framing, with an environment and a schema by chance."""
    random, writer_schema = Random(1), shape.schema()
    for number in range(count):
        stream = io.BytesIO()
        environment = f"environment-{random.randrange(load.keys)}"
        response = {**shape.response(number, random), "environment": environment}
        fastavro.schemaless_writer(stream, writer_schema, response)
        yield b"\x00" + struct.pack(">I", 1 + random.randrange(load.schemas)) + stream.getvalue() + NULL


def _settings(load: Load, url: str) -> Mapping[str, str]:
    keys = {f"environment-{number}": f"{rounds.KEY}-{number}" for number in range(load.keys)}
    return {"SCHEMA_REGISTRY_URL": url, "SEGMENT_WRITE_KEY": "", "SEGMENT_WRITE_KEYS": json.dumps(keys)}


def _schema(number: int) -> Mapping[str, Any]:
    """The reference schema and one more field, whose name is that of the id."""
    schema = shape.schema_json()
    field = {"name": f"added{number}", "type": ["null", "string"], "default": None}
    return {**schema, "fields": [*schema["fields"], field]}
