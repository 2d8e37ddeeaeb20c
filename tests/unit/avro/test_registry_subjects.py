"""An id is looked up as Confluent's own deserialiser looks it up: with the subject, so in the schema context."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from consumer.avro.registries import RegistryAccess
from consumer.avro.schema_lookup import IncompleteSchema, SchemaNotFound
from consumer.avro.schema_registry import context_of
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.http_client.proxies import Proxies
from tests.avro_values import record
from tests.http_peer import PeerRequest, json_response, peer

OWN = record("com.sprig.Answer", userId="string", response="string")
OTHER = record("com.sprig.Answer", response="string", userId="string")
VALUE = b"\0\0\0\0\1\x02u\x06yes"
STRATEGY = "subject.name.strategy.type"


def answer(request: PeerRequest) -> ScriptedResponse:
    """Two contexts, each with a schema of the id 1: which one is meant only the subject tells."""
    subject = parse_qs(urlsplit(request.path).query).get("subject", [""])[0]
    return json_response({"schema": json.dumps(OWN if subject == "t-value" else OTHER)})


def own_access(url: str, **options: str) -> RegistryAccess:
    return RegistryAccess(url, options, Proxies.none(), {})


@pytest.mark.parametrize("strategy", ["TOPIC", "RECORD", "TOPIC_RECORD"])
def test_an_id_is_asked_for_as_confluent_s_deserialiser_asks(strategy: str) -> None:
    """Of two schemas with one id, the one of another context would swap userId and response."""
    with peer(answer) as server:
        with SchemaRegistryClient({"url": server.url}) as client:
            deserializer = AvroDeserializer(client, conf={STRATEGY: strategy})
            expected = deserializer(VALUE, SerializationContext("t", MessageField.VALUE))
        path = next(request.path for request in server.requests if request.path.startswith("/schemas/ids/1"))
        server.requests.clear()
        registry = own_access(server.url, **{STRATEGY: strategy}).registry("confluent", "t")
        schema = registry.fetch(1)
        registry.close()
    assert expected == {"userId": "u", "response": "yes"} or strategy != "TOPIC"
    assert list(schema.root.fields) == list(expected)
    assert subject_of(server.requests[0].path) == subject_of(path)


def subject_of(path: str) -> list[str]:
    return parse_qs(urlsplit(path).query).get("subject", [])


def test_in_the_url_of_a_context_an_id_is_asked_for_without_a_subject() -> None:
    """The context is known, and there the registry finds an id only under a subject that has it."""
    with peer(answer) as server:
        registry = own_access(f"{server.url}/contexts/:.billing:").registry("confluent", "t")
        registry.fetch(1)
        registry.close()
    assert [request.path for request in server.requests] == ["/contexts/:.billing:/schemas/ids/1"]


def test_an_id_that_a_subject_does_not_have_is_asked_for_once() -> None:
    with peer(lambda _: json_response({"error_code": 40403}, 404)) as server:
        registry = own_access(server.url).registry("confluent", "t")
        with pytest.raises(SchemaNotFound):
            registry.fetch(1)
        registry.close()
    assert [request.path for request in server.requests] == ["/schemas/ids/1?subject=t-value"]


def test_the_strategy_by_topic_is_the_default() -> None:
    with peer(answer) as server:
        registry = own_access(server.url).registry("confluent", "t")
        assert list(registry.fetch(1).root.fields) == ["userId", "response"]
        registry.close()


@pytest.mark.parametrize(
    ("asked", "answered", "reference", "expected"),
    [
        ("t-value", None, "person", "person"),
        ("t-value", ":.billing:t-value", "person", ":.billing:person"),
        ("t-value", ":.billing:t-value", ":.common:person", ":.common:person"),
        ("t-value", "t-value", ":.common:person", ":.common:person"),
    ],
)
def test_a_reference_is_in_the_context_of_the_schema_that_refers(
    asked: str, answered: str | None, reference: str, expected: str
) -> None:
    references = [{"name": "a.Person", "subject": reference, "version": 2}]
    outer: dict[str, Any] = {"schema": json.dumps(record("a.Outer", who="a.Person")), "references": references}
    outer |= {"subject": answered} if answered else {}

    def with_reference(request: PeerRequest) -> ScriptedResponse:
        if request.path.startswith("/schemas/ids/"):
            assert subject_of(request.path) == [asked]
            return json_response(outer)
        return json_response({"error_code": 40401}, 404)

    with peer(with_reference) as server:
        registry = own_access(server.url).registry("confluent", "t")
        with pytest.raises(IncompleteSchema, match=f"version 2 of the subject '{expected}'"):
            registry.fetch(1)
        registry.close()
        assert unquote(server.requests[-1].path) == f"/subjects/{expected}/versions/2?deleted=true"


@pytest.mark.parametrize(
    ("subject", "context"), [("t-value", ""), (":.billing:t-value", ":.billing:"), (":.odd", ""), ("a:.b:c", "")]
)
def test_the_context_is_a_part_of_the_subject(subject: str, context: str) -> None:
    assert context_of(subject) == context
