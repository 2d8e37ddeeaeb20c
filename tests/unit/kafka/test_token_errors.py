"""Why a client has no token: real endpoints, over https and with a proxy, and the client's own texts; no secret."""

import base64
import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from consumer.demo.fault_scripts import ScriptedResponse
from consumer.errors import NoAnswer
from consumer.kafka import admin
from consumer.kafka.admin import KafkaAdmin
from consumer.kafka.client_config import ClientLog
from consumer.kafka.token_errors import token_failure, without_answer
from tests.http_peer import PeerRequest, json_response, peer

SECRET = "hush-7391"
AUTHORITY = trustme.CA()
URL = "sasl.oauthbearer.token.endpoint.url"
REACH = f"the token endpoint cannot be reached: check {URL}"
NO_ANSWER = f"the token endpoint does not answer, or answers with an error that the client retries: check {URL}"
CLIENT = "the token endpoint refuses the client: check sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret"


@pytest.fixture(scope="module")
def authority_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(host: str = "127.0.0.1", ends: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends).configure_cert(context)
    return context


def token(expires: int) -> str:
    """A JWT that nobody signed, which only a broker would notice."""
    parts = {"alg": "none"}, {"sub": "sprig", "exp": expires}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "signature"])


def oidc(url: str, **options: str) -> dict[str, Any]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "sprig",
        "sasl.oauthbearer.client.secret": SECRET,
        "sasl.oauthbearer.token.endpoint.url": f"{url}/token",
        "log_level": 6,
        **options,
    }


def failure(options: Mapping[str, Any], caplog: pytest.LogCaptureFixture) -> str:
    """What is wrong, as `check` says it. Neither this nor the client's log holds the secret."""
    logger = ClientLog(logging.getLogger("librdkafka"))
    with caplog.at_level(logging.DEBUG), pytest.raises(NoAnswer) as caught:
        KafkaAdmin("127.0.0.1:1", {**options, "logger": logger}).brokers()
    assert SECRET not in str(caught.value) + caplog.text
    return str(caught.value)


def answer(status: int, body: bytes, content_type: str = "application/json") -> ScriptedResponse:
    return ScriptedResponse(status, body, headers={"Content-Type": content_type})


def refusal(error: str, status: int = 400) -> ScriptedResponse:
    """As a provider answers which repeats what it was sent."""
    return json_response({"error": error, "error_description": f"{error}: the secret is {SECRET}"}, status)


@pytest.mark.parametrize(
    ("response", "text"),
    [
        pytest.param(refusal("invalid_client", 401), f"{CLIENT} (invalid_client)", id="client"),
        pytest.param(refusal("invalid_scope"), "check sasl.oauthbearer.scope (invalid_scope)", id="scope"),
        pytest.param(refusal("unauthorized_client"), "refuses this grant", id="grant"),
        pytest.param(refusal("no such realm", 404), "the token endpoint answers with an error: check", id="not there"),
        pytest.param(answer(403, SECRET.encode(), "text/html"), "(HTTP 403)", id="a page"),
        pytest.param(refusal("busy", 503), NO_ANSWER, id="overloaded"),  # the client retries for a minute
        pytest.param(answer(200, SECRET.encode(), "text/html"), "the answer is not that of a token", id="login page"),
        pytest.param(answer(200, b"{" + SECRET.encode()), "the answer is not that of a token", id="broken"),
        pytest.param(answer(302, b"moved", "text/html"), "the answer is not that of a token", id="redirect"),
        pytest.param(answer(200, b""), "the answer is not that of a token", id="empty"),
        pytest.param(answer(200, json.dumps({"access_token": SECRET}).encode()), "its token is no JWT", id="opaque"),
        pytest.param(
            answer(200, json.dumps({"access_token": token(946_684_800)}).encode()), "has expired: check", id="past"
        ),
    ],
)
def test_an_answer_without_a_token_names_what_to_check(
    response: ScriptedResponse,
    text: str,
    authority_file: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if text != NO_ANSWER:
        monkeypatch.setattr(admin, "ANSWER_SECONDS", 60.0)  # a busy machine takes longer than `check` waits
    with peer(lambda _: response, server_context()) as server:
        line = failure(oidc(server.url, **{"https.ca.location": authority_file}), caplog)
    assert line.startswith("SASL fails: no token")
    assert text in line
    assert server.requests


def expired() -> ssl.SSLContext:
    return server_context(ends=datetime(2020, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("context", "is_trusted", "text"),
    [
        pytest.param(server_context(), False, "set https.ca.location in KAFKA_CONFIG to a file", id="authority"),
        pytest.param(server_context("other.example"), True, "is not for this host name", id="host name"),
        pytest.param(expired(), True, "the certificate of the token endpoint has expired", id="expired"),
        pytest.param(None, True, "the token endpoint does not use TLS", id="no TLS"),
    ],
)
def test_a_token_endpoint_that_cannot_be_verified_gets_no_request(
    context: ssl.SSLContext | None,
    is_trusted: bool,
    text: str,
    authority_file: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    options = {"https.ca.location": authority_file} if is_trusted else {}
    with peer(lambda _: refusal("invalid_client"), context) as server:
        line = failure(oidc(server.url.replace("http:", "https:"), **options), caplog)
    assert text in line
    assert not server.requests


@contextmanager
def silent_server() -> Iterator[str]:
    """It accepts connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_token_endpoint_that_hangs_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with silent_server() as url:
        assert NO_ANSWER in failure(oidc(url), caplog)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (
            "http://127.0.0.1:1",
            f"{REACH}, and the network or the proxy between (Failed to connect to 127.0.0.1:1 after",
        ),
        ("https://no-such-host.invalid", "check sasl.oauthbearer.token.endpoint.url and DNS (Could not resolve host"),
        ("ftp://127.0.0.1", "is not an http or https URL"),
    ],
)
def test_a_token_endpoint_that_cannot_be_reached_is_named(
    url: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert text in failure(oidc(url), caplog)


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "empty").write_text("")
    with peer(lambda _: refusal("invalid_client"), server_context()) as server:
        for option in ({"https.ca.location": str(tmp_path / "empty")}, {"https.ca.pem": "no certificate"}):
            line = failure(oidc(server.url, **option), caplog)
            assert "the authorities for the token endpoint cannot be read: check https.ca.* in KAFKA_CONFIG" in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'OIDC: Failed to retrieve OIDC token from "https://u:{SECRET}@idp/": {SECRET} (500)', "HTTP 500"),
        (f'Failed to retrieve JWT token from "https://idp/": Could not resolve host: idp {SECRET} (-1)', "host: idp)"),
        (f"Failed to acquire SASL OAUTHBEARER token: {SECRET}\nFailed to acquire {SECRET}", "answers with an error"),
        ("Failed to acquire SASL OAUTHBEARER token: CONNECT tunnel failed, response 407", "response 407"),
        ("Failed to acquire SASL OAUTHBEARER token: Could not resolve proxy: proxy", "Could not resolve proxy: proxy"),
        ("Failed to acquire SASL OAUTHBEARER token: Failed to create JWT assertion", "sasl.oauthbearer.assertion.*"),
    ],
)
def test_an_answer_is_not_logged(text: str, shown: str) -> None:
    assert shown in without_answer(text)
    assert SECRET not in without_answer(text)


def test_other_texts_are_logged_as_they_are() -> None:
    assert token_failure("b:1/1: Disconnected") is None
    assert without_answer("b:1/1: Disconnected") == "b:1/1: Disconnected"


def test_a_body_of_megabytes_is_cut_before_it_is_logged(authority_file: str, caplog: pytest.LogCaptureFixture) -> None:
    with peer(lambda _: answer(400, b"x" * 5_000_000, "text/html"), server_context()) as server:
        line = failure(oidc(server.url, **{"https.ca.location": authority_file}), caplog)
    assert len(line) + len(caplog.text) < 20_000
    assert threading.active_count() < 50
    assert {request.path for request in server.requests} == {"/token"}


def test_no_client_secret_goes_to_another_host(authority_file: str, caplog: pytest.LogCaptureFixture) -> None:
    """The client follows no redirect."""
    with peer(lambda _: refusal("invalid_client"), server_context()) as other:

        def redirect(_: PeerRequest) -> ScriptedResponse:
            return ScriptedResponse(307, b"moved", headers={"Location": f"{other.url}/token"})

        with peer(redirect, server_context()) as server:
            failure(oidc(server.url, **{"https.ca.location": authority_file}), caplog)
    assert server.requests
    assert not other.requests
