"""A registry that means harm: each look-up ends in time, within a bound of memory, and with an error of ours."""

import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from consumer.avro.registry_transport import MAX_RESPONSE_BYTES
from consumer.avro.schema_loading import MAX_JSON_VALUES, MAX_REFERENCES
from consumer.avro.schema_lookup import RegistryMisconfigured, RegistryUnreachable, SchemaNotFound
from consumer.avro.schema_registry import SchemaRegistry
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.errors import UnsafeSchema
from consumer.http_client.proxies import Proxies
from tests.avro_values import record
from tests.http_peer import PeerRequest, json_response, peer

TIMEOUT = 1.0
IN_TIME = 15.0  # seconds, also on a busy machine
PEAK_BYTES = 64 * 2**20  # of a look-up; the largest one that a record may take
SCHEMA = json.dumps(record("a.Inner", x="int"))


def endless(head: str, piece: bytes, pause: float = 0.0) -> ScriptedResponse:
    """A response that goes on until the client closes the connection."""

    def wire(connection: socket.socket, _response: bytes, stopped: threading.Event) -> bool:
        connection.sendall(head.encode())
        while not stopped.wait(pause):
            connection.sendall(piece)
        return False

    return ScriptedResponse(200, wire=wire)


def raw(head: str, body: bytes = b"") -> ScriptedResponse:
    def wire(connection: socket.socket, _response: bytes, _stopped: threading.Event) -> bool:
        connection.sendall(head.encode() + body)
        return False

    return ScriptedResponse(200, wire=wire)


def schema_response(text: str, **others: Any) -> ScriptedResponse:
    return json_response({"schema": text, **others})


HEAD = "HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b"[" + b" " * 300_000_000 + b"]")
NESTED = "[" * 500_000 + "]" * 500_000
NO_REGISTRY = "the response is not a schema registry's"
TOO_LARGE = f"^schema id 7: more than {MAX_RESPONSE_BYTES} bytes"

# The response, the error and a part of its text.
RESPONSES: dict[str, tuple[ScriptedResponse, type[Exception], str]] = {
    "gzip": (ScriptedResponse(200, BOMB, headers={"Content-Encoding": "gzip"}), RegistryMisconfigured, NO_REGISTRY),
    "endless body": (endless(HEAD, b" " * 65_536), UnsafeSchema, TOO_LARGE),
    "endless chunks": (endless(CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n"), UnsafeSchema, TOO_LARGE),
    "endless error": (
        endless("HTTP/1.1 404 Not Found\r\n\r\n", b" " * 65_536),
        RegistryMisconfigured,
        "HTTP status 404 without",
    ),
    "drip": (endless(HEAD, b" ", 0.05), RegistryUnreachable, "longer than its timeout"),
    "drip of a header": (endless("HTTP/1.1 200 OK\r\nX: ", b"x", 0.05), RegistryUnreachable, "longer than its timeout"),
    "endless header": (endless("HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536), RegistryUnreachable, "not valid HTTP"),
    "10,000 headers": (raw("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 10_000 + "\r\n"), RegistryUnreachable, ""),
    "endless interim responses": (endless("", b"HTTP/1.1 100 Continue\r\n\r\n"), RegistryUnreachable, "interim"),
    "NUL": (ScriptedResponse(200, b"\0" * 1000), RegistryMisconfigured, NO_REGISTRY),
    "NUL in a header": (raw("HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n"), RegistryUnreachable, "not valid"),
    "huge nesting": (ScriptedResponse(200, NESTED.encode()), RegistryMisconfigured, NO_REGISTRY),
    "huge nesting of a schema": (schema_response(NESTED), UnsafeSchema, ""),
    "many empty lists": (
        schema_response("[" + "[]," * 340_000 + "[]]"),
        UnsafeSchema,
        f"{MAX_JSON_VALUES} JSON values",
    ),
    "many empty objects around": (
        ScriptedResponse(200, b'{"a": [' + b"{}," * 350_000 + b"{}]}"),
        RegistryMisconfigured,
        NO_REGISTRY,
    ),
    "huge id of a version": (json_response([10**400]), RegistryMisconfigured, NO_REGISTRY),
    "a schema that is a number": (json_response({"schema": 7}), RegistryMisconfigured, NO_REGISTRY),
    "a type that is a list": (schema_response(SCHEMA, schemaType=["AVRO"]), RegistryMisconfigured, NO_REGISTRY),
    "references that are a text": (schema_response(SCHEMA, references="a"), RegistryMisconfigured, NO_REGISTRY),
    "references that are numbers": (schema_response(SCHEMA, references=[1]), RegistryMisconfigured, NO_REGISTRY),
    "a reference without a name": (
        schema_response(SCHEMA, references=[{"subject": "a", "version": 1}]),
        RegistryMisconfigured,
        NO_REGISTRY,
    ),
    "a version that is a text": (
        schema_response(SCHEMA, references=[{"name": "a", "subject": "a", "version": "1/../../x"}]),
        RegistryMisconfigured,
        NO_REGISTRY,
    ),
    "a version that is true": (
        schema_response(SCHEMA, references=[{"name": "a", "subject": "a", "version": True}]),
        RegistryMisconfigured,
        NO_REGISTRY,
    ),
    "an error code that is a list": (json_response({"error_code": [40403]}, 404), RegistryMisconfigured, "status 404"),
    "an error that is a list": (json_response([40403], 404), RegistryMisconfigured, "status 404"),
    "many branches": (schema_response("[" + '"int",' * 140_000 + '"int"]'), UnsafeSchema, ""),
    "many records": (
        schema_response(json.dumps([record(f"R{number}") for number in range(15_000)])),
        UnsafeSchema,
        "",
    ),
}


@pytest.mark.parametrize(("response", "error", "text"), RESPONSES.values(), ids=RESPONSES)
def test_a_hostile_response_costs_little_time_and_memory(
    response: ScriptedResponse, error: type[Exception], text: str
) -> None:
    with peer(lambda _: response) as server:
        caught, peak_bytes, seconds = look_up(SchemaRegistry(server.url, {"timeout": TIMEOUT}, Proxies.none()))
    assert type(caught) is error
    assert text.strip("^") in str(caught)
    assert peak_bytes < PEAK_BYTES
    assert seconds < IN_TIME


def look_up(registry: SchemaRegistry) -> tuple[Exception | None, int, float]:
    """How the look-up of id 7 fails, with its peak of memory in bytes and its seconds."""
    caught: Exception | None = None
    tracemalloc.start()
    started_at = time.monotonic()
    try:
        registry.fetch(7)
    except Exception as error:  # noqa: BLE001 - the test compares it
        caught = error
    finally:
        seconds = time.monotonic() - started_at
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        registry.close()
    return caught, peak_bytes, seconds


def referring(request: PeerRequest) -> ScriptedResponse:
    """Each schema has 150 kB, and refers to two more."""
    name = request.path.partition("?")[0].replace("/", "_")
    references = [{"name": f"{name}.{branch}", "subject": f"{name}{branch}"[-200:], "version": 1} for branch in "ab"]
    return schema_response(json.dumps({"type": "string", "doc": "x" * 150_000}), references=references)


def test_a_schema_is_refused_if_it_is_too_large_with_its_references() -> None:
    with peer(referring) as server:
        caught, peak_bytes, _ = look_up(SchemaRegistry(server.url, {}, Proxies.none()))
        assert len(server.requests) <= MAX_RESPONSE_BYTES // 150_000 + 1
    assert isinstance(caught, UnsafeSchema)
    assert "with the schemas that the schema refers to" in str(caught)
    assert peak_bytes < 16 * 2**20


def test_the_references_of_a_schema_are_limited_in_number() -> None:
    def chain(request: PeerRequest) -> ScriptedResponse:
        subject = f"s{len(server.requests)}"
        return schema_response('"string"', references=[{"name": subject, "subject": subject, "version": 1}])

    with peer(chain) as server:
        caught, _, _ = look_up(SchemaRegistry(server.url, {}, Proxies.none()))
        assert len(server.requests) == MAX_REFERENCES + 1
    assert "refers to more than 32 other schemas" in str(caught)


@pytest.mark.parametrize("versions", [{"a": 1}, "12", ["1"], [1.5], [True], [[1]], [None], ["../../admin"]])
def test_versions_that_are_no_numbers_are_no_answer(versions: Any) -> None:
    with peer(lambda _: json_response(versions)) as server:
        registry = SchemaRegistry(server.url, {}, Proxies.none())
        with pytest.raises(RegistryMisconfigured, match=NO_REGISTRY):
            list(registry.versions("a"))
        registry.close()


@pytest.mark.parametrize("subject", ["a/../../b", "a?b#c", "a b\r\nX: y", "ä", "a\0b", "%2e%2e"])
def test_a_subject_stays_one_part_of_the_path(subject: str) -> None:
    with peer(lambda _: json_response({"error_code": 40401}, 404)) as server:
        registry = SchemaRegistry(server.url, {}, Proxies.none())
        with pytest.raises(SchemaNotFound):
            list(registry.versions(subject))
        registry.close()
    (request,) = server.requests
    assert request.path.count("/") == 3
    assert request.path.endswith("/versions")
    assert "x" not in request.headers


@pytest.mark.parametrize(
    "respond",
    [
        lambda target: ScriptedResponse(302, headers={"Location": target}),
        lambda target: ScriptedResponse(307, headers={"Location": target}),
        lambda target: ScriptedResponse(401, headers={"WWW-Authenticate": "Basic", "Location": target}),
        lambda target: ScriptedResponse(200, b"{}", headers={"Refresh": f"0; url={target}", "Alt-Svc": target}),
    ],
)
def test_credentials_go_nowhere_else(respond: Callable[[str], ScriptedResponse]) -> None:
    with peer(lambda _: schema_response(SCHEMA)) as target:
        with peer(lambda _: respond(f"{target.url}/schemas/ids/7")) as server:
            options = {"basic.auth.user.info": "jane:s3cret-pass"}
            caught, _, _ = look_up(SchemaRegistry(server.url, options, Proxies.none()))
        assert not target.requests
    assert isinstance(caught, RegistryUnreachable)
    assert len(server.requests) == 1


def test_a_proxy_of_the_environment_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(lambda _: schema_response(SCHEMA)) as proxy, peer(lambda _: schema_response(SCHEMA)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        caught, _, _ = look_up(SchemaRegistry(server.url, {"basic.auth.user.info": "jane:s3cret"}, Proxies.none()))
        assert caught is None
        assert (len(server.requests), len(proxy.requests)) == (1, 0)
