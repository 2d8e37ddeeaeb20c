"""The framings of AWS Glue, Apicurio and Azure."""

import re
import zlib
from uuid import UUID

from consumer.avro.framing import Framed, header_content, non_empty_value
from consumer.avro.schema_keys import ApicurioId, AzureSchemaId, GlueVersion, SchemaKey
from consumer.errors import FramingError
from consumer.model import Record
from consumer.reasons import Reason

MAX_BODY_BYTES = 8 * 2**20
"""Of a body after its decompression: a kilobyte of zlib can become a megabyte."""

GLOBAL_ID, CONTENT_ID = "apicurio.value.globalId", "apicurio.value.contentId"
ENCODING = "apicurio.value.encoding"
CONTENT_TYPE = "content-type"
_ID_KINDS = {GLOBAL_ID: "globalId", CONTENT_ID: "contentId"}
HEX_ID = re.compile(rb"[0-9a-fA-F]{32}")

_GLUE_STARTS = (b"\3\0", b"\3\5")
_GLUE_PREFIX_BYTES = 18
_AZURE_PREFIX = bytes(4)
_AZURE_PREFIX_BYTES = 36
_AZURE_CONTENT = re.compile(rb"avro/binary\+([0-9a-f]{32})", re.IGNORECASE)


def glue(record: Record) -> Framed:
    """
    AWS Glue's format: a three byte, a byte of compression (0: none, 5: zlib), the id of a schema version, the body.

    Source: awslabs/aws-glue-schema-registry, AWSSchemaRegistryConstants and GlueSchemaRegistrySerializationFacade.
    """
    value = non_empty_value(record)
    if value[:2] not in _GLUE_STARTS or len(value) < _GLUE_PREFIX_BYTES:
        raise FramingError(Reason.NOT_FRAMED, "expected a three byte, 0 or 5 for the compression, and a UUID")
    key = GlueVersion(UUID(bytes=value[2:_GLUE_PREFIX_BYTES]))
    if value[1]:
        return Framed(key, 0, _decompressed(value[_GLUE_PREFIX_BYTES:]))
    return Framed(key, _GLUE_PREFIX_BYTES, value)


def apicurio(id_kind: str, record: Record) -> Framed:
    """
    Apicurio's formats: a zero byte, an id in four or eight bytes (big endian), the body.

    Ids are counted from one, and none needs more than four bytes. So an id whose first four bytes are zero has eight
    bytes: Apicurio's OptimisticFallbackIdHandler tells the two apart in the same way. The length does not tell a global
    id from a content id, because the handler of ids and the kind of ids are separate options of the producers.
    `id_kind` is therefore a setting, `contentId` or `globalId`, as it is for Apicurio's own deserialisers.
    Source: Apicurio/apicurio-registry, Default4ByteIdHandler, Legacy8ByteIdHandler; version 2, DefaultIdHandler.
    """
    value = non_empty_value(record)
    if value[0] != 0 or len(value) < 5 or not any(value[1:9]):
        raise FramingError(Reason.NOT_FRAMED, "expected a zero byte and four or eight bytes of Apicurio's id")
    if any(value[1:5]):
        return Framed(ApicurioId(id_kind, int.from_bytes(value[1:5], "big")), 5, value)
    if len(value) < 9:
        raise FramingError(Reason.NOT_FRAMED, "expected a zero byte and four or eight bytes of Apicurio's id")
    return Framed(ApicurioId(id_kind, int.from_bytes(value[1:9], "big")), 9, value)


def apicurio_header(record: Record) -> Framed:
    """
    Apicurio's format with headers: the whole value is the body, and a header has eight bytes of id.

    Of several headers with an id the last one counts. No serialiser writes both kinds, so the others were copied.
    Source: Apicurio/apicurio-registry, KafkaSerdeHeaders, DefaultHeadersHandler and AvroSerdeHeaders.
    """
    value = non_empty_value(record)
    encoding = header_content(record, ENCODING) or b"BINARY"
    if encoding != b"BINARY":
        raise FramingError(
            Reason.NOT_FRAMED,
            f"{ENCODING} is not BINARY: set apicurio.registry.serde.avro.encoding=BINARY for the producers",
        )
    return Framed(_apicurio_key(record), 0, value)


def azure(record: Record) -> Framed:
    """
    Azure's format: the header `content-type` is `avro/binary+` and the schema's id, and the whole value is the body.

    Older serialisers write four zero bytes and the id, 32 hex digits, before the body. Source: Azure's
    azure-schema-registry-for-kafka, KafkaAvroSerializer; azure-sdk-for-java, the betas of SchemaRegistryAvroSerializer.
    """
    value = non_empty_value(record)
    content_type = azure_content_type(record)
    if content_type is not None:
        match = _AZURE_CONTENT.fullmatch(content_type)
        if not match:
            raise FramingError(Reason.NOT_FRAMED, f"expected {CONTENT_TYPE} to be avro/binary+ and 32 hex digits")
        return Framed(AzureSchemaId(match[1].decode()), 0, value)
    if not is_azure_preamble(value):
        raise FramingError(
            Reason.NOT_FRAMED,
            f"expected the header {CONTENT_TYPE} avro/binary+ID, or four zero bytes and 32 hex digits",
        )
    return Framed(AzureSchemaId(value[4:_AZURE_PREFIX_BYTES].decode()), _AZURE_PREFIX_BYTES, value)


def azure_content_type(record: Record) -> bytes | None:
    """The last header that names a schema of Azure; AMQP writes the name in another case. None if there is none."""
    contents = (content or b"" for name, content in reversed(record.headers) if name.lower() == CONTENT_TYPE)
    return next((content for content in contents if content.lower().startswith(b"avro/binary+")), None)


def is_azure_preamble(value: bytes) -> bool:
    """Four zero bytes and an id. Confluent's can be the same bytes: an id from 48 to 102, and hex digits behind it."""
    return value.startswith(_AZURE_PREFIX) and HEX_ID.match(value, 4) is not None


def is_glue_prefix(value: bytes) -> bool:
    """The first bytes of Glue's format, with the UUID of version 4 that Glue gives each schema version."""
    if value[:2] not in _GLUE_STARTS or len(value) < _GLUE_PREFIX_BYTES:
        return False
    return UUID(bytes=value[2:_GLUE_PREFIX_BYTES]).version == 4


def _apicurio_key(record: Record) -> SchemaKey:
    for name, content in reversed(record.headers):
        if name not in _ID_KINDS:
            continue
        if not content or len(content) != 8 or not any(content):
            raise FramingError(Reason.NOT_FRAMED, f"expected {name} to hold eight bytes of id")
        return ApicurioId(_ID_KINDS[name], int.from_bytes(content, "big"))
    raise FramingError(
        Reason.NOT_FRAMED,
        f"expected a header {CONTENT_ID} or {GLOBAL_ID}: set apicurio.registry.use-id=contentId for the producers",
    )


def _decompressed(compressed: bytes) -> bytes:
    """Raises FramingError if this is not exactly one zlib stream, or if its content is too large."""
    decompressor = zlib.decompressobj()
    try:
        body = decompressor.decompress(compressed, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise FramingError(Reason.UNDECODABLE, "the compressed body is not zlib") from None
    if len(body) > MAX_BODY_BYTES:
        raise FramingError(Reason.VALUE_TOO_LARGE, f"the compressed body has more than {MAX_BODY_BYTES} bytes")
    if not decompressor.eof:
        raise FramingError(Reason.UNDECODABLE, "the compressed body is cut off")
    if decompressor.unused_data:
        raise FramingError(Reason.TRAILING_BYTES, "bytes are left behind the compressed body")
    return body
