"""Avro: schemas that are safe to decode with, and decoding."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read

from consumer.errors import UnprocessableRecord, UnsafeSchema
from consumer.reading.logical import READERS
from consumer.reading.tree import build, nests_deeper
from consumer.schema import WriterSchema

# fastavro's own door for logical types. Values leave it as JSON writes them, so nothing has to look for dates,
# decimals and uuids in a record again.
fastavro.read.LOGICAL_READERS.update(READERS)


def load(label: str, schema: object, references: Iterable[object] = ()) -> WriterSchema:
    """
    A writer's schema from its JSON value. `references`: schemas it names without defining them, dependencies first.

    Raises UnsafeSchema, in a line that begins with `label`, for what is no Avro schema or must not be decoded with.
    """
    names: dict[str, Any] = {}
    references = tuple(references)
    if nests_deeper([schema, *references]):
        raise UnsafeSchema(f"{label}: nested too deep; flatten the schema")
    try:
        for reference in references:
            fastavro.parse_schema(reference, names)  # type: ignore[arg-type]
        parsed = fastavro.parse_schema(schema, names)  # type: ignore[arg-type]
        return WriterSchema(label, build(label, parsed, names), parsed)
    except UnsafeSchema:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it stumbles over: a schema is input
        raise UnsafeSchema(f"{label}: not an Avro schema: {type(error).__name__}: {error!s:.200}") from None


def decode(schema: WriterSchema, value: bytes, start: int) -> Any:
    """
    The record in `value` from index `start` on, by its writer's schema alone.

    Logical types come as `consumer.reading.logical` says, all else as Python's own types.
    Raises UnprocessableRecord `undecodable` (with the kind of error only) or `trailing_bytes`.
    """
    stream = BytesIO(value)
    stream.seek(start)
    try:
        record = fastavro.schemaless_reader(stream, schema.parsed, None)
    except Exception as error:  # noqa: BLE001 - hostile bytes raise anything: EOFError, IndexError, UnicodeDecodeError, OverflowError
        raise UnprocessableRecord("undecodable", type(error).__name__) from None
    if stream.tell() != len(value):
        raise UnprocessableRecord("trailing_bytes")
    return record


def encode(schema: WriterSchema, record: Any) -> bytes:
    """A record's Avro bytes, for records that the project makes itself: the demo's and the tests'."""
    stream = BytesIO()
    fastavro.schemaless_writer(stream, schema.parsed, record)
    return stream.getvalue()
