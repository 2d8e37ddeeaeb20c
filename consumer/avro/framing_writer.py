"""Puts a framing around Avro bytes, for records that the project produces itself."""

from collections.abc import Callable
from typing import NamedTuple

from consumer.avro.decoder import fingerprint
from consumer.avro.framing import HEADER
from consumer.avro.schema import WriterSchema
from consumer.errors import SettingsError

RegisteredId = Callable[[], int]
"""The id of the schema in the registry, in which it is registered first."""

_WRITTEN = ("confluent", "confluent-header", "single-object", "auto", "raw")


class FramingWriter(NamedTuple):
    """The bytes before each Avro body, and the headers of each record."""

    prefix: bytes
    headers: tuple[tuple[str, bytes], ...] = ()

    def value(self, body: bytes | None) -> bytes | None:
        """The value of a record. A null value and an empty value stay as they are, because they have no schema."""
        return self.prefix + body if body else body


def framing_writer(name: str, schema: WriterSchema, registered_id: RegisteredId) -> FramingWriter:
    """
    How AVRO_FRAMING frames the values of this schema; `auto` takes `confluent`. The formats: `consumer.avro.framing`.

    Raises SettingsError for a framing that is only read.
    """
    match name:
        case "raw":
            return FramingWriter(b"")
        case "single-object":
            return FramingWriter(b"\xc3\x01" + bytes.fromhex(fingerprint(schema)))
        case "confluent" | "auto":
            return FramingWriter(_id_bytes(registered_id()))
        case "confluent-header":
            return FramingWriter(b"", ((HEADER, _id_bytes(registered_id())),))
    raise SettingsError(f"AVRO_FRAMING: samples can be written as {', '.join(_WRITTEN)}, not as {name}")


def _id_bytes(schema_id: int) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big")
