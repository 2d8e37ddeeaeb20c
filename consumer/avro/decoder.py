"""Avro: schemas that are safe to decode with, and decoding."""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read
import fastavro.schema

from consumer.avro.decode_limits import longest
from consumer.avro.logical_types import READERS, honoured
from consumer.avro.schema import AvroType, WriterSchema
from consumer.avro.schema_tree import build, nests_deeper
from consumer.errors import UnprocessableRecord, UnsafeSchema

# fastavro's own door for logical types. Values leave it as JSON writes them, so nothing has to look for dates,
# decimals and uuids in a record again.
fastavro.read.LOGICAL_READERS.update(READERS)

_read = fastavro.schemaless_reader

_WHOLE = "sprig-to-segment"
"""The record around a schema and its references while they are parsed. Without a dot: a namespace would be theirs."""


def load(label: str, schema: object, references: Iterable[object] = ()) -> WriterSchema:
    """
    A writer's schema from its JSON value. `references`: schemas it names without defining them, dependencies first.

    Raises UnsafeSchema, in a line that begins with `label`, for what is no Avro schema or must not be decoded with.
    """
    names: dict[str, Any] = {}
    schemas = [*references, schema]
    if nests_deeper(schemas):
        raise UnsafeSchema(f"{label}: nested too deep; flatten the schema")
    try:
        parsed = _parsed(schemas, names)
        root = build(label, parsed, names)
        ready = _ready(parsed, names)
        return WriterSchema(label, root, ready, longest(root), tuple(_branches(label, root, ready, names)))
    except UnsafeSchema:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it stumbles over: a schema is input
        raise UnsafeSchema(f"{label}: not an Avro schema: {type(error).__name__}: {error!s:.200}") from None


def _parsed(schemas: Sequence[object], names: dict[str, Any]) -> Any:
    """
    The last of the schemas in full names. They are parsed as one, so that each name has one meaning in all of them.

    Defaults are for readers' schemas, so one that does not fit its type harms nobody here.
    """
    fields = [{"name": str(number), "type": honoured(schema)} for number, schema in enumerate(schemas)]
    whole = {"type": "record", "name": _WHOLE, "fields": fields}
    parsed: Any = fastavro.parse_schema(whole, names, _ignore_default_error=True)
    return parsed["fields"][-1]["type"]


def _ready(parsed: Any, names: dict[str, Any]) -> Any:
    """With the library's own marks of what is parsed, and by which names; else it would parse it for each record."""
    if isinstance(parsed, list):
        return [part if isinstance(part, str) else _ready(part, names) for part in parsed]
    named = names.get(parsed, parsed) if isinstance(parsed, str) else parsed
    return {**named, "__fastavro_parsed": True, "__named_schemas": names} if isinstance(named, dict) else named


def _branches(label: str, root: AvroType, ready: Any, names: dict[str, Any]) -> Iterator[WriterSchema]:
    for avro, part in zip(root.branches, ready if root.branches else (), strict=True):
        yield WriterSchema(label, avro, _ready(part, names) if isinstance(part, str) else part, longest(avro))


def decode(schema: WriterSchema, value: bytes, start: int) -> Any:
    """
    The record in `value` from index `start` on, by its writer's schema alone.

    Logical types come as `consumer.avro.logical_types` says, all else as Python's own types.
    Raises UnprocessableRecord `undecodable` (with the kind of error only), `trailing_bytes` or `value_too_large`.
    """
    if len(value) > schema.longest:
        raise UnprocessableRecord("value_too_large", f"{len(value)} bytes, {schema.longest} at most of this schema")
    stream = BytesIO(value)
    stream.seek(start)
    try:
        record = _read(stream, schema.parsed, None)
    except Exception as error:  # noqa: BLE001 - hostile bytes raise anything: EOFError, IndexError, UnicodeDecodeError, OverflowError
        raise UnprocessableRecord("undecodable", type(error).__name__) from None
    if stream.tell() != len(value):
        raise UnprocessableRecord("trailing_bytes")
    return record


def as_far_as_it_goes(schema: WriterSchema, value: bytes, start: int) -> tuple[dict[str, Any], str]:
    """
    The fields of a damaged record that come before the damage, and the name of the one that fails ("" if none does).

    Of a value that is no record: no field. What is left behind the record fails as "the end".
    """
    fields = schema.parsed.get("fields", ()) if isinstance(schema.parsed, dict) else ()
    read: dict[str, Any] = {}
    found: Any
    stream = BytesIO(value)
    stream.seek(start)
    for field in fields:
        try:
            found = fastavro.schemaless_reader(stream, {**schema.parsed, "fields": [field]}, None)
        except Exception:  # noqa: BLE001 - as above
            return read, str(field["name"])
        read |= found
    return read, "" if stream.tell() == len(value) else "the end"


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
