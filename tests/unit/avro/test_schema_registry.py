"""The registry's client, against a small server that has the Confluent API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest

from consumer.avro.decoder import decode
from consumer.avro.schema_lookup import IncompleteSchema, RegistryUnreachable, SchemaNotFound, UnsupportedSchema
from consumer.avro.schema_registry import SchemaRegistry
from consumer.errors import SettingsError, UnsafeSchema
from consumer.http_client.proxies import Proxies
from tests.avro_values import record, zigzag

SECRET = "s3cret-pass"
INNER = '{"type": "record", "name": "a.Inner", "fields": [{"name": "x", "type": "int"}]}'
OUTER = '{"type": "record", "name": "a.Outer", "fields": [{"name": "in", "type": "a.Inner"}]}'
ENCRYPTED = {
    "domainRules": [
        {
            "name": "hide",
            "kind": "TRANSFORM",
            "type": "ENCRYPT",
            "mode": "WRITEREAD",
            "tags": ["PII"],
            "disabled": False,
        }
    ]
}


def reference(subject: str, name: str = "a.Inner", version: int = 1) -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": version}


def version(subject: str, number: int, avro: Any, *references: dict[str, Any]) -> dict[str, tuple[int, Any]]:
    answer = {"subject": subject, "version": number, "id": 900, "schema": json.dumps(avro), "references": references}
    return {f"/subjects/{subject}/versions/{number}": (200, answer)}


# Top refers to Left and Right, and both refer to Base: to the same version of Base, or to two versions.
BASE = reference("base", "a.Base")
TOP = record("a.Top", left="a.Left", right="a.Right")
DIAMOND = {
    **version("base", 1, record("a.Base", x="int")),
    **version("base", 2, record("a.Base", x="int", y="string")),
    **version("left", 1, record("a.Left", base="a.Base"), BASE),
    **version("right", 1, record("a.Right", base="a.Base"), BASE),
    **version("right", 2, record("a.Right", base="a.Base"), {**BASE, "version": 2}),
}


def top(right: int) -> tuple[int, Any]:
    references = [reference("left", "a.Left"), reference("right", "a.Right", right)]
    return 200, {"schema": json.dumps(TOP), "references": references}


def refers_to(subject: str) -> tuple[int, Any]:
    return 200, {"schema": OUTER, "references": [reference(subject)]}


ANSWERS: dict[str, tuple[int, Any]] = {
    **DIAMOND,
    "/schemas/ids/11": top(1),
    "/schemas/ids/12": top(2),
    "/schemas/ids/13": (200, {"schema": '["null", "a.Left"]', "references": [reference("left", "a.Left")]}),
    "/schemas/ids/1": (200, {"schema": INNER}),
    "/schemas/guids/89791762-2336-4186-9674-299b90a802e2": (200, {"schema": INNER}),
    "/schemas/ids/2": (200, {"schema": OUTER, "references": [reference("inner/one")]}),
    "/subjects/inner%2Fone/versions/1": (200, {"subject": "inner/one", "version": 1, "id": 1, "schema": INNER}),
    "/schemas/ids/14": (200, {"schema": INNER, "ruleSet": ENCRYPTED, "metadata": {"tags": {"a.Inner.x": ["PII"]}}}),
    "/schemas/ids/15": (
        200,
        {"schema": '["null", "a.Inner"]', "references": [reference("inner/one")], "ruleSet": ENCRYPTED},
    ),
    "/subjects/ruled/versions": (200, [1]),
    "/subjects/ruled/versions/1": (200, {"id": 1, "version": 1, "schema": INNER, "ruleSet": ENCRYPTED}),
    "/schemas/ids/16": refers_to("ruled"),
    "/schemas/ids/17": (200, {"schema": INNER, "ruleSet": {"domainRules": "none"}}),
    "/schemas/ids/3": (200, {"schema": "message M {}", "schemaType": "PROTOBUF"}),
    "/schemas/ids/8": (200, {"schema": "{}", "schemaType": "JSON"}),
    "/schemas/ids/9": (200, {"schema": "<x/>", "schemaType": "XML"}),
    "/schemas/ids/4": (200, {"schema": '{"type": "array", "items": "null"}'}),
    "/schemas/ids/5": (200, {"schema": "{"}),
    "/schemas/ids/6": (200, {"schema": OUTER, "references": [reference("missing")]}),
    "/schemas/ids/7": (200, {"schema": OUTER, "references": [reference("ring")]}),
    "/subjects/ring/versions/1": (
        200,
        {"subject": "ring", "version": 1, "id": 8, "schema": INNER, "references": [reference("ring")]},
    ),
    **{f"/schemas/ids/{20 + number}": refers_to(f"s{number}") for number in range(8)},
    "/subjects/s0/versions/1": (404, {"error_code": 40401, "message": SECRET}),
    "/subjects/s1/versions/1": (404, {"error_code": 40402, "message": SECRET}),
    "/subjects/s2/versions/1": (404, f"<html>{SECRET}</html>"),
    "/subjects/s3/versions/1": (403, {"error_code": 40301, "message": SECRET}),
    "/subjects/s4/versions/1": (401, {"error_code": 401, "message": SECRET}),
    "/subjects/s5/versions/1": (422, {"error_code": 42202, "message": SECRET}),
    "/subjects/s6/versions/1": (200, f"<html>{SECRET}</html>"),
    **version("s7", 1, record("a.Inner", deep="a.Deep"), reference("deep", "a.Deep")),
    "/subjects/deep/versions/1": (403, {"error_code": 40301, "message": SECRET}),
    "/schemas/ids/30": refers_to("s503"),
    "/subjects/s503/versions/1": (503, {"error_code": 50003, "message": SECRET}),
    "/schemas/ids/500": (500, {"error_code": 50001, "message": SECRET}),
    "/schemas/ids/401": (401, {"error_code": 401, "message": SECRET}),
    "/schemas/ids/403": (403, {"error_code": 40301, "message": SECRET}),
    "/schemas/ids/404": (404, f"<html>{SECRET}</html>"),
    "/schemas/ids/200": (200, f"<html>{SECRET}</html>"),
    "/schemas/ids/201": (200, {"hello": "world"}),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        unknown = 404, {"error_code": 40403, "message": "Schema not found"}
        status, answer = ANSWERS.get(self.path.partition("?")[0], unknown)
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def registry(address: str) -> Iterator[SchemaRegistry]:
    registry = SchemaRegistry(f"http://{address}", {}, Proxies.none())
    yield registry
    registry.close()


def test_a_schema_is_fetched_by_its_id_and_has_a_label(registry: SchemaRegistry) -> None:
    schema = registry.fetch(1)
    assert (schema.label, schema.root.name) == ("schema id 1", "a.Inner")


def test_a_schema_is_fetched_by_its_guid(registry: SchemaRegistry) -> None:
    schema = registry.fetch(UUID("89791762-2336-4186-9674-299b90a802e2"))
    assert (schema.label, schema.root.name) == ("schema GUID 89791762-2336-4186-9674-299b90a802e2", "a.Inner")


def test_a_schema_is_fetched_with_the_schemas_that_it_refers_to(registry: SchemaRegistry) -> None:
    assert registry.fetch(2).root.fields["in"].fields["x"].kind == "int"
    assert registry.fetch(7).root.fields["in"].name == "a.Inner"


@pytest.mark.parametrize("key", [11, 12])
def test_a_schema_that_is_referred_to_twice_is_one_type_of_the_first_version(
    registry: SchemaRegistry, key: int
) -> None:
    fields = registry.fetch(key).root.fields
    assert fields["left"].fields["base"] == fields["right"].fields["base"]
    assert list(fields["left"].fields["base"].fields) == ["x"]
    assert decode(registry.fetch(key), zigzag(5) + zigzag(6), 0) == {
        "left": {"base": {"x": 5}},
        "right": {"base": {"x": 6}},
    }


def test_a_union_of_references_has_a_schema_for_each_branch(registry: SchemaRegistry) -> None:
    null, left = registry.fetch(13).branches
    assert (null.root.kind, left.root.name) == ("null", "a.Left")
    assert decode(left, zigzag(5), 0) == {"base": {"x": 5}}


def test_a_schema_has_the_rules_of_the_registry_for_its_readers(registry: SchemaRegistry) -> None:
    encrypted = "hide (ENCRYPT, for fields with the tag PII)"
    assert [*map(str, registry.fetch(14).rules)] == [encrypted]
    assert [[*map(str, branch.rules)] for branch in registry.fetch(15).branches] == [[encrypted]] * 2
    ((_, fetch),) = registry.versions("ruled")
    assert [*map(str, fetch().rules)] == [encrypted]


def test_the_rules_of_a_schema_that_is_only_referred_to_do_not_apply(registry: SchemaRegistry) -> None:
    """Confluent's deserialisers apply those of the value's own schema (AbstractKafkaSchemaSerDe.executeRules)."""
    assert registry.fetch(16).rules == registry.fetch(1).rules == ()


def test_rules_that_are_no_rules_are_no_answer(registry: SchemaRegistry) -> None:
    with pytest.raises(RegistryUnreachable, match="the response is not a schema registry's"):
        registry.fetch(17)


def test_an_id_that_the_registry_does_not_have_is_not_found(registry: SchemaRegistry) -> None:
    with pytest.raises(SchemaNotFound):
        registry.fetch(99)


@pytest.mark.parametrize(
    ("key", "subject", "cause"),
    [
        (6, "missing", "which the registry does not have: register the subject there"),
        (20, "s0", "which the registry does not have: register the subject there"),
        (21, "s1", "which the registry does not have: register the subject there"),
        (22, "s2", "HTTP status 404 without a registry's error code: look at SCHEMA_REGISTRY_URL"),
        (23, "s3", "HTTP status 403, the registry refuses the credentials: look at SCHEMA_REGISTRY_CONFIG"),
        (24, "s4", "HTTP status 401, the registry refuses the credentials: look at SCHEMA_REGISTRY_CONFIG"),
        (25, "s5", "HTTP status 422"),
        (26, "s6", "the response is not a schema registry's"),
        (27, "deep", "HTTP status 403"),
    ],
)
def test_a_reference_that_a_known_schema_lacks_is_named(
    registry: SchemaRegistry, key: int, subject: str, cause: str
) -> None:
    """For example in a mirror with a part of the subjects, or without the right to read one of them."""
    with pytest.raises(IncompleteSchema) as caught:
        registry.fetch(key)
    assert str(caught.value).startswith(f"schema id {key} refers to version 1 of the subject '{subject}'")
    assert cause in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value}"


def test_a_registry_that_fails_at_a_reference_gives_no_answer(registry: SchemaRegistry) -> None:
    with pytest.raises(RegistryUnreachable, match="HTTP status 503"):
        registry.fetch(30)


@pytest.mark.parametrize(("key", "name"), [(3, "Protobuf"), (8, "JSON Schema"), (9, "'XML'")])
def test_a_schema_of_another_type_is_named_as_the_registry_says(registry: SchemaRegistry, key: int, name: str) -> None:
    with pytest.raises(UnsupportedSchema, match=f"the registry says that its type is {name}; the service reads Avro"):
        registry.fetch(key)


@pytest.mark.parametrize(("key", "error"), [(3, UnsupportedSchema), (4, UnsafeSchema), (5, UnsafeSchema)])
def test_a_schema_that_cannot_be_used_is_refused(registry: SchemaRegistry, key: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"schema id {key}: "):
        registry.fetch(key)


@pytest.mark.parametrize("key", [500, 401, 403, 404, 200, 201])
def test_any_other_response_is_no_answer_and_is_not_repeated(registry: SchemaRegistry, key: int) -> None:
    with pytest.raises(RegistryUnreachable) as caught:
        registry.fetch(key)
    assert SECRET not in f"{caught.value!r} {caught.value}"


def test_a_refused_connection_is_no_answer() -> None:
    registry = SchemaRegistry("http://127.0.0.1:9", {}, Proxies.none())
    with pytest.raises(
        RegistryUnreachable, match="Connection refused: look at SCHEMA_REGISTRY_URL, and at the network"
    ):
        registry.fetch(1)
    registry.close()


@pytest.mark.parametrize(
    ("url", "config", "text"),
    [
        ("http://host", {"no.such.option": SECRET}, "no.such.option"),
        ("http://host", {"basic.auth.user.info": SECRET}, "basic.auth.user.info must be in the form"),
        ("http://host", {"timeout": 1, "ssl.ca.location": f"/{SECRET}"}, "No such file"),
        ("http://host", {"bearer.auth.credentials.source": "STATIC_TOKEN"}, "bearer.auth.token is required"),
        ("http://host", {"proxy": f"unknown://jane:{SECRET}@proxy"}, "proxy is refused: set HTTPS_PROXY"),
        ("http://host", {"timeout": "soon"}, "timeout must be seconds"),
    ],
)
def test_wrong_settings_are_named_without_their_values(url: str, config: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SchemaRegistry(url, config, Proxies.none())
    assert text in str(caught.value)
    assert SECRET not in str(caught.value)
