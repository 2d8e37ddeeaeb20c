"""Authentication and TLS of the registry's client: a failure is no answer, and no secret is shown."""

import logging
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from consumer.avro.schema_lookup import RegistryMisconfigured, SchemaNotFound
from consumer.avro.schema_registry import SchemaRegistry
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.http_client.proxies import Proxies
from tests.http_peer import Peer, PeerRequest, json_response, peer

SECRET = "s3cret-pass"
SCHEMA = json_response({"schema": '{"type": "record", "name": "a.Inner", "fields": []}'})
BASIC = f"Basic {b64encode(f'jane:{SECRET}'.encode()).decode()}"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def only_with(authorization: str) -> Callable[[PeerRequest], ScriptedResponse]:
    def answer(request: PeerRequest) -> ScriptedResponse:
        if request.headers.get("authorization") == authorization:
            return SCHEMA
        return json_response({"error_code": 40101, "message": f"not {authorization}"}, 401)

    return answer


def fetch(server: Peer, config: dict[str, Any]) -> str:
    """The result of one look-up: the schema's name, or the text for an operator."""
    registry = SchemaRegistry(server.url, config, Proxies.none())
    try:
        return registry.fetch(1).root.name
    except RegistryMisconfigured as error:
        return str(error)
    finally:
        registry.close()


@pytest.fixture(autouse=True)
def log_everything(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test of this file may leave a secret in any logger's records, at any level."""
    caplog.set_level(logging.NOTSET)
    yield
    assert SECRET not in caplog.text
    assert BASIC not in caplog.text


STATIC = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.logical.cluster": "lsrc-1"}


@pytest.mark.parametrize(
    ("valid", "invalid", "header"),
    [
        ({"basic.auth.user.info": f"jane:{SECRET}"}, {"basic.auth.user.info": f"john:{SECRET}"}, BASIC),
        ({**STATIC, "bearer.auth.token": SECRET}, {**STATIC, "bearer.auth.token": f"old-{SECRET}"}, f"Bearer {SECRET}"),
    ],
)
def test_credentials_are_accepted_and_wrong_credentials_are_reported_as_refused(
    valid: dict[str, Any], invalid: dict[str, Any], header: str
) -> None:
    with peer(only_with(header)) as server:
        assert fetch(server, valid) == "a.Inner"
        refusal = "HTTP status 401, the registry refuses the credentials: look at SCHEMA_REGISTRY_CONFIG"
        assert [fetch(server, invalid), fetch(server, {})] == [refusal, refusal]


def test_a_bearer_token_names_its_cluster_and_pool() -> None:
    pool = {"bearer.auth.token": SECRET, "bearer.auth.identity.pool.id": "pool-1"}
    with peer(only_with(f"Bearer {SECRET}")) as server:
        assert fetch(server, {**STATIC, **pool}) == "a.Inner"
    (request,) = server.requests
    assert (request.headers["target-sr-cluster"], request.headers["confluent-identity-pool-id"]) == ("lsrc-1", "pool-1")


def test_a_token_of_an_issuer_is_accepted_and_a_missing_token_is_reported() -> None:
    oauth = {
        "bearer.auth.credentials.source": "OAUTHBEARER",
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.client.id": "jane",
        "bearer.auth.client.secret": SECRET,
        "bearer.auth.scope": "schemas",
    }
    token = json_response({"access_token": f"token-{SECRET}", "token_type": "bearer", "expires_in": 3600})
    with peer(lambda _: token) as issuer, peer(only_with(f"Bearer token-{SECRET}")) as server:
        config = {**oauth, "bearer.auth.issuer.endpoint.url": f"{issuer.url}/token"}
        assert fetch(server, config) == "a.Inner"
        issuer.answer = lambda _: json_response({"error": "invalid_client", "error_description": SECRET}, 401)
        assert "no access token: look at bearer.auth.*" in fetch(server, config)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trust_options(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The options of a client that trusts the private authority, and no other."""
    return {"ssl.ca.location": write_blobs(tmp_path_factory.mktemp("tls") / "ca.pem", authority.cert_pem)}


def write_blobs(path: Path, *blobs: trustme.Blob) -> str:
    for blob in blobs:
        blob.write_to_path(str(path), append=True)
    return str(path)


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_private_authority_is_trusted_if_ssl_ca_location_names_it(
    authority: trustme.CA, trust_options: dict[str, Any]
) -> None:
    with peer(lambda _: SCHEMA, server_context(authority.issue_cert("127.0.0.1"))) as server:
        assert fetch(server, trust_options) == "a.Inner"
        assert "unable to get local issuer certificate: look at ssl.ca.location" in fetch(server, {})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("issue", "cause"),
    [
        (lambda _: trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer certificate"),
        (lambda ca: ca.issue_cert("127.0.0.1", not_after=YESTERDAY), "certificate has expired"),
        (lambda ca: ca.issue_cert("registry.example"), "IP address mismatch"),
    ],
    ids=["another authority", "expired", "another host"],
)
def test_a_registry_with_a_wrong_certificate_gets_no_request(
    authority: trustme.CA, trust_options: dict[str, Any], issue: Callable[[trustme.CA], trustme.LeafCert], cause: str
) -> None:
    with peer(lambda _: SCHEMA, server_context(issue(authority))) as server:
        error = fetch(server, {**trust_options, "basic.auth.user.info": f"jane:{SECRET}"})
    assert error.startswith("cannot verify the registry's certificate, ")
    assert cause in error
    assert not server.requests


def test_a_registry_may_require_a_certificate_of_its_client(
    authority: trustme.CA, trust_options: dict[str, Any], tmp_path: Path
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("service@example.com")
    certificate = write_blobs(tmp_path / "own.pem", *own.cert_chain_pems)
    key = write_blobs(tmp_path / "own.key", own.private_key_pem)
    with peer(lambda _: SCHEMA, context) as server:
        files = {"ssl.certificate.location": certificate, "ssl.key.location": key}
        assert fetch(server, {**trust_options, **files}) == "a.Inner"
        stranger = write_blobs(
            tmp_path / "stranger.pem", trustme.CA().issue_cert("x@example.com").private_key_and_cert_chain_pem
        )
        assert "TLS fails, " in fetch(server, trust_options)
        assert "TLS fails, " in fetch(server, {**trust_options, "ssl.certificate.location": stranger})
    assert len(server.requests) == 1


def test_https_on_a_plain_http_port_is_reported(trust_options: dict[str, Any]) -> None:
    with peer(lambda _: SCHEMA) as server:
        server.url = server.url.replace("http:", "https:")
        assert "TLS fails, " in fetch(server, trust_options)


def test_an_id_that_is_not_found_is_not_an_access_error() -> None:
    with peer(lambda _: json_response({"error_code": 40403}, 404)) as server, pytest.raises(SchemaNotFound):
        fetch(server, {"basic.auth.user.info": f"jane:{SECRET}"})
