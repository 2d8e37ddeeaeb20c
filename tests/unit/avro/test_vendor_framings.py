"""The framings of AWS Glue, Apicurio and Azure, and what `auto` makes of records of several registries."""

import struct
import tracemalloc
import zlib
from collections.abc import Sequence
from uuid import UUID

import pytest

from consumer.avro.auto_framing import AutoFraming, framing
from consumer.avro.framing import HEADER, Framed
from consumer.avro.registry_types import REGISTRIES
from consumer.avro.schema_keys import ApicurioId, AzureSchemaId, GlueVersion, SchemaKey
from consumer.avro.vendor_framings import CONTENT_ID, ENCODING, GLOBAL_ID, MAX_BODY_BYTES
from consumer.errors import FramingError
from consumer.model import Headers, Record

BODY = b"\x02body"
UUID_4 = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")
AZURE = "c4bb4a7df0ba4f2ea1c6b4ab12dd1d4c"
FINGERPRINT = "63dd24e7cc258f8a"
SINGLE = b"\xc3\x01" + bytes.fromhex(FINGERPRINT) + BODY
GLUE = b"\3\0" + UUID_4.bytes + BODY
FOUR, EIGHT = b"\0" + struct.pack(">I", 7) + BODY, b"\0" + struct.pack(">q", 7) + BODY
PREAMBLE = bytes(4) + AZURE.encode() + BODY


def record(value: bytes | None, headers: Headers = ()) -> Record:
    return Record(0, 1, 2, None, value, headers)


def frame(name: str, value: bytes | None, headers: Headers = (), registry: str = "confluent") -> Framed:
    return framing(name, {FINGERPRINT}, registry, "contentId")(record(value, headers))


def rejection(name: str, value: bytes, headers: Headers = (), registry: str = "confluent") -> FramingError:
    with pytest.raises(FramingError) as caught:
        frame(name, value, headers, registry)
    return caught.value


def long(number: int) -> bytes:
    return struct.pack(">q", number)


def test_glue_names_a_schema_version_and_may_compress_the_body() -> None:
    assert frame("glue", GLUE) == (GlueVersion(UUID_4), 18, GLUE)
    assert frame("glue", b"\3\5" + UUID_4.bytes + zlib.compress(BODY)) == (GlueVersion(UUID_4), 0, BODY)


def test_a_compressed_body_is_bounded() -> None:
    largest = frame("glue", b"\3\5" + UUID_4.bytes + zlib.compress(bytes(MAX_BODY_BYTES)))
    assert len(largest.value) == MAX_BODY_BYTES
    bomb = zlib.compress(bytes(8 * MAX_BODY_BYTES))
    tracemalloc.start()
    assert rejection("glue", b"\3\5" + UUID_4.bytes + bomb).reason == "value_too_large"
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 4 * MAX_BODY_BYTES
    assert rejection("glue", b"\3\5" + UUID_4.bytes + zlib.compress(bytes(MAX_BODY_BYTES + 1))).reason == (
        "value_too_large"
    )


@pytest.mark.parametrize(
    ("compressed", "reason"),
    [
        (b"", "undecodable"),
        (b"nonsense", "undecodable"),
        (zlib.compress(BODY)[:-1], "undecodable"),
        (zlib.compress(BODY) + b"x", "trailing_bytes"),
    ],
)
def test_a_damaged_compressed_body_is_rejected(compressed: bytes, reason: str) -> None:
    assert rejection("glue", b"\3\5" + UUID_4.bytes + compressed).reason == reason


def test_apicurio_has_ids_of_four_and_of_eight_bytes() -> None:
    assert frame("apicurio", FOUR) == (ApicurioId("contentId", 7), 5, FOUR)
    assert frame("apicurio", EIGHT) == (ApicurioId("contentId", 7), 9, EIGHT)
    assert frame("apicurio", b"\0" + long(2**32 - 1) + BODY).key == ApicurioId("contentId", 2**32 - 1)
    assert frame("apicurio", b"\0\0\0\0\1" + BODY).key == ApicurioId("contentId", 1)


@pytest.mark.parametrize("kind", ["globalId", "contentId"])
@pytest.mark.parametrize("value", [FOUR, EIGHT])
def test_the_kind_of_apicurio_s_ids_is_set_and_never_guessed_by_their_length(kind: str, value: bytes) -> None:
    for name in ("apicurio", "auto"):
        assert framing(name, (), "apicurio", kind)(record(value)).key == ApicurioId(kind, 7)
        with pytest.raises(AssertionError):
            framing(name, (), "apicurio")


def test_apicurio_s_ids_can_be_in_headers_and_the_last_one_counts() -> None:
    """A serialiser writes one kind of id, behind the headers that were copied from another record."""
    both: Headers = [(GLOBAL_ID, long(3)), (CONTENT_ID, long(9)), (ENCODING, b"BINARY")]
    assert frame("apicurio-header", FOUR, both) == (ApicurioId("contentId", 9), 0, FOUR)
    assert frame("apicurio-header", FOUR, both[:1]) == (ApicurioId("globalId", 3), 0, FOUR)
    assert frame("apicurio-header", FOUR, both[::-1]) == (ApicurioId("globalId", 3), 0, FOUR)


@pytest.mark.parametrize(("name", "kind"), [(GLOBAL_ID, "globalId"), (CONTENT_ID, "contentId")])
def test_of_two_headers_of_apicurio_with_one_name_the_last_one_counts(name: str, kind: str) -> None:
    twice: Headers = [(name, long(3)), (name, long(9)), (ENCODING, b"JSON"), (ENCODING, b"BINARY")]
    assert frame("apicurio-header", BODY, twice).key == ApicurioId(kind, 9)
    assert rejection("apicurio-header", BODY, [*twice, (name, None)]).reason == "not_framed"


def test_of_two_headers_of_azure_the_last_one_counts() -> None:
    """AMQP writes the name in another case."""
    other = "0" * 32
    twice: Headers = [
        ("content-type", f"avro/binary+{other}".encode()),
        ("Content-Type", f"avro/binary+{AZURE}".encode()),
    ]
    assert frame("azure", BODY, twice).key == AzureSchemaId(AZURE)
    assert frame("azure", BODY, twice[::-1]).key == AzureSchemaId(other)
    assert frame("auto", BODY, twice, "azure").key == AzureSchemaId(AZURE)


@pytest.mark.parametrize("copied", [(HEADER, b"\0\0\0\0\3"), (CONTENT_ID, long(9)), ("content-type", b"avro/binary+x")])
def test_a_copied_header_does_not_hide_a_value_of_glue(copied: tuple[str, bytes]) -> None:
    assert frame("auto", GLUE, [copied], "glue") == (GlueVersion(UUID_4), 18, GLUE)
    assert rejection("auto", GLUE, [copied], "azure").reason == "not_framed"
    no_uuid_4 = GLUE[:8] + b"\0" + GLUE[9:]
    assert rejection("auto", no_uuid_4, [copied], "glue").reason == "not_framed"


def test_unreadable_headers_do_not_hide_a_value_of_glue() -> None:
    auto = framing("auto", (), "glue")
    assert auto(record(GLUE)._replace(headers_unreadable=True)).key == GlueVersion(UUID_4)


def test_azure_s_id_is_in_a_header_or_in_an_older_preamble() -> None:
    assert frame("azure", BODY, [("content-type", f"avro/binary+{AZURE}".encode())]) == (AzureSchemaId(AZURE), 0, BODY)
    over_amqp: Headers = [("Content-Type", f"Avro/Binary+{AZURE}".encode())]
    assert frame("azure", BODY, over_amqp) == (AzureSchemaId(AZURE), 0, BODY)
    assert frame("azure", PREAMBLE) == (AzureSchemaId(AZURE), 36, PREAMBLE)


NOT_FRAMED: Sequence[tuple[str, bytes, Headers]] = [
    ("glue", GLUE[:17], ()),
    ("glue", b"\3\1" + GLUE[2:], ()),
    ("glue", FOUR, ()),
    ("apicurio", GLUE, ()),
    ("apicurio", bytes(20), ()),
    ("apicurio", EIGHT[:8], ()),
    ("apicurio", FOUR[:4], ()),
    ("apicurio-header", FOUR, ()),
    ("apicurio-header", FOUR, [(CONTENT_ID, b"\0\0\0\7")]),
    ("apicurio-header", FOUR, [(CONTENT_ID, bytes(8))]),
    ("apicurio-header", FOUR, [(GLOBAL_ID, None)]),
    ("apicurio-header", FOUR, [("apicurio.value.groupId", b"default"), ("apicurio.value.artifactId", b"answers")]),
    ("apicurio-header", FOUR, [(CONTENT_ID, long(9)), (ENCODING, b"JSON")]),
    ("azure", BODY, ()),
    ("azure", PREAMBLE[:35], ()),
    ("azure", BODY, [("content-type", b"avro/binary+short")]),
    ("azure", BODY, [("content-type", b"application/json")]),
    ("confluent", EIGHT, ()),
]


@pytest.mark.parametrize(("name", "value", "headers"), NOT_FRAMED)
def test_a_value_without_the_framing_is_not_framed(name: str, value: bytes, headers: Headers) -> None:
    assert rejection(name, value, headers).reason == "not_framed"


def test_an_encoding_that_is_not_avro_s_binary_one_names_the_producers_setting() -> None:
    error = rejection("apicurio-header", BODY, [(CONTENT_ID, long(9)), (ENCODING, b"JSON")])
    assert "set apicurio.registry.serde.avro.encoding=BINARY" in error.detail


AUTO: Sequence[tuple[str, str, bytes, Headers, SchemaKey]] = [
    ("confluent", "confluent", FOUR, (), 7),
    ("confluent", "confluent-header", FOUR, [(HEADER, b"\1" + UUID_4.bytes)], UUID_4),
    ("apicurio", "apicurio", FOUR, (), ApicurioId("contentId", 7)),
    ("apicurio", "apicurio", EIGHT, (), ApicurioId("contentId", 7)),
    ("apicurio", "apicurio-header", FOUR, [(CONTENT_ID, long(9))], ApicurioId("contentId", 9)),
    ("glue", "glue", GLUE, (), GlueVersion(UUID_4)),
    ("azure", "azure", PREAMBLE, (), AzureSchemaId(AZURE)),
    ("azure", "azure", FOUR, [("content-type", f"avro/binary+{AZURE}".encode())], AzureSchemaId(AZURE)),
    *((registry, "single-object", SINGLE, (), FINGERPRINT) for registry in REGISTRIES),
]


@pytest.mark.parametrize(("registry", "name", "value", "headers", "key"), AUTO)
def test_auto_tells_the_framings_of_the_registry_apart(
    registry: str, name: str, value: bytes, headers: Headers, key: SchemaKey
) -> None:
    auto = framing("auto", {FINGERPRINT}, registry, "contentId")
    assert isinstance(auto, AutoFraming)
    assert auto(record(value, headers)).key == key
    assert auto.counts == {name: 1}


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.parametrize(("other", "name", "value", "headers", "_"), AUTO)
def test_auto_asks_no_registry_for_the_schema_of_another_one(
    registry: str, other: str, name: str, value: bytes, headers: Headers, _: SchemaKey
) -> None:
    """A zero byte and an id are the exception: only SCHEMA_REGISTRY_TYPE says whose they are."""
    is_shared = value == FOUR and not headers and registry in ("confluent", "apicurio")
    if other == registry or name == "single-object" or is_shared:
        return
    if value == PREAMBLE and registry in ("confluent", "apicurio"):
        return  # the bytes of an id from 48 to 102, and of hex digits behind it
    assert rejection("auto", value, headers, registry).reason == "not_framed"


def test_of_headers_of_two_registries_the_one_of_the_configured_registry_counts() -> None:
    both: Headers = [(HEADER, b"\0\0\0\0\3"), (CONTENT_ID, long(9))]
    assert frame("auto", BODY, both, "confluent").key == 3
    assert frame("auto", BODY, both, "apicurio").key == ApicurioId("contentId", 9)


def test_a_header_with_the_encoding_names_no_schema() -> None:
    assert frame("auto", EIGHT, [(ENCODING, b"BINARY")], "apicurio").key == ApicurioId("contentId", 7)
    by_artifact: Headers = [("apicurio.value.artifactId", b"answers")]
    assert rejection("auto", EIGHT, by_artifact, "apicurio").detail.startswith("expected a header apicurio.value.")


def test_keys_of_different_kinds_are_never_equal() -> None:
    keys = {7, UUID_4, AZURE, ApicurioId("globalId", 7), ApicurioId("contentId", 7), GlueVersion(UUID_4)}
    assert len(keys | {AzureSchemaId(AZURE)}) == 7
