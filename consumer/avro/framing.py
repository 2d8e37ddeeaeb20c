"""The framings: how a Kafka record names the schema that its value was written with."""

from collections.abc import Callable, Container
from functools import lru_cache, partial
from typing import NamedTuple
from uuid import UUID

from consumer.avro.schema_keys import RAW, SchemaKey
from consumer.errors import FramingError, RecordSkipped
from consumer.model import Record
from consumer.reasons import Reason


class Framed(NamedTuple):
    """The key of the writer's schema, and the Avro body: what `value` has from index `start` on."""

    key: SchemaKey
    start: int
    value: bytes


Framing = Callable[[Record], Framed]
"""
The schema of a record and its Avro body.

Raises RecordSkipped `tombstone` for a null value, and FramingError `empty_value`, `not_framed` or `unknown_schema`; of
a compressed body also `undecodable`, `trailing_bytes` or `value_too_large`.
"""

HEADER = "__value_schema_id"
"""Confluent's serialisers write a value's schema id in this header (confluent-kafka, schema_registry/__init__.py)."""

MARKER = b"\xc3\x01"
_ID_BYTES, _GUID_BYTES = 5, 17
"""Lengths of a schema id and of a GUID, each with the byte before it that names its kind."""
_SINGLE_OBJECT_PREFIX_BYTES = 10


def confluent(record: Record) -> Framed:
    """
    Confluent's wire format: a zero byte, the schema's id in four bytes (big endian), the body.

    The registries of Karapace and Redpanda, and that of Apicurio with its compatible API, have the same format. All
    count ids from one. Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    value = non_empty_value(record)
    number = int.from_bytes(value[1:_ID_BYTES], "big")
    if value[0] != 0 or len(value) < _ID_BYTES or not number:
        raise FramingError(Reason.NOT_FRAMED, "expected a zero byte and four bytes of schema id")
    return Framed(number, _ID_BYTES, value)


def confluent_header(record: Record) -> Framed:
    """
    Confluent's newer format: the whole value is the body, and a header names the schema.

    The header holds a one byte and the 16 bytes of a GUID, or a zero byte and four bytes of schema id.
    Source: confluent-kafka-python, schema_registry/common/serde.py, SchemaId.
    """
    value = non_empty_value(record)
    content = header_content(record, HEADER)
    if content is None:
        raise FramingError(Reason.NOT_FRAMED, f"expected a header {HEADER}")
    return Framed(_parse_header(content), 0, value)


def single_object(fingerprints: Container[SchemaKey], record: Record) -> Framed:
    """
    Avro's own format: C3 01, the schema's CRC-64-AVRO fingerprint in eight bytes (little endian), the body.

    `fingerprints`: those of the schema files, in hex. The files do not change while the service runs.
    Source: Avro specification, "Single-object encoding".
    """
    value = non_empty_value(record)
    if not value.startswith(MARKER) or len(value) < _SINGLE_OBJECT_PREFIX_BYTES:
        raise FramingError(Reason.NOT_FRAMED, "expected the bytes C3 01 and eight bytes of fingerprint")
    fingerprint = value[2:_SINGLE_OBJECT_PREFIX_BYTES].hex()
    if fingerprint not in fingerprints:
        raise FramingError(Reason.UNKNOWN_SCHEMA, f"no schema file has the fingerprint {fingerprint}")
    return Framed(fingerprint, _SINGLE_OBJECT_PREFIX_BYTES, value)


def raw(record: Record) -> Framed:
    """The whole value is the Avro body."""
    return Framed(RAW, 0, non_empty_value(record))


def non_empty_value(record: Record) -> bytes:
    """Raises RecordSkipped for a null value, and FramingError for an empty one."""
    if record.value is None:
        raise RecordSkipped(Reason.TOMBSTONE)
    if not record.value:
        raise FramingError(Reason.EMPTY_VALUE)
    return record.value


def header_content(record: Record, name: str) -> bytes | None:
    """
    The content of the last header with this name, None if there is no such header.

    Serialisers append, so headers before it were copied from another record. The deserialisers of Confluent (Java and
    .NET), Apicurio and Azure read the last one as well (Kafka's Headers.lastHeader). Confluent's client for Python
    reads the first one (schema_registry/serde.py), and so takes a copied header for the record's own.
    """
    return next((content or b"" for header, content in reversed(record.headers) if header == name), None)


def own_framings(fingerprints: Container[SchemaKey]) -> dict[str, Framing]:
    """The framings of this module, by the value of AVRO_FRAMING."""
    return {
        "confluent": confluent,
        "confluent-header": confluent_header,
        "single-object": partial(single_object, fingerprints),
        "raw": raw,
    }


@lru_cache(maxsize=1000)
def _parse_header(content: bytes) -> SchemaKey:
    if content[:1] == b"\0" and len(content) == _ID_BYTES:
        return int.from_bytes(content[1:], "big")
    if content[:1] == b"\1" and len(content) == _GUID_BYTES:
        return UUID(bytes=content[1:])
    raise FramingError(Reason.NOT_FRAMED, f"expected {HEADER} to hold a schema id or a GUID")
