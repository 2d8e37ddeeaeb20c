"""Access tokens: used for most of their lifetime, fetched again afterwards, and shown nowhere."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from consumer.avro.registry_tokens import MAX_TOKEN_RESPONSE_BYTES, AccessTokens, token_request
from consumer.avro.schema_lookup import RegistryMisconfigured, RegistryUnreachable
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.http_client.client import HttpClient
from consumer.http_client.proxies import Proxies
from tests.http_peer import Peer, json_response, peer

SECRET = "s3cret-pass"


def options(url: str, scope: str) -> dict[str, str]:
    names = "issuer.endpoint.url", "client.id", "client.secret", "scope"
    return dict(zip((f"bearer.auth.{name}" for name in names), (url, "jane", SECRET, scope), strict=True))


class Tokens:
    """Tokens of an issuer, and the clock that they are used by."""

    def __init__(self, issuer: Peer) -> None:
        self.now = 1000.0
        self.issuer = issuer
        request = token_request(options(f"{issuer.url}/token", "schemas"))
        self.tokens = AccessTokens(HttpClient(Proxies.none()), request, 5.0, lambda: self.now)


def response(token: Any = "token-1", **others: Any) -> ScriptedResponse:
    return json_response({"access_token": token, "token_type": "Bearer", **others})


@pytest.mark.parametrize("expires_in", [100, "100", 100.0])
def test_a_token_is_used_for_four_fifths_of_its_lifetime(expires_in: Any) -> None:
    with peer(lambda _: response(expires_in=expires_in)) as issuer:
        tokens = Tokens(issuer)
        for tokens.now in (1000.0, 1079.0):
            assert tokens.tokens.token() == "token-1"
        assert len(issuer.requests) == 1
        issuer.answer = lambda _: response("token-2")
        tokens.now = 1080.0
        assert tokens.tokens.token() == "token-2"
        assert len(issuer.requests) == 2


@pytest.mark.parametrize("expires_in", [None, "soon", -5, True, [], 10**30, "1e9"])
def test_a_lifetime_that_is_no_number_is_five_minutes(expires_in: Any) -> None:
    with peer(lambda _: response(expires_in=expires_in)) as issuer:
        tokens = Tokens(issuer)
        for tokens.now in (1000.0, 1239.0, 1240.0):
            tokens.tokens.token()
        assert len(issuer.requests) == 2


def test_a_token_that_the_registry_refuses_is_fetched_again() -> None:
    with peer(lambda _: response(expires_in=3600)) as issuer:
        tokens = Tokens(issuer)
        tokens.tokens.token()
        tokens.tokens.forget()
        tokens.tokens.token()
        assert len(issuer.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        json_response({"error": "invalid_client", "error_description": SECRET}, 401),
        json_response({"error": SECRET}, 400),
        ScriptedResponse(302, headers={"Location": "http://127.0.0.1:1/"}),
        ScriptedResponse(200, b"<html>"),
        json_response([]),
        json_response({}),
        response(7),
        response(""),
        response("a b"),
        response(f"{SECRET}\r\nX: y"),
        response("ä"),
        response("x" * MAX_TOKEN_RESPONSE_BYTES),
    ],
)
def test_an_issuer_that_gives_no_token_is_named_without_its_words(answer: ScriptedResponse) -> None:
    with peer(lambda _: answer) as issuer:
        tokens = Tokens(issuer)
        with pytest.raises(RegistryMisconfigured) as caught:
            tokens.tokens.token()
    assert str(caught.value).startswith("no access token: look at bearer.auth.* in SCHEMA_REGISTRY_CONFIG; ")
    assert SECRET not in f"{caught.value!r}"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_outage_of_the_issuer_is_no_wrong_setting(status: int) -> None:
    with peer(lambda _: json_response({"error": SECRET}, status)) as issuer:
        tokens = Tokens(issuer)
        with pytest.raises(RegistryUnreachable) as caught:
            tokens.tokens.token()
    assert type(caught.value) is RegistryUnreachable
    assert str(caught.value).endswith(f"so far; the issuer answers HTTP status {status}")
    assert SECRET not in f"{caught.value!r}"


def test_an_issuer_that_cannot_be_reached_is_an_outage() -> None:
    request = token_request(options("http://127.0.0.1:1/token", "schemas"))
    with pytest.raises(RegistryUnreachable) as caught:
        AccessTokens(HttpClient(Proxies.none()), request, 5.0).token()
    assert type(caught.value) is RegistryUnreachable


def test_a_request_for_a_token_shows_no_secret() -> None:
    request = token_request(options("https://issuer.example", "a b"))
    assert SECRET not in repr(request)
    assert parse_qs(request.content.decode()) == {"grant_type": ["client_credentials"], "scope": ["a b"]}


def test_microsoft_entra_gets_the_secret_of_the_client_in_the_form() -> None:
    request = token_request(options("https://issuer.example", "a b"), in_form=True)
    form = {"grant_type": ["client_credentials"], "scope": ["a b"], "client_id": ["jane"], "client_secret": [SECRET]}
    assert parse_qs(request.content.decode()) == form
    assert "Authorization" not in request.headers
    assert SECRET not in repr(request)
