"""A wide shape: records of 100 fields, of which the contract sends 12 as properties."""

import io
from collections.abc import Iterator
from random import Random
from typing import Any

import fastavro

from bench import shape

FIELDS = 100
_TYPES: tuple[Any, ...] = (
    ["null", "string"],
    "long",
    ["null", "double"],
    "boolean",
    ["null", {"type": "long", "logicalType": "timestamp-millis"}],
    "string",
    {"type": "array", "items": "string"},
    ["null", "long"],
    {"type": "map", "values": ["null", "string", "long"]},
    ["null", {"type": "record", "name": "Device", "fields": [{"name": "os", "type": "string"}]}],
)


def schema_json() -> dict[str, Any]:
    """The packaged schema between fields that no contract names."""
    schema = shape.schema_json()
    others = [{"name": name, "type": avro} for name, avro in _other_types(schema)]
    middle = len(others) // 2
    return {**schema, "fields": [*others[:middle], *schema["fields"], *others[middle:]]}


def values(count: int) -> Iterator[bytes]:
    """The Avro bytes of `count` responses, the same each time."""
    random, writer_schema = Random(1), fastavro.parse_schema(schema_json())
    names = [name for name, _ in _other_types(shape.schema_json())]
    for number in range(count):
        response = shape.response(number, random)
        for position, name in enumerate(names):
            response[name] = _other_value(position, number, random)
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, writer_schema, response)
        yield stream.getvalue()


def _other_types(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and types. A name is defined once, so that every later record of its type refers to the first one."""
    for position in range(FIELDS - len(schema["fields"])):
        avro = _TYPES[position % len(_TYPES)]
        if position >= len(_TYPES) and position % len(_TYPES) == len(_TYPES) - 1:
            avro = ["null", "Device"]
        yield f"context{position}", avro


def _other_value(position: int, number: int, random: Random) -> Any:
    """A value of the type at this position. A third of the values that can be null are null."""
    kind = position % len(_TYPES)
    is_null = (position + number) % 3 == 0
    possible: list[Any] = [
        None if is_null else "Mozilla/5.0 (X11; Linux x86_64)",
        random.randrange(10**9),
        None if is_null else random.random(),
        bool(number % 2),
        None if is_null else shape.FIRST_TIMESTAMP + number,
        "https://example.com/checkout",
        ["cart", "checkout"],
        None if is_null else number,
        {"source": "mail", "visits": number % 9, "campaign": None},
        None if is_null else {"os": "Android 14"},
    ]
    return possible[kind]
