"""The memory that a schema is said to keep is the memory that it keeps, for small schemas and for the largest."""

import gc
import json
import tracemalloc
from typing import Any

import pytest

from consumer.avro.decoder import load_schema
from consumer.avro.schema_size import MAX_SCHEMA_BYTES
from consumer.errors import UnsafeSchema
from tests.avro_values import record


def fields(count: int, doc: str = "") -> dict[str, Any]:
    field_types = [{"name": f"field_{number}", "type": ["null", "string"], "doc": doc} for number in range(count)]
    return {"type": "record", "name": "a.R", "fields": field_types}


def reused(count: int) -> dict[str, Any]:
    """A short schema with a large tree of types."""
    inner = record("a.Inner", **{f"x{number}": "int" for number in range(90)})
    return record("a.R", first=inner, **{f"y{number}": "a.Inner" for number in range(count)})


SCHEMAS: dict[str, Any] = {
    "small": fields(20),
    "many fields": fields(2_400),
    "160 kB of documentation": fields(300, "x" * 500),
    "1 MB of documentation": fields(10, "x" * 100_000),
    "160 kB of symbols": record("a.R", e={"type": "enum", "name": "E", "symbols": [f"S{n}" for n in range(17_000)]}),
    "1 MB of symbols": record("a.R", e={"type": "enum", "name": "E", "symbols": [f"S{n}" for n in range(110_000)]}),
    "a union of many records": [record(f"a.R{number}", x="int") for number in range(4_900)],
    "a small text, a large tree": reused(100),
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_estimate_of_a_schema_is_what_it_keeps(schema: Any) -> None:
    text = json.dumps(schema)
    load_schema("a first one", record("a.R", x="int"))  # with what the library keeps for all
    gc.collect()
    tracemalloc.start()
    try:
        loaded = load_schema("schema id 7", json.loads(text))
        gc.collect()
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes / 2 < loaded.memory_bytes < 2 * kept_bytes + 10_000
    assert loaded.memory_bytes < MAX_SCHEMA_BYTES


def test_a_schema_that_keeps_too_much_memory_is_refused() -> None:
    schema = {"type": "enum", "name": "a.E", "symbols": [str(number) for number in range(300_000)]}
    with pytest.raises(UnsafeSchema, match=rf"^schema id 7: takes \d+ bytes of memory, {MAX_SCHEMA_BYTES} at most"):
        load_schema("schema id 7", schema)
