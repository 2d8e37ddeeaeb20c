"""Avro: schemas that are safe to decode with, and decoding."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read
import fastavro.schema

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
        parsed: Any = fastavro.parse_schema(schema, names)  # type: ignore[arg-type]
        root = build(label, parsed, names)
        parts = [
            fastavro.parse_schema(names.get(part, part) if isinstance(part, str) else part, dict(names))
            for part in (parsed if isinstance(parsed, list) else ())
        ]
        branches = tuple(WriterSchema(label, *branch) for branch in zip(root.branches, parts, strict=True))
        return WriterSchema(label, root, parsed, branches)
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


def branch(value: bytes, start: int) -> tuple[int, int]:
    """
    Which branch of its union a value is, and where that branch begins. Raises UnprocessableRecord `undecodable`.

    Source: Avro specification, "Binary encoding": a union is the branch's position as a long, then its value.
    """
    number = shift = 0
    for end, byte in enumerate(value[start : start + 5], start + 1):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), end
    raise UnprocessableRecord("undecodable", "no branch of the union")


def fingerprint(schema: WriterSchema) -> str:
    """The CRC-64-AVRO fingerprint of its parsing canonical form, in hex, as it stands in a single object."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema.parsed)
    return fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")


def encode(schema: WriterSchema, record: Any) -> bytes:
    """A record's Avro bytes, for records that the project makes itself: the demo's and the tests'."""
    stream = BytesIO()
    fastavro.schemaless_writer(stream, schema.parsed, record)
    return stream.getvalue()
