"""A second shape: attributes of five types with a null among them, and responses of every type that Sprig has."""

import io
from collections.abc import Iterator
from random import Random
from typing import Any

import fastavro

from bench import shape

_SCALARS = ["null", "string", "long", "double", "boolean"]
_TYPES: dict[str, Any] = {
    "attributes": {"type": "map", "values": _SCALARS},
    "response": [
        *_SCALARS,
        {"type": "array", "items": "string"},
        {"type": "map", "values": ["null", "string", "long"]},
    ],
}


def schema_json() -> dict[str, Any]:
    """The packaged schema with other types of `attributes` and `response`."""
    schema = shape.schema_json()
    fields = [{**field, "type": _TYPES.get(field["name"], field["type"])} for field in schema["fields"]]
    for field in fields:
        if field["name"] in _TYPES:
            field.pop("default", None)
    return {**schema, "fields": fields}


def values(count: int) -> Iterator[bytes]:
    """The Avro bytes of `count` responses, the same each time."""
    random, writer_schema = Random(1), fastavro.parse_schema(schema_json())
    for number in range(count):
        response = shape.response(number, random)
        response["attributes"] |= {"region": None}
        response["response"] = _answers(number, random)[number % 7]
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, writer_schema, response)
        yield stream.getvalue()


def _answers(number: int, random: Random) -> list[Any]:
    words = ["Reports", "Alerts", "Exports", "Sharing"]
    return [
        None,
        "clear and quick, but the delivery took longer",
        number % 11,
        random.random(),
        bool(number % 2),
        random.sample(words, 3),
        {"Reports": 1, "Alerts": "second", "Exports": None},
    ]
