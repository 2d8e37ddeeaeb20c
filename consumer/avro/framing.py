"""How a Kafka record says which schema wrote its value."""

from collections import Counter
from collections.abc import Callable, Container, Hashable, Mapping
from functools import lru_cache, partial
from uuid import UUID

from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message

SchemaKey = Hashable
"""A registry's id (int) or GUID (UUID), a fingerprint in hex (str), or RAW."""

Framing = Callable[[Message], tuple[SchemaKey, int]]
"""
The key of the writer's schema, and where in the value the Avro body begins.

Raises SkipRecord `tombstone` for a null value, UnprocessableRecord `empty_value`, `not_framed` or `unknown_schema`.
"""

RAW = "raw"
"""The key of the one schema that all `raw` values are written with."""

HEADER = "__value_schema_id"
"""Where Confluent's serialisers write a value's schema id (confluent-kafka, schema_registry/__init__.py)."""

_MARKER = b"\xc3\x01"
_HEAD, _SINGLE_HEAD = 5, 10


def confluent(message: Message) -> tuple[SchemaKey, int]:
    """
    Confluent's wire format: a zero byte, the schema's id in four bytes (big endian), the body.

    Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    value = _value(message)
    if value[0] != 0 or len(value) < _HEAD:
        raise UnprocessableRecord("not_framed", "expected a zero byte and four bytes of schema id")
    return int.from_bytes(value[1:_HEAD], "big"), _HEAD


def confluent_header(message: Message) -> tuple[SchemaKey, int]:
    """
    Confluent's newer way: the value is all body, and a header says what a prefix would have said.

    The header holds a one byte and the 16 bytes of a GUID, or a zero byte and four bytes of schema id.
    Source: confluent-kafka-python, schema_registry/common/serde.py, SchemaId.
    """
    _value(message)
    told = _header(message)
    if told is None:
        raise UnprocessableRecord("not_framed", f"expected a header {HEADER}")
    return _told(told), 0


def single_object(known: Container[SchemaKey], message: Message) -> tuple[SchemaKey, int]:
    """
    Avro's own format: C3 01, the schema's CRC-64-AVRO fingerprint in eight bytes (little endian), the body.

    `known`: the fingerprints that a schema is there for; files do not change while the service runs.
    Source: Avro specification, "Single-object encoding".
    """
    value = _value(message)
    if not value.startswith(_MARKER) or len(value) < _SINGLE_HEAD:
        raise UnprocessableRecord("not_framed", "expected the bytes C3 01 and eight bytes of fingerprint")
    fingerprint = value[2:_SINGLE_HEAD].hex()
    if fingerprint not in known:
        raise UnprocessableRecord("unknown_schema", f"no schema file has the fingerprint {fingerprint}")
    return fingerprint, _SINGLE_HEAD


def raw(message: Message) -> tuple[SchemaKey, int]:
    """Nothing but the Avro body."""
    _value(message)
    return RAW, 0


class Auto:
    """
    Tells all but `raw` apart: by the header if there is one, else by the value's first bytes, which cannot be both.

    `seen` counts looks at records by framing. A record that has to wait is looked at again.
    """

    def __init__(self, framings: Mapping[str, Framing], seen: Counter[str]) -> None:
        self._framings, self._seen = framings, seen

    def __call__(self, message: Message) -> tuple[SchemaKey, int]:
        name = self._name(message)
        framed = self._framings[name](message)
        self._seen[name] += 1
        return framed

    @staticmethod
    def _name(message: Message) -> str:
        if message.headers and _header(message) is not None:
            return "confluent-header"
        return "single-object" if (message.value or b"").startswith(_MARKER) else "confluent"


def framing(name: str, fingerprints: Container[SchemaKey], seen: Counter[str]) -> Framing:
    """
    The framing that AVRO_FRAMING names.

    `fingerprints`: those of the schemas in files, in hex. `seen`: where `auto` counts what it saw.
    """
    framings: dict[str, Framing] = {
        "confluent": confluent,
        "confluent-header": confluent_header,
        "single-object": partial(single_object, fingerprints),
    }
    framings |= {"auto": Auto(dict(framings), seen), "raw": raw}
    return framings[name]


def _value(message: Message) -> bytes:
    if message.value is None:
        raise SkipRecord("tombstone")
    if not message.value:
        raise UnprocessableRecord("empty_value")
    return message.value


def _header(message: Message) -> bytes | None:
    """The first of this name, as Confluent's own deserialiser takes it; None where there is none."""
    return next((value or b"" for name, value in message.headers if name == HEADER), None)


@lru_cache(maxsize=1000)
def _told(header: bytes) -> SchemaKey:
    if header[:1] == b"\0" and len(header) == _HEAD:
        return int.from_bytes(header[1:], "big")
    if header[:1] == b"\1" and len(header) == 17:
        return UUID(bytes=header[1:])
    raise UnprocessableRecord("not_framed", f"expected {HEADER} to hold a schema id or a GUID")
