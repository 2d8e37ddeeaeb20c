"""A registry that does not answer, for any cause: the look-up ends in time, and says nothing about the id."""

import time

import pytest

from consumer.avro.schema_lookup import RegistryMisconfigured, RegistryUnreachable
from consumer.avro.schema_registry import SchemaRegistry
from consumer.demo import fault_scripts
from consumer.demo.fault_scripts import ReceivedBatch, Script, ScriptedResponse
from consumer.http_client.proxies import Proxies
from tests.http_peer import PeerRequest, json_response, peer

TIMEOUT = 0.4
IN_TIME = 10.0  # seconds, also on a busy machine; a dribbling response takes longer, a hanging response for ever
SCHEMA = {"schema": '{"type": "record", "name": "a.Inner", "fields": []}'}
PAGE = b"<html>Sign in</html>"
NETWORK = "look at SCHEMA_REGISTRY_URL, and at the network between"


def wire(script: Script) -> ScriptedResponse:
    """A schema, sent as a fault script of the Segment stand-in sends its response."""
    response = script(ReceivedBatch(1, "", [], {}))
    assert response
    return ScriptedResponse(200, json_response(SCHEMA).body, wire=response.wire)


@pytest.mark.parametrize(
    ("response", "error", "cause"),
    [
        (wire(fault_scripts.hang()), RegistryUnreachable, f"the request took longer than its timeout: {NETWORK}"),
        (wire(fault_scripts.dribble()), RegistryUnreachable, f"the request took longer than its timeout: {NETWORK}"),
        (wire(fault_scripts.reset()), RegistryUnreachable, f"Connection reset by peer: {NETWORK}"),
        (wire(fault_scripts.cut_off()), RegistryUnreachable, "the connection ended within the response"),
        (ScriptedResponse(500, b'{"error_code": 50001}'), RegistryUnreachable, "HTTP status 500"),
        (ScriptedResponse(502, PAGE), RegistryUnreachable, "HTTP status 502"),
        (ScriptedResponse(503, b""), RegistryUnreachable, "HTTP status 503"),
        (ScriptedResponse(429, b""), RegistryUnreachable, "HTTP status 429"),
        (
            ScriptedResponse(403, b'{"error_code": 40301}'),
            RegistryMisconfigured,
            "refuses the credentials: look at SCHEMA_REGISTRY_CONFIG",
        ),
        (
            ScriptedResponse(404, PAGE),
            RegistryMisconfigured,
            "without a registry's error code: look at SCHEMA_REGISTRY_URL",
        ),
        (ScriptedResponse(404, b'{"error_code": 404}'), RegistryMisconfigured, "look at SCHEMA_REGISTRY_URL"),
        (
            ScriptedResponse(200, PAGE),
            RegistryMisconfigured,
            "the response is not a schema registry's: look at SCHEMA_REGISTRY_URL",
        ),
        (ScriptedResponse(200, b"\xff"), RegistryMisconfigured, "the response is not a schema registry's"),
        (ScriptedResponse(200, b"[]"), RegistryMisconfigured, "the response is not a schema registry's"),
        (ScriptedResponse(200, b"null"), RegistryMisconfigured, "the response is not a schema registry's"),
        (ScriptedResponse(200, b""), RegistryMisconfigured, "the response is not a schema registry's"),
        (json_response({}), RegistryMisconfigured, "the response is not a schema registry's"),
        (json_response({"schema": 5}), RegistryMisconfigured, "the response is not a schema registry's"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_look_up_without_an_answer_ends_in_time_and_names_the_cause(
    response: ScriptedResponse, error: type[RegistryUnreachable], cause: str
) -> None:
    with peer(lambda _: response) as server:
        registry = SchemaRegistry(server.url, {"timeout": TIMEOUT}, Proxies.none())
        started_at = time.monotonic()
        with pytest.raises(RegistryUnreachable) as caught:
            registry.fetch(1)
        assert time.monotonic() - started_at < IN_TIME
        registry.close()
    assert type(caught.value) is error
    assert cause in str(caught.value)


def test_an_unusable_response_is_not_cached() -> None:
    with peer(lambda _: json_response({"status": "starting"})) as server:
        registry = SchemaRegistry(server.url, {}, Proxies.none())
        with pytest.raises(RegistryMisconfigured):
            registry.fetch(1)
        server.answer = lambda _: json_response(SCHEMA)
        assert registry.fetch(1).root.name == "a.Inner"
        registry.close()


def test_a_redirect_is_reported_and_not_followed() -> None:
    with peer(lambda _: json_response(SCHEMA)) as target:
        redirect = ScriptedResponse(302, headers={"Location": f"{target.url}/schemas/ids/1"})
        with peer(lambda _: redirect) as server:
            registry = SchemaRegistry(server.url, {"basic.auth.user.info": "jane:s3cret-pass"}, Proxies.none())
            with pytest.raises(
                RegistryMisconfigured, match="a redirect, which is not followed: look at SCHEMA_REGISTRY_URL"
            ):
                registry.fetch(1)
            registry.close()
    assert not target.requests


@pytest.mark.parametrize(
    "response", [wire(fault_scripts.hang()), wire(fault_scripts.dribble()), ScriptedResponse(503, b"")]
)
def test_the_next_of_several_addresses_has_its_own_timeout(response: ScriptedResponse) -> None:
    with peer(lambda _: response) as faulty, peer(lambda _: json_response(SCHEMA)) as healthy:
        registry = SchemaRegistry(f"{faulty.url},{healthy.url}", {"timeout": TIMEOUT}, Proxies.none())
        assert registry.fetch(1).root.name == "a.Inner"
        registry.close()


def test_a_look_up_with_a_dribbling_token_issuer_ends_in_time() -> None:
    with peer(lambda _: wire(fault_scripts.dribble())) as issuer, peer(lambda _: json_response(SCHEMA)) as server:
        oauth = {
            "bearer.auth.credentials.source": "OAUTHBEARER",
            "bearer.auth.logical.cluster": "lsrc-1",
            "bearer.auth.client.id": "jane",
            "bearer.auth.client.secret": "s3cret-pass",
            "bearer.auth.scope": "schemas",
            "bearer.auth.issuer.endpoint.url": issuer.url,
        }
        registry = SchemaRegistry(server.url, {"timeout": TIMEOUT, **oauth}, Proxies.none())
        started_at = time.monotonic()
        with pytest.raises(RegistryUnreachable, match="no access token"):
            registry.fetch(1)
        assert time.monotonic() - started_at < IN_TIME
        registry.close()
    assert not server.requests


def test_a_closed_registry_requests_no_further_reference() -> None:
    """Otherwise a process could not end before each reference had its slow response."""
    nested = {**SCHEMA, "references": [{"name": "b.B", "subject": "b", "version": 1}]}

    def answer(_request: PeerRequest) -> ScriptedResponse:
        registry.close()
        return json_response(nested)

    with peer(answer) as server:
        registry = SchemaRegistry(server.url, {}, Proxies.none())
        with pytest.raises(RegistryUnreachable):
            registry.fetch(1)
    assert len(server.requests) == 1
