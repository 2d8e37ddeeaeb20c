"""How the registry's client shows who it is and whom it trusts; a wrong way is no answer, and no secret is told."""

import logging
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from consumer.avro.schema_lookup import Misconfigured, NotThere
from consumer.avro.schema_registry import Registry
from consumer.demo.fault_scripts import Answer
from tests.http_peer import Asked, Peer, peer, says

SECRET = "s3cret-pass"
SCHEMA = says({"schema": '{"type": "record", "name": "a.Inner", "fields": []}'})
BASIC = f"Basic {b64encode(f'jane:{SECRET}'.encode()).decode()}"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def only_with(authorization: str) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        told = asked.headers.get("authorization") == authorization
        return SCHEMA if told else says({"error_code": 40101, "message": f"not {authorization}"}, 401)

    return answer


def fetch(server: Peer, config: dict[str, Any]) -> str:
    """What comes of one look-up: the schema's name, or what an operator is told."""
    registry = Registry(server.url, config)
    try:
        return registry.fetch(1).root.name
    except Misconfigured as error:
        return str(error)
    finally:
        registry.close()


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test of this file may leave a secret in any logger's records, at any level."""
    caplog.set_level(logging.NOTSET)
    for name in ("httpx2", "httpcore2", "authlib"):
        caplog.set_level(logging.NOTSET, name)
    yield
    assert SECRET not in caplog.text
    assert BASIC not in caplog.text


STATIC = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.logical.cluster": "lsrc-1"}


@pytest.mark.parametrize(
    ("right", "wrong", "header"),
    [
        ({"basic.auth.user.info": f"jane:{SECRET}"}, {"basic.auth.user.info": f"john:{SECRET}"}, BASIC),
        ({**STATIC, "bearer.auth.token": SECRET}, {**STATIC, "bearer.auth.token": f"old-{SECRET}"}, f"Bearer {SECRET}"),
    ],
)
def test_credentials_open_the_registry_and_wrong_ones_are_said_to_be_refused(
    right: dict[str, Any], wrong: dict[str, Any], header: str
) -> None:
    with peer(only_with(header)) as server:
        assert fetch(server, right) == "a.Inner"
        told = "HTTP status 401, it refuses our credentials: look at SCHEMA_REGISTRY_CONFIG"
        assert [fetch(server, wrong), fetch(server, {})] == [told, told]


def test_a_bearer_token_names_its_cluster_and_pool() -> None:
    pool = {"bearer.auth.token": SECRET, "bearer.auth.identity.pool.id": "pool-1"}
    with peer(only_with(f"Bearer {SECRET}")) as server:
        assert fetch(server, {**STATIC, **pool}) == "a.Inner"
    (asked,) = server.asked
    assert (asked.headers["target-sr-cluster"], asked.headers["confluent-identity-pool-id"]) == ("lsrc-1", "pool-1")


def test_a_token_of_an_issuer_opens_the_registry_and_one_that_is_not_to_be_had_is_said() -> None:
    oauth = {
        "bearer.auth.credentials.source": "OAUTHBEARER",
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.client.id": "jane",
        "bearer.auth.client.secret": SECRET,
        "bearer.auth.scope": "schemas",
    }
    token = says({"access_token": f"token-{SECRET}", "token_type": "bearer", "expires_in": 3600})
    with peer(lambda _: token) as issuer, peer(only_with(f"Bearer token-{SECRET}")) as server:
        config = {**oauth, "bearer.auth.issuer.endpoint.url": f"{issuer.url}/token"}
        assert fetch(server, config) == "a.Inner"
        issuer.answer = lambda _: says({"error": "invalid_client", "error_description": SECRET}, 401)
        assert "no token for it: look at bearer.auth.*" in fetch(server, config)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The options of a client that trusts the private authority, and no other."""
    return {"ssl.ca.location": written(tmp_path_factory.mktemp("tls") / "ca.pem", authority.cert_pem)}


def written(path: Path, *blobs: trustme.Blob) -> str:
    for blob in blobs:
        blob.write_to_path(str(path), append=True)
    return str(path)


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_private_authority_is_trusted_where_ssl_ca_location_names_it(
    authority: trustme.CA, trusting: dict[str, Any]
) -> None:
    with peer(lambda _: SCHEMA, serving(authority.issue_cert("127.0.0.1"))) as server:
        assert fetch(server, trusting) == "a.Inner"
        assert "unable to get local issuer certificate: look at ssl.ca.location" in fetch(server, {})
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _: trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer certificate"),
        (lambda ca: ca.issue_cert("127.0.0.1", not_after=YESTERDAY), "certificate has expired"),
        (lambda ca: ca.issue_cert("registry.example"), "IP address mismatch"),
    ],
    ids=["another authority", "expired", "another host"],
)
def test_a_registry_with_a_wrong_certificate_is_not_asked(
    authority: trustme.CA, trusting: dict[str, Any], make: Callable[[trustme.CA], trustme.LeafCert], why: str
) -> None:
    with peer(lambda _: SCHEMA, serving(make(authority))) as server:
        told = fetch(server, {**trusting, "basic.auth.user.info": f"jane:{SECRET}"})
    assert told.startswith("its certificate is refused, ")
    assert why in told
    assert not server.asked


def test_a_registry_may_want_a_certificate_of_its_client(
    authority: trustme.CA, trusting: dict[str, Any], tmp_path: Path
) -> None:
    context = serving(authority.issue_cert("127.0.0.1"))
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("service@example.com")
    certificate = written(tmp_path / "own.pem", *own.cert_chain_pems)
    key = written(tmp_path / "own.key", own.private_key_pem)
    with peer(lambda _: SCHEMA, context) as server:
        files = {"ssl.certificate.location": certificate, "ssl.key.location": key}
        assert fetch(server, {**trusting, **files}) == "a.Inner"
        stranger = written(
            tmp_path / "stranger.pem", trustme.CA().issue_cert("x@example.com").private_key_and_cert_chain_pem
        )
        assert "TLS fails, " in fetch(server, trusting)
        assert "TLS fails, " in fetch(server, {**trusting, "ssl.certificate.location": stranger})
    assert len(server.asked) == 1


def test_https_at_a_plain_port_is_said(trusting: dict[str, Any]) -> None:
    with peer(lambda _: SCHEMA) as server:
        server.url = server.url.replace("http:", "https:")
        assert "TLS fails, " in fetch(server, trusting)


def test_an_id_that_is_not_there_is_no_matter_of_access() -> None:
    with peer(lambda _: says({"error_code": 40403}, 404)) as server, pytest.raises(NotThere):
        fetch(server, {"basic.auth.user.info": f"jane:{SECRET}"})
