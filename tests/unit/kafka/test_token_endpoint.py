"""The way to a token endpoint: whom the client trusts there by default, and through which proxy it asks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import trustme
from confluent_kafka.admin import AdminClient

import consumer.settings
from consumer import factories
from consumer.cli.check_ways import check_ways
from consumer.kafka import token_endpoint
from consumer.kafka.client_config import create_client
from consumer.kafka.token_endpoint import authority_options, platform_bundle
from tests.http_peer import PeerRequest, json_response, peer
from tests.support import wait_until
from tests.tunnels import Tunnels, proxy
from tests.unit.kafka.test_token_errors import AUTHORITY, authority_file, oidc, server_context

__all__ = ["authority_file"]
OIDC = {"sasl.oauthbearer.method": "oidc"}
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of the process as it was, because the code under test changes it."""
    before = dict(os.environ)
    for name in (*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.undo()
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


@pytest.mark.parametrize(
    "options",
    [{}, {"sasl.oauthbearer.method": "default"}, {**OIDC, "https.ca.location": "/x"}, {**OIDC, "https.ca.pem": "x"}],
)
def test_an_option_of_the_user_goes_first_and_other_methods_need_none(options: dict[str, Any]) -> None:
    assert authority_options(options) == {}


def test_the_bundle_of_the_environment_goes_before_that_of_the_platform_and_certifi_s_is_the_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("")
    monkeypatch.setattr(token_endpoint, "_PLATFORM_BUNDLES", (str(tmp_path / "missing"), str(bundle)))
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: type("Paths", (), {"cafile": None}))
    assert platform_bundle() == str(bundle)
    monkeypatch.setattr(token_endpoint, "_PLATFORM_BUNDLES", ())
    assert platform_bundle() == certifi.where()
    for name, path in (("SSL_CERT_DIR", tmp_path), ("SSL_CERT_FILE", bundle)):
        monkeypatch.setenv(name, str(path))
        assert platform_bundle() == str(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("SSL_CERT_DIR", "")
    assert platform_bundle() == certifi.where()


def asks(options: dict[str, Any]) -> bool:
    """Whether a client with these options asks the endpoint, which has a certificate of AUTHORITY."""
    errors: list[str] = []
    with peer(lambda _: json_response({"error": "invalid_client"}, 401), server_context()) as server:
        config = {**oidc(server.url), "bootstrap.servers": "127.0.0.1:1", "log_level": 0, **options}
        client = create_client(AdminClient, {**config, "error_cb": lambda error: errors.append(error.str())})
        wait_until(lambda: client.poll(0.05) or errors, "the client to have its answer")
        return bool(server.requests)


def test_the_client_asks_by_default_with_the_authorities_of_the_platform(
    authority_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not asks({})
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    assert asks({})


@pytest.mark.parametrize("kind", ["file", "folder", "text"])
def test_a_private_authority_of_the_brokers_counts_beside_those_of_the_platform(
    kind: str, authority_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0a1b2c3d.0").write_bytes(AUTHORITY.cert_pem.bytes())
    options = {
        "file": {"ssl.ca.location": authority_file},
        "folder": {"ssl.ca.location": str(tmp_path)},
        "text": {"ssl.ca.pem": AUTHORITY.cert_pem.bytes().decode()},
    }
    assert asks(options[kind])
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert not asks({"ssl.ca.location": str(other)})
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    assert asks({"ssl.ca.location": str(other)})
    assert not asks({"https.ca.location": str(other)})


def settings(**variables: str) -> consumer.settings.Settings:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "SEGMENT_WRITE_KEY": "key", **variables}
    return consumer.settings.load(environ=environ)


@pytest.mark.parametrize(
    ("variables", "is_tunnelled"),
    [
        ({}, True),
        ({"NO_PROXY": "127.0.0.1.nip.example,idp.example"}, False),
        *[({"NO_PROXY": entries}, False) for entries in ("*", "idp.example:443", "*.example", "a.example idp.example")],
        ({"NO_PROXY": "idp.example:8443"}, True),
        ({"TRUST_PROXY_ENV": "false"}, False),
    ],
)
def test_the_token_endpoint_is_asked_on_the_way_of_all_requests(
    variables: dict[str, str], is_tunnelled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names another proxy, so what counts is the setting."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:2")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:2")
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    requests: list[PeerRequest] = []

    def answer(request: PeerRequest) -> Any:
        requests.append(request)
        return json_response({"error": "invalid_client"}, 401)

    with peer(answer, server_context("idp.example")) as server:
        tunnels = Tunnels(int(server.url.rpartition(":")[2]))
        with proxy(tunnels.serve) as port:
            options = oidc("https://idp.example", **{"https.ca.location": str(tmp_path / "ca.pem")})
            chosen = settings(HTTPS_PROXY=f"http://127.0.0.1:{port}", KAFKA_CONFIG=json_text(options), **variables)
            errors: list[str] = []
            config = {**factories.kafka_options(chosen), "bootstrap.servers": "127.0.0.1:1"}
            client = create_client(AdminClient, {**config, "error_cb": lambda error: errors.append(error.str())})
            wait_until(lambda: client.poll(0.05) or errors, "the client to have its answer")
    assert bool(requests) == bool(tunnels.heads) == is_tunnelled
    assert not tunnels.heads or tunnels.heads[0].startswith(b"CONNECT idp.example:443 ")


def json_text(options: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in options.items() if name != "log_level"})


def test_check_says_which_way_tokens_and_credentials_come(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(HTTPS_PROXY="http://proxy:3128", KAFKA_CONFIG=json_text(oidc("https://u:hush-7391@idp.example")))
    lines = [result.detail for result in check_ways(chosen)]
    text = "token endpoint: https://idp.example/token is reached through the proxy proxy:3128 of HTTPS_PROXY"
    assert text in lines
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS", raising=False)
    chosen = settings(HTTPS_PROXY="http://proxy:3128", KAFKA_MSK_REGION="eusc-de-east-1")
    lines = [result.detail for result in check_ways(chosen)]
    text = "AWS STS: https://sts.eusc-de-east-1.amazonaws.eu/ is reached through the proxy proxy:3128 of HTTPS_PROXY"
    assert text in lines
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.example/")
    glue = {"SCHEMA_REGISTRY_URL": "https://glue.eu-west-1.amazonaws.com", "SCHEMA_REGISTRY_TYPE": "glue"}
    lines = [result.detail for result in check_ways(settings(HTTPS_PROXY="http://proxy:3128", **glue))]
    assert "AWS STS: https://sts.example/ is reached through the proxy proxy:3128 of HTTPS_PROXY" in lines
    issuer = {"issuer.endpoint.url": "https://idp.example/token", "client.id": "c", "client.secret": "hush-7391"}
    config = {"credentials.source": "OAUTHBEARER", **issuer}
    text = json_text({f"bearer.auth.{name}": value for name, value in config.items()})
    chosen = settings(HTTPS_PROXY="http://proxy:3128", SCHEMA_REGISTRY_URL="https://r", SCHEMA_REGISTRY_CONFIG=text)
    lines = [result.detail for result in check_ways(chosen)]
    way = "https://idp.example/token is reached through the proxy proxy:3128 of HTTPS_PROXY"
    assert f"issuer of tokens for the schema registry: {way}" in lines


def test_without_oidc_the_environment_stays_as_it_is() -> None:
    script = (
        "import os, consumer.settings as s; from consumer import factories; "
        "factories.kafka_options(s.load(environ=dict(os.environ))); print(os.environ['https_proxy'])"
    )
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY": "key", "https_proxy": "http://proxy:1"}
    output = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "http://proxy:1"
