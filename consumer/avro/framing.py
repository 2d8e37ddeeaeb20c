"""The framings: how a Kafka record names the schema that its value was written with."""

from collections import Counter
from collections.abc import Callable, Container, Hashable, Mapping
from functools import lru_cache, partial
from uuid import UUID

from consumer.errors import FramingError, RecordSkipped
from consumer.model import Record
from consumer.reasons import Reason

SchemaKey = Hashable
"""A registry's id (int) or GUID (UUID), a fingerprint in hex (str), or RAW."""

Framing = Callable[[Record], tuple[SchemaKey, int]]
"""
The key of the writer's schema, and the index in the value at which the Avro body begins.

Raises RecordSkipped `tombstone` for a null value, and FramingError `empty_value`, `not_framed` or `unknown_schema`.
"""

RAW = "raw"
"""The key of the one schema that all `raw` values are written with."""

HEADER = "__value_schema_id"
"""Confluent's serialisers write a value's schema id in this header (confluent-kafka, schema_registry/__init__.py)."""

_ID_BYTES, _GUID_BYTES = 5, 17
"""Lengths of a schema id and of a GUID, each with the byte before it that names its kind."""
_MARKER = b"\xc3\x01"
_SINGLE_OBJECT_PREFIX_BYTES = 10


def confluent(record: Record) -> tuple[SchemaKey, int]:
    """
    Confluent's wire format: a zero byte, the schema's id in four bytes (big endian), the body.

    Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    value = _non_empty_value(record)
    if value[0] != 0 or len(value) < _ID_BYTES:
        raise FramingError(Reason.NOT_FRAMED, "expected a zero byte and four bytes of schema id")
    return int.from_bytes(value[1:_ID_BYTES], "big"), _ID_BYTES


def confluent_header(record: Record) -> tuple[SchemaKey, int]:
    """
    Confluent's newer format: the whole value is the body, and a header names the schema.

    The header holds a one byte and the 16 bytes of a GUID, or a zero byte and four bytes of schema id.
    Source: confluent-kafka-python, schema_registry/common/serde.py, SchemaId.
    """
    _non_empty_value(record)
    content = _header_content(record)
    if content is None:
        raise FramingError(Reason.NOT_FRAMED, f"expected a header {HEADER}")
    return _parse_header(content), 0


def single_object(fingerprints: Container[SchemaKey], record: Record) -> tuple[SchemaKey, int]:
    """
    Avro's own format: C3 01, the schema's CRC-64-AVRO fingerprint in eight bytes (little endian), the body.

    `fingerprints`: those of the schema files, in hex. The files do not change while the service runs.
    Source: Avro specification, "Single-object encoding".
    """
    value = _non_empty_value(record)
    if not value.startswith(_MARKER) or len(value) < _SINGLE_OBJECT_PREFIX_BYTES:
        raise FramingError(Reason.NOT_FRAMED, "expected the bytes C3 01 and eight bytes of fingerprint")
    fingerprint = value[2:_SINGLE_OBJECT_PREFIX_BYTES].hex()
    if fingerprint not in fingerprints:
        raise FramingError(Reason.UNKNOWN_SCHEMA, f"no schema file has the fingerprint {fingerprint}")
    return fingerprint, _SINGLE_OBJECT_PREFIX_BYTES


def raw(record: Record) -> tuple[SchemaKey, int]:
    """The whole value is the Avro body."""
    _non_empty_value(record)
    return RAW, 0


class AutoFraming:
    """
    Detects each framing except `raw`: by the header if there is one, else by the value's first bytes.

    The first bytes are unambiguous: a `confluent` value and a `single-object` value begin with different bytes.
    `counts` has the number of detections by framing. A record that waits for its schema is counted at each attempt.
    """

    def __init__(self, framings: Mapping[str, Framing]) -> None:
        self._framings = framings
        self.counts: Counter[str] = Counter()

    def __call__(self, record: Record) -> tuple[SchemaKey, int]:
        name = self.detect(record)
        framed = self._framings[name](record)
        self.counts[name] += 1
        return framed

    @staticmethod
    def detect(record: Record) -> str:
        """The framing that the record is read with. Its value may still not be framed so."""
        if record.headers and _header_content(record) is not None:
            return "confluent-header"
        if record.value is not None and record.value.startswith(_MARKER):
            return "single-object"
        return "confluent"


def framing(name: str, fingerprints: Container[SchemaKey]) -> Framing:
    """
    The framing that AVRO_FRAMING names.

    `fingerprints`: those of the schemas in files, in hex.
    """
    framings: dict[str, Framing] = {
        "confluent": confluent,
        "confluent-header": confluent_header,
        "single-object": partial(single_object, fingerprints),
    }
    framings |= {"auto": AutoFraming(dict(framings)), "raw": raw}
    return framings[name]


def _non_empty_value(record: Record) -> bytes:
    if record.value is None:
        raise RecordSkipped(Reason.TOMBSTONE)
    if not record.value:
        raise FramingError(Reason.EMPTY_VALUE)
    return record.value


def _header_content(record: Record) -> bytes | None:
    """
    The content of the first header with this name, None if there is no such header.

    Confluent's own deserialiser reads the first header too.
    """
    return next((content or b"" for name, content in record.headers if name == HEADER), None)


@lru_cache(maxsize=1000)
def _parse_header(content: bytes) -> SchemaKey:
    if content[:1] == b"\0" and len(content) == _ID_BYTES:
        return int.from_bytes(content[1:], "big")
    if content[:1] == b"\1" and len(content) == _GUID_BYTES:
        return UUID(bytes=content[1:])
    raise FramingError(Reason.NOT_FRAMED, f"expected {HEADER} to hold a schema id or a GUID")
