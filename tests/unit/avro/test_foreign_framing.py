"""A rejected value in another framing is recognised, and its reason says what to set; a framed value never is."""

import re
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.auto_framing import AutoFraming, framing
from consumer.avro.decoder import encode, load_schema
from consumer.avro.foreign_framing import FramingHints
from consumer.avro.framing import HEADER
from consumer.avro.registry_types import REGISTRY_OF
from consumer.avro.value_formats import HEADER_MARKS, VALUE_MARKS, recognise
from consumer.errors import FramingError
from consumer.model import Record
from consumer.reasons import REJECTED
from consumer.settings import Settings
from tests.avro_values import record as avro_record
from tests.pages import ROOT

BODY = encode(load_schema("test", avro_record("Answer", userId="string", score="int")), {"userId": "u-1", "score": 9})
GLUE_ID = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")  # of the tests of aws-glue-schema-registry
TEXT = load_schema("test", "string")
AZURE_ID = b"c4bb4a7df0ba4f2ea1c6b4ab12dd1d4c"
FINGERPRINT = "63dd24e7cc258f8a"
FRAMINGS = get_args(Settings.model_fields["avro_framing"].annotation)


class Value(NamedTuple):
    """A value as a serialiser writes it, and its headers."""

    value: bytes
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def record(self) -> Record:
        return Record(0, 1, 2, None, self.value, self.headers)


CONFLUENT = Value(b"\0" + struct.pack(">I", 7) + BODY)
HEADER_WITH_ID = Value(BODY, [("trace", b"1"), (HEADER, b"\0\0\0\0\7")])
HEADER_WITH_GUID = Value(BODY, [(HEADER, b"\1" + GLUE_ID.bytes)])
SINGLE_OBJECT = Value(b"\xc3\x01" + bytes.fromhex(FINGERPRINT) + BODY)
GLUE = Value(b"\3\0" + GLUE_ID.bytes + BODY)
CONTAINER = Value(b"Obj\x01\x04\x14avro.codec\x08null")

NOT_NAMED = "which AVRO_FRAMING cannot name"
FOREIGN = {
    "cloudera": (
        Value(b"\3" + struct.pack(">I", 7) + BODY),
        f"the framing of Cloudera's schema registry, {NOT_NAMED}",
    ),
    "cloudera, id and version": (
        Value(b"\1" + struct.pack(">qI", 7, 2) + BODY),
        f"the framing of Cloudera's schema registry, {NOT_NAMED}",
    ),
    "cloudera, a header": (
        Value(BODY, [("value.schema.version.id", b"\3\0\0\0\1")]),
        f"the framing of Cloudera's schema registry, {NOT_NAMED}",
    ),
    "container": (CONTAINER, f"an Avro container file, {NOT_NAMED}"),
    "json object": (Value(b'{"userId": "u-1"}'), "JSON text, and the service reads Avro only"),
    "json array": (Value(b'\n [{"userId": "u-1"}]\n'), "JSON text, and the service reads Avro only"),
    "json with a mark": (Value(b'\xef\xbb\xbf{"userId": "u-1"}'), "JSON text, and the service reads Avro only"),
}
"""Values that no framing can read, with what is said about them."""

VENDORS = {
    "glue": (GLUE, "AWS Glue's framing", "glue"),
    "glue, compressed": (Value(b"\3\5" + GLUE_ID.bytes + b"x\x9c\x03\x00"), "AWS Glue's framing", "glue"),
    "glue, an id that begins with zero": (
        Value(b"\3\0\0\7" + GLUE_ID.bytes[2:] + BODY),
        "AWS Glue's framing",
        "glue",
    ),
    "apicurio 2": (
        Value(b"\0" + struct.pack(">q", 21) + BODY),
        "Apicurio's framing with ids of eight bytes",
        "apicurio",
    ),
    "apicurio, global id": (
        Value(BODY, [("apicurio.value.globalId", struct.pack(">q", 3)), ("apicurio.value.encoding", b"BINARY")]),
        "Apicurio's framing with headers",
        "apicurio-header",
    ),
    "apicurio, content id": (
        Value(BODY, [("apicurio.value.contentId", struct.pack(">q", 3))]),
        "Apicurio's framing with headers",
        "apicurio-header",
    ),
    "apicurio, artifact": (
        Value(BODY, [("apicurio.value.groupId", b"default"), ("apicurio.value.artifactId", b"answers")]),
        "Apicurio's framing with headers",
        "apicurio-header",
    ),
    "apicurio, only the encoding": (
        Value(BODY, [("apicurio.value.encoding", None)]),
        "Apicurio's framing with headers",
        "apicurio-header",
    ),
    "azure": (
        Value(BODY, [("content-type", b"avro/binary+" + AZURE_ID)]),
        "the framing of Azure's schema registry",
        "azure",
    ),
    "azure, over AMQP": (
        Value(BODY, [("Content-Type", b"Avro/Binary+" + AZURE_ID)]),
        "the framing of Azure's schema registry",
        "azure",
    ),
    "azure, with its preamble": (
        Value(bytes(4) + AZURE_ID + BODY),
        "the framing of Azure's schema registry",
        "azure",
    ),
}
"""Values of a registry with an API of its own: what they look like, and the framing that reads them."""


def set_registry(framing_name: str, with_framing: bool = True) -> str:
    """What is said about a value of another type of registry."""
    registry = REGISTRY_OF[framing_name]
    names = ["SCHEMA_REGISTRY_URL", f"SCHEMA_REGISTRY_TYPE={registry}"]
    names += [f"AVRO_FRAMING={framing_name}"] * with_framing
    if framing_name == "apicurio" or (registry == "apicurio" and not with_framing):
        names.append("apicurio.registry.use-id in SCHEMA_REGISTRY_CONFIG")
    return f"set {', '.join(names[:-1])} and {names[-1]}"


ALSO = "or auto if the topic has several framings"
READ_BY = {
    ("confluent", "with"): f"Confluent's wire format: set AVRO_FRAMING=confluent, {ALSO}",
    ("confluent", "raw"): "Confluent's wire format: set SCHEMA_REGISTRY_URL",
    ("confluent", "without"): "Confluent's wire format: set SCHEMA_REGISTRY_URL and AVRO_FRAMING=confluent",
    ("confluent-header", "with"): (
        f"Confluent's format with the header __value_schema_id: set AVRO_FRAMING=confluent-header, {ALSO}"
    ),
    ("confluent-header", "without"): (
        "Confluent's format with the header __value_schema_id: set SCHEMA_REGISTRY_URL and "
        "AVRO_FRAMING=confluent-header"
    ),
    ("single-object", "with"): (
        "Avro's single-object encoding: put its schema into sprig/ of SCHEMAS_DIR, and set AVRO_FRAMING=single-object"
    ),
}
"""What is said about a value of a framing, with and without a registry, or without a registry and with `raw`."""

UNREAD = {
    **dict.fromkeys(("confluent", "apicurio", "glue", "azure", "auto"), ("not_framed", "unknown_schema")),
    "apicurio-header": ("not_framed",),
    "confluent-header": ("not_framed",),
    "single-object": ("not_framed",),
    "raw": ("undecodable", "trailing_bytes"),
}
"""The reasons by which a value of another framing is rejected."""


def hints(configured: str, value: Value, has_registry: bool = True, registry: str = "") -> set[str]:
    """By default for the type of registry that the framing needs."""
    framing_hints = FramingHints(configured, has_registry, registry or REGISTRY_OF.get(configured, "confluent"))
    return {framing_hints.hint(value.record, reason) for reason in UNREAD[configured]}


@pytest.mark.parametrize("configured", FRAMINGS)
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_framing_that_cannot_be_configured_is_named(kind: str, configured: str) -> None:
    value, text = FOREIGN[kind]
    assert hints(configured, value) == {f"the value looks like {text}"}
    assert hints(configured, value, has_registry=False) == {f"the value looks like {text}"}


@pytest.mark.parametrize("configured", FRAMINGS)
@pytest.mark.parametrize("kind", VENDORS)
def test_a_framing_of_another_registry_is_named_with_all_its_settings(kind: str, configured: str) -> None:
    value, name, reads = VENDORS[kind]
    if configured == reads:
        assert hints(configured, value) == {""}
    elif REGISTRY_OF.get(configured) == REGISTRY_OF[reads]:
        assert hints(configured, value) == {f"the value looks like {name}: set AVRO_FRAMING={reads}, {ALSO}"}
    else:
        text = f"the value looks like {name}: {set_registry(reads, configured != 'auto')}"
        assert hints(configured, value) == {text}


@pytest.mark.parametrize("kind", VENDORS)
def test_auto_reads_each_framing_of_its_registry(kind: str) -> None:
    value, _, reads = VENDORS[kind]
    assert hints("auto", value, registry=REGISTRY_OF[reads]) == {""}


@pytest.mark.parametrize("configured", ["apicurio", "auto"])
def test_ids_of_four_bytes_are_apicurio_s_where_its_registry_is_set(configured: str) -> None:
    assert hints(configured, CONFLUENT, registry="apicurio") == {""}


@pytest.mark.parametrize(
    ("configured", "value", "has_registry", "text"),
    [
        ("confluent", CONFLUENT, True, None),
        ("confluent", HEADER_WITH_ID, True, READ_BY["confluent-header", "with"]),
        ("confluent", HEADER_WITH_GUID, True, READ_BY["confluent-header", "with"]),
        ("confluent", SINGLE_OBJECT, True, READ_BY["single-object", "with"]),
        ("confluent-header", CONFLUENT, True, READ_BY["confluent", "with"]),
        ("confluent-header", HEADER_WITH_GUID, True, None),
        ("confluent-header", SINGLE_OBJECT, True, READ_BY["single-object", "with"]),
        ("single-object", CONFLUENT, True, READ_BY["confluent", "with"]),
        ("single-object", CONFLUENT, False, READ_BY["confluent", "without"]),
        ("single-object", HEADER_WITH_ID, False, READ_BY["confluent-header", "without"]),
        ("single-object", SINGLE_OBJECT, False, None),
        ("auto", CONFLUENT, True, None),
        ("auto", HEADER_WITH_ID, True, None),
        ("auto", HEADER_WITH_GUID, True, None),
        ("auto", SINGLE_OBJECT, True, None),
        ("raw", CONFLUENT, False, READ_BY["confluent", "raw"]),
        ("raw", CONFLUENT, True, READ_BY["confluent", "with"]),
        ("raw", HEADER_WITH_ID, False, READ_BY["confluent-header", "without"]),
        ("raw", HEADER_WITH_GUID, True, READ_BY["confluent-header", "with"]),
        ("raw", SINGLE_OBJECT, False, READ_BY["single-object", "with"]),
    ],
)
def test_a_framing_that_can_be_configured_is_named_with_the_setting(
    configured: str, value: Value, has_registry: bool, text: str | None
) -> None:
    expected = f"the value looks like {text}" if text else ""
    assert hints(configured, value, has_registry) == {expected}


@pytest.mark.parametrize("configured", FRAMINGS)
@pytest.mark.parametrize("value", [CONFLUENT, HEADER_WITH_GUID, SINGLE_OBJECT, GLUE, CONTAINER], ids=lambda value: "")
def test_other_reasons_get_no_hint(configured: str, value: Value) -> None:
    """The schema that the value names is known then, so the value is framed as configured."""
    others = set(REJECTED) - set(UNREAD[configured])
    assert {FramingHints(configured, True).hint(value.record, reason) for reason in others} == {""}


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\0",
        bytes(30),
        b"\0\0\0\7",  # no body and no whole id
        b"\0\x48Cats and dogs, said the user",  # a raw body: null, and a text of 36 bytes
        b"\3\0" + GLUE_ID.bytes[:15],
        b"\3\4" + GLUE_ID.bytes,
        b"\xc3\x01short",
        b"Obj\x02",
        b"{not JSON}",
        b"{" * 5000,
        b"[" + b"{}," * 100_000 + b"{}]",  # parsing it could need more memory than there is
        b"\x06u-1\x12",
    ],
)
def test_a_value_like_nothing_is_not_named(value: bytes) -> None:
    assert recognise(Value(value).record) is None


@pytest.mark.parametrize("content", [None, b"", b"\0\0\0\7", b"\1" + GLUE_ID.bytes[:15], b"\2\0\0\0\7"])
def test_a_header_with_other_content_is_not_confluents(content: bytes | None) -> None:
    assert recognise(Value(BODY, [(HEADER, content), ("content-type", content)]).record) is None


MARKS = st.sampled_from(
    [b"\0", b"\3", b"\5", b"\1", b"\xc3\x01", b"Obj\x01", b"{", b"[", b'"', b"}", bytes(4), AZURE_ID, GLUE_ID.bytes]
)
VALUES = st.lists(st.one_of(MARKS, st.binary(max_size=6)), max_size=6).map(b"".join)
NAMES = st.one_of(
    st.text(max_size=8),
    st.sampled_from([HEADER, "apicurio.value.globalId", "Content-Type", "value.schema.version.id"]),
)
HEADERS = st.lists(st.tuples(NAMES, st.none() | VALUES), max_size=3)


@given(st.none() | VALUES, HEADERS, st.sampled_from(FRAMINGS), st.booleans(), st.sampled_from(REJECTED))
def test_any_bytes_and_headers_get_a_hint_without_a_part_of_them_or_none(
    value: bytes | None, headers: list[tuple[str, bytes | None]], configured: str, has_registry: bool, reason: str
) -> None:
    configured_hints = FramingHints(configured, has_registry, "confluent")
    hint = configured_hints.hint(Record(0, 1, 2, None, value, headers), reason)
    texts = {text for _, text in FOREIGN.values()} | set(READ_BY.values())
    for _, name, reads in VENDORS.values():
        texts |= {f"{name}: {set_registry(reads, with_framing)}" for with_framing in (True, False)}
    assert hint in {"", *(f"the value looks like {text}" for text in texts)}


def encode_text(text: str) -> bytes:
    return encode(TEXT, text)


BODIES = st.one_of(VALUES, st.builds(lambda text, rest: encode_text(text) + rest, st.text(), VALUES))
PREFIXES = st.integers(1, 2**32 - 1).map(lambda number: struct.pack(">bI", 0, number))
OTHER_HEADERS = HEADERS.filter(lambda headers: HEADER not in dict(headers))


@st.composite
def prefixed(draw: st.DrawFn) -> Value:
    return Value(draw(PREFIXES) + draw(BODIES))


@st.composite
def with_header(draw: st.DrawFn) -> Value:
    content = draw(st.one_of(PREFIXES, st.just(b"\1" + GLUE_ID.bytes)))
    return Value(b"\2" + draw(BODIES), [*draw(HEADERS), (HEADER, content), *draw(OTHER_HEADERS)])


@st.composite
def single_object(draw: st.DrawFn) -> Value:
    return Value(SINGLE_OBJECT.value[:10] + draw(BODIES))


def has_vendor_header(value: Value) -> bool:
    """With `auto` a record of two registries is refused, because its id could be of either."""
    names = {name.lower() for name, _ in value.headers}
    return HEADER not in dict(value.headers) and bool(names & {"apicurio.value.globalid", "content-type"})


FRAMED = {
    "confluent": prefixed(),
    "confluent-header": with_header(),
    "single-object": single_object(),
    "auto": st.one_of(prefixed(), with_header(), single_object()).filter(lambda value: not has_vendor_header(value)),
}


def is_azure(value: bytes) -> bool:
    """Whether a value of Confluent is the same bytes as one of Azure: its id is a digit, and 31 more digits follow."""
    return value[:4] == bytes(4) and value[4:36] == AZURE_ID


@pytest.mark.parametrize("configured", sorted(FRAMED))
@given(data=st.data(), reason=st.sampled_from(REJECTED))
def test_a_value_of_the_configured_framing_is_never_called_foreign(configured: str, data: Any, reason: str) -> None:
    """Whatever its body and its other headers are, and whatever it is rejected for."""
    framed = data.draw(FRAMED[configured].filter(lambda value: not is_azure(value.value))).record
    frame = framing(configured, {FINGERPRINT})
    try:
        frame(framed)
    except FramingError as error:  # pragma: no cover - the test would be wrong
        pytest.fail(str(error))
    assert FramingHints(configured, True).hint(framed, reason) == ""
    assert configured != "auto" or isinstance(frame, AutoFraming)


def test_the_page_lists_each_format_with_what_reads_it() -> None:
    section = (ROOT / "docs" / "avro.md").read_text().partition("### Values in another framing")[2]
    rows = re.findall(r"(?m)^\| (.+?) \| .+ \| (.+?) \|$", section)[2:]
    documented = {name.replace("`", ""): reads != "none" for name, reads in rows}
    formats = {value_format for value_format, _ in (*HEADER_MARKS, *VALUE_MARKS)}
    assert documented == {value_format.name: bool(value_format.framing) for value_format in formats}
