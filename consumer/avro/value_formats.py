"""The ways in which values are written, recognised by the headers and the first bytes of a record."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from consumer.avro.framing import HEADER
from consumer.avro.vendor_framings import CONTENT_TYPE, is_azure_preamble
from consumer.jsonio import JsonError, loads
from consumer.model import Record

_MAX_JSON_BYTES = 65_536


class ValueFormat(NamedTuple):
    """A way in which values are written. `framing` is the value of AVRO_FRAMING that reads it, "" if there is none."""

    name: str
    framing: str = ""


CONFLUENT = ValueFormat("Confluent's wire format", "confluent")
CONFLUENT_HEADER = ValueFormat(f"Confluent's format with the header {HEADER}", "confluent-header")
SINGLE_OBJECT = ValueFormat("Avro's single-object encoding", "single-object")
GLUE = ValueFormat("AWS Glue's framing", "glue")
APICURIO = ValueFormat("Apicurio's framing with ids of eight bytes", "apicurio")
APICURIO_HEADER = ValueFormat("Apicurio's framing with headers", "apicurio-header")
AZURE = ValueFormat("the framing of Azure's schema registry", "azure")
CLOUDERA = ValueFormat("the framing of Cloudera's schema registry")
CONTAINER = ValueFormat("an Avro container file")
JSON_TEXT = ValueFormat("JSON text")


def recognise(record: Record) -> ValueFormat | None:
    """What the record's headers or the first bytes of its value look like, None if like nothing that is known."""
    value = record.value or b""
    for value_format, is_mark in HEADER_MARKS:
        if any(is_mark(name, content or b"") for name, content in record.headers):
            return value_format
    return next((value_format for value_format, has_mark in VALUE_MARKS if has_mark(value)), None)


def _is_confluent_header(name: str, content: bytes) -> bool:
    """A zero byte and four bytes of id, or a one byte and a GUID: confluent-kafka-python, common/serde.py, SchemaId."""
    return name == HEADER and (len(content), content[:1]) in ((5, b"\0"), (17, b"\1"))


def _is_apicurio_header(name: str, _content: bytes) -> bool:
    """
    `apicurio.value.globalId`, `.contentId` (eight bytes), `.contentHash`, `.groupId`, `.artifactId` or `.encoding`.

    The names can be configured. Source: Apicurio/apicurio-registry, KafkaSerdeHeaders and DefaultHeadersHandler.
    """
    return name.startswith("apicurio.value.")


def _is_azure_header(name: str, content: bytes) -> bool:
    return name.lower() == CONTENT_TYPE and content.lower().startswith(b"avro/binary+")


def _is_cloudera_header(name: str, _content: bytes) -> bool:
    """Source: hortonworks/registry, KafkaAvroSerde."""
    return name == "value.schema.version.id"


def _is_apicurio(value: bytes) -> bool:
    """
    A zero byte and eight bytes of id: Apicurio/apicurio-registry, DefaultIdHandler (version 2, Legacy8ByteIdHandler).

    Its OptimisticFallbackIdHandler tells ids of eight bytes from those of four in the same way: no id is zero, and none
    needs more than four bytes. Three are expected here, because a raw body can begin with zero bytes.
    """
    return value.startswith(bytes(6)) and any(value[6:9]) and len(value) >= 9


def _is_confluent(value: bytes) -> bool:
    """
    A zero byte and four bytes of id, which is counted from one: docs.confluent.io, "Formats, serializers, ...".

    Three bytes are expected here, because a raw body can begin with a zero byte.
    """
    return value.startswith(bytes(2)) and any(value[2:5]) and len(value) >= 5


def _is_glue(value: bytes) -> bool:
    """
    A three byte, a byte of compression (0: none, 5: zlib) and the UUID of the schema's version, which is a random one.

    Source: awslabs/aws-glue-schema-registry, AWSSchemaRegistryConstants.
    """
    if value[:2] not in (b"\3\0", b"\3\5") or len(value) < 18:
        return False
    return not _is_cloudera(value) or UUID(bytes=value[2:18]).version == 4


def _is_cloudera(value: bytes) -> bool:
    """
    A one byte, eight bytes of id and four of version; or a three byte and four bytes of id. Both ids are counted.

    Source: hortonworks/registry, SchemaVersionProtocolHandlerRegistry.
    """
    has_id_and_version = value.startswith(b"\1" + bytes(5)) and any(value[6:9]) and value[9:11] == bytes(2)
    has_id = value.startswith(b"\3" + bytes(2)) and any(value[3:5])
    return has_id or has_id_and_version


def _is_single_object(value: bytes) -> bool:
    """C3 01 and a fingerprint of eight bytes: Avro specification, "Single-object encoding"."""
    return value.startswith(b"\xc3\x01") and len(value) >= 10


def _is_container(value: bytes) -> bool:
    """Source: Avro specification, "Object container files"."""
    return value.startswith(b"Obj\x01")


def _is_json(value: bytes) -> bool:
    """An object or an array: other JSON texts are too short to be told from Avro, and long ones need much memory."""
    text = value.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return len(text) <= _MAX_JSON_BYTES and text.startswith((b"{", b"[")) and loads(text) is not None
    except JsonError:
        return False


# Both in this order, because a record can have several of the marks.
HEADER_MARKS: Sequence[tuple[ValueFormat, Callable[[str, bytes], bool]]] = (
    (CONFLUENT_HEADER, _is_confluent_header),
    (APICURIO_HEADER, _is_apicurio_header),
    (AZURE, _is_azure_header),
    (CLOUDERA, _is_cloudera_header),
)
VALUE_MARKS: Sequence[tuple[ValueFormat, Callable[[bytes], bool]]] = (
    (AZURE, is_azure_preamble),
    (APICURIO, _is_apicurio),
    (CONFLUENT, _is_confluent),
    (GLUE, _is_glue),
    (CLOUDERA, _is_cloudera),
    (SINGLE_OBJECT, _is_single_object),
    (CONTAINER, _is_container),
    (JSON_TEXT, _is_json),
)
