"""Records of each vendor's own serialiser are decoded with the schema of their producer, as docs/avro.md says."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import boto3
import pytest
from aws_schema_registry import DataAndSchema, KafkaSerializer, SchemaRegistryClient
from aws_schema_registry.avro import AvroSchema
from aws_schema_registry.codec import encode
from azure.schemaregistry.encoder.avroencoder import AvroEncoder
from confluent_kafka.schema_registry import SchemaRegistryClient as ConfluentClient
from confluent_kafka.schema_registry import header_schema_id_serializer, prefix_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

import consumer.settings
from consumer.avro.apicurio_registry import ApicurioRegistry
from consumer.avro.auto_framing import AutoFraming, framing
from consumer.avro.decoder import decode, fingerprint, load_schema
from consumer.avro.decoder import encode as encode_value
from consumer.avro.registries import RegistryAccess
from consumer.avro.registry_options import USE_ID
from consumer.avro.schema_keys import ApicurioId
from consumer.cli.check_framings import framing_notes
from consumer.cli.topic_sample import TopicSample
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.errors import SettingsError
from consumer.http_client.proxies import Proxies
from consumer.model import Headers, Record, Rejected
from consumer.reasons import Reason
from tests.avro_values import record
from tests.http_peer import PeerRequest, json_response, peer
from tests.pages import ROOT

Produced = tuple[bytes, Headers]
Producer = Callable[[str], Produced]
"""From the URL of a registry to the value and the headers of a record."""

ANSWER = record("com.sprig.Answer", userId="string", score=["null", "int"])
TEXT = json.dumps(ANSWER)
VALUE = {"userId": "u", "score": 7}
TOKEN = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": "t"}
REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "b:9092", "KAFKA_TOPIC": "t", "SEGMENT_WRITE_KEY": "wk0123456789"}
ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s3cret"}
VERSION = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")
AZURE_ID = "c4bb4a7df0ba4f2ea1c6b4ab12dd1d4c"
OTHER = record("com.sprig.Other", score=["null", "int"], userId="string")
APICURIO_KIND = {"2": "globalId", "3": "contentId"}
"""What each version of Apicurio's library writes by default."""
APICURIO = json.loads((Path(__file__).parent / "apicurio_values.json").read_text())


def glue_answer(request: PeerRequest) -> ScriptedResponse:
    """GetSchemaByDefinition for the serialiser, and GetSchemaVersion for the service."""
    version = {"SchemaVersionId": str(VERSION), "DataFormat": "AVRO", "Status": "AVAILABLE", "SchemaArn": "a/b"}
    if request.headers["x-amz-target"].endswith("GetSchemaVersion"):
        return json_response({**version, "SchemaDefinition": TEXT, "VersionNumber": 1})
    return json_response(version)


def apicurio_answer(kind: str) -> Callable[[PeerRequest], ScriptedResponse]:
    """The producers write ids of this kind. The same numbers of the other kind are of another schema."""

    def answer_by_kind(request: PeerRequest) -> ScriptedResponse:
        if "/references" in request.path.partition("?")[0]:
            return json_response([])
        return json_response(ANSWER if f"/ids/{kind}s/" in request.path else OTHER)

    return answer_by_kind


def answer(request: PeerRequest) -> ScriptedResponse:
    """Each API: the schema of ANSWER for every id."""
    path = request.path.partition("?")[0]
    if "x-amz-target" in request.headers:
        return glue_answer(request)
    if path.startswith("/$schemaGroups/$schemas/"):
        return ScriptedResponse(200, TEXT.encode(), {"Content-Type": "application/json; serialization=Avro"})
    if not path.startswith(("/schemas/", "/subjects/")):  # this registry has no associations of topics
        return json_response({"error_code": 404, "message": "not found"}, 404)
    version = {"subject": "t-value", "version": 1, "id": 7, "guid": str(VERSION)}
    return json_response({**version, "schema": TEXT})


def of_confluent(url: str, serialise_id: Callable[..., bytes] = prefix_schema_id_serializer) -> Produced:
    config = {"auto.register.schemas": False, "use.latest.version": True, "schema.id.serializer": serialise_id}
    headers: list[Any] = []
    with ConfluentClient({"url": url}) as client:
        serializer = AvroSerializer(client, TEXT, conf=config)
        value = serializer(VALUE, SerializationContext("t", MessageField.VALUE, headers))
    return value or b"", headers


def of_confluent_with_header(url: str) -> Produced:
    return of_confluent(url, header_schema_id_serializer)


def of_glue(url: str) -> Produced:
    credentials = {"aws_access_key_id": "A", "aws_secret_access_key": "B"}
    client = boto3.client("glue", "eu-west-1", endpoint_url=url, **credentials)
    serializer = KafkaSerializer(SchemaRegistryClient(client, registry_name="answers"))
    return serializer.serialize("t", DataAndSchema(VALUE, AvroSchema(TEXT))), ()


def of_glue_compressed(url: str) -> Produced:
    value, _ = of_glue(url)
    return encode(value[18:], VERSION, compression=True), ()


def of_azure(_: str) -> Produced:
    client: Any = SimpleNamespace(get_schema_properties=lambda *_, **__: SimpleNamespace(id=AZURE_ID))
    content = AvroEncoder(client=client, group_name="answers").encode(VALUE, schema=TEXT)
    return content["content"], [("content-type", content["content_type"].encode())]


def of_azure_before(url: str) -> Produced:
    """The older form, made by hand: it is in no serialiser of a package registry."""
    return bytes(4) + AZURE_ID.encode() + of_azure(url)[0], ()


def of_apicurio(version: str, **options: str) -> Producer:
    """Bytes that tests/infra/registry/serialise wrote with Apicurio's serialiser."""
    (case,) = (case for case in APICURIO if (case["version"], case["options"]) == (version, options))
    headers = [(name, bytes.fromhex(content)) for name, content in case["headers"].items()]
    return lambda _: (bytes.fromhex(case["value"]), headers)


def of_single_object(_: str) -> Produced:
    schema = load_schema("test", ANSWER)
    return b"\xc3\x01" + bytes.fromhex(fingerprint(schema)) + encode_value(schema, VALUE), ()


ID_HANDLER = "apicurio.registry.id-handler"
HEADERS_ENABLED = "apicurio.registry.headers.enabled"
ROWS: Mapping[tuple[str, str], Sequence[Producer]] = {
    ("Confluent, Karapace, Redpanda", "Confluent's AvroSerializer"): [of_confluent],
    ("Confluent", "Confluent's AvroSerializer with header_schema_id_serializer"): [of_confluent_with_header],
    ("Apicurio, by its compatible API", "Confluent's AvroSerializer"): [of_confluent],
    ("Apicurio", "Apicurio's AvroKafkaSerializer, version 3"): [of_apicurio("3")],
    ("Apicurio", "Apicurio's AvroKafkaSerializer, version 3, with apicurio.registry.headers.enabled = true"): [
        of_apicurio("3", **{HEADERS_ENABLED: "true"})
    ],
    ("Apicurio", "Apicurio's AvroKafkaSerializer, version 3, with apicurio.registry.use-id = globalId"): [
        of_apicurio("3", **{USE_ID: "globalId"})
    ],
    ("Apicurio", "Apicurio's AvroKafkaSerializer, version 3, with Legacy8ByteIdHandler"): [
        of_apicurio("3", **{ID_HANDLER: "io.apicurio.registry.serde.Legacy8ByteIdHandler"})
    ],
    ("Apicurio", "Apicurio's AvroKafkaSerializer, version 2"): [of_apicurio("2")],
    (
        "Apicurio",
        "Apicurio's AvroKafkaSerializer, version 2, with apicurio.registry.headers.enabled = false and "
        "Legacy4ByteIdHandler or apicurio.registry.as-confluent = true",
    ): [of_apicurio("2", **{HEADERS_ENABLED: "false", ID_HANDLER: "io.apicurio.registry.serde.Legacy4ByteIdHandler"})],
    ("Apicurio", "Apicurio's AvroKafkaSerializer, version 2, with apicurio.registry.headers.enabled = false"): [
        of_apicurio("2", **{HEADERS_ENABLED: "false"})
    ],
    ("AWS Glue", "aws-glue-schema-registry for Python"): [of_glue, of_glue_compressed],
    ("Azure Event Hubs", "azure-schemaregistry-avroencoder"): [of_azure, of_azure_before],
    ("none", "Avro's single-object encoding"): [of_single_object],
}
"""The rows of the table "What to set" by registry and library, each with values of the library."""


def documented_rows() -> Mapping[tuple[str, str], Sequence[str]]:
    """The type, the URL, the framing and the option apicurio.registry.use-id of each row."""
    section = (ROOT / "docs" / "avro.md").read_text().partition("### What to set")[2].partition("\n### ")[0]
    rows = [line.replace("`", "").strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {(row[0], row[1]): row[2:] for row in rows[2:]}


def test_the_table_of_registries_and_libraries_is_the_tested_one() -> None:
    assert documented_rows().keys() == ROWS.keys()


@pytest.mark.parametrize("row", ROWS, ids=", ".join)
def test_the_settings_of_each_row_are_valid(row: tuple[str, str]) -> None:
    registry_type, url, framing_name, use_id = documented_rows()[row]
    settings = {"SCHEMA_REGISTRY_TYPE": registry_type, "AVRO_FRAMING": framing_name, **REQUIRED}
    settings |= {} if url == "none" else {"SCHEMA_REGISTRY_URL": url}
    if registry_type == "azure":
        settings["SCHEMA_REGISTRY_CONFIG"] = json.dumps(TOKEN)
    if use_id != "-":
        assert "use-id in SCHEMA_REGISTRY_CONFIG" in str(mistake_of(settings))
        settings["SCHEMA_REGISTRY_CONFIG"] = json.dumps({USE_ID: use_id})
    assert consumer.settings.load(environ=settings).avro_framing == framing_name


def mistake_of(settings: Mapping[str, str]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        consumer.settings.load(environ=settings)
    return caught.value


@pytest.mark.parametrize("is_auto", [False, True], ids=["own", "auto"])
@pytest.mark.parametrize("row", ROWS, ids=", ".join)
def test_records_of_each_row_are_decoded_with_the_schema_of_their_producer(row: tuple[str, str], is_auto: bool) -> None:
    registry_type, url, name, use_id = documented_rows()[row]
    options = {"glue": {"region": "eu-west-1"}, "azure": TOKEN}.get(registry_type, {})
    schema = load_schema("test", ANSWER)
    files = {fingerprint(schema): schema}
    kind = "globalId" if "use-id = globalId" in row[1] or "version 2" in row[1] else "contentId"
    with peer(apicurio_answer(kind) if registry_type == "apicurio" else answer) as server:
        path = urlsplit(url).path if registry_type == "apicurio" else ""
        registry = RegistryAccess(server.url + path, options, Proxies.none(), ENVIRON).registry(registry_type, "t")
        for produce in ROWS[row]:
            value, headers = produce(server.url)
            frame = framing("auto" if is_auto else name, files, registry_type, "contentId" if use_id == "-" else use_id)
            framed = frame(Record(0, 0, 0, None, value, headers))
            writer_schema = files.get(str(framed.key)) or registry.fetch(framed.key)
            assert decode(writer_schema, framed.value, framed.start) == VALUE
            assert not isinstance(frame, AutoFraming) or frame.counts == {name: 1}
        registry.close()


@pytest.mark.parametrize("row", ROWS, ids=", ".join)
def test_check_says_for_records_of_each_row_what_to_set(row: tuple[str, str]) -> None:
    """Also with the settings of a new installation: Confluent's registry and framing."""
    registry_type, _, name, use_id = documented_rows()[row]
    expected = [f"SCHEMA_REGISTRY_TYPE={registry_type}"] * (name != "single-object") + [f"AVRO_FRAMING={name}"]
    expected += [f"{USE_ID} in SCHEMA_REGISTRY_CONFIG"] * (use_id != "-")
    with peer(answer) as server:
        produced = [produce(server.url) for produce in ROWS[row]]
    for value, headers in produced:
        sample = TopicSample("confluent", framing("confluent", {}, "confluent"))
        unknown = Rejected(Reason.UNKNOWN_SCHEMA, "schema", "")
        sample.add(Record(0, 0, 0, None, value, headers), unknown, datetime.now(UTC))
        (result,) = framing_notes(sample)
        assert ", ".join(expected) in result.detail
        assert "if their ids are Apicurio's" not in result.detail or name in ("apicurio", "confluent")


@pytest.mark.parametrize("case", APICURIO, ids=lambda case: f"{case['version']} {case['options']}")
def test_records_of_apicurio_s_serialisers(case: dict[str, Any]) -> None:
    """
    Their bytes are of tests/infra/registry/serialise: both ids of their schema are 3.

    Here they differ: what has the other kind of id 3 is another schema, which swaps the fields. So is the schema if the
    kind is guessed by the length of the id: any handler of ids can have any kind.
    """
    headers = [(name, bytes.fromhex(content)) for name, content in case["headers"].items()]
    kind = case["options"].get(USE_ID) or APICURIO_KIND[case["version"]]
    name, frame = "apicurio-header" if headers else "apicurio", framing("auto", (), "apicurio", kind)
    with peer(apicurio_answer(kind)) as server:
        registry = ApicurioRegistry(server.url, {}, Proxies.none())
        framed = frame(Record(0, 0, 0, None, bytes.fromhex(case["value"]), headers))
        value = decode(registry.fetch(framed.key), framed.value, framed.start)
        registry.close()
    assert value == VALUE
    assert framed.key == ApicurioId(kind, 3)
    assert isinstance(frame, AutoFraming)
    assert frame.counts == {name: 1}


def test_the_recorded_values_have_each_length_of_id_with_each_kind() -> None:
    lengths = {(case["version"], len(case["value"]) // 2 - 4) for case in APICURIO if not case["headers"]}
    assert lengths == {("3", 5), ("3", 9), ("2", 5), ("2", 9)}
