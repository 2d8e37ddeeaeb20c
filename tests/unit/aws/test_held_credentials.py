"""Credentials of a role are kept until shortly before their end, also while their source is away."""

import ssl
from dataclasses import dataclass, field

import pytest
import trustme

from consumer.aws.credentials import Credentials, CredentialsDelayed, CredentialSources
from consumer.aws.held_credentials import RENEW_SECONDS, HeldCredentials
from consumer.errors import NoAnswer
from consumer.http_client.client import HttpClient
from consumer.http_client.proxies import Proxies
from tests.http_peer import json_response, peer


@dataclass(slots=True)
class Sources:
    """Credentials of an hour each, numbered, as the source gives them at `now`; or an error."""

    now: float = 0.0
    lifetime: float | None = 3600.0
    errors: list[Exception] = field(default_factory=list)
    given: int = 0

    def credentials(self) -> Credentials:
        if self.errors:
            raise self.errors[0]
        self.given += 1
        expires_at = None if self.lifetime is None else self.now + self.lifetime
        return Credentials("AWS_ROLE_ARN", f"key-{self.given}", "s", "", expires_at)


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def held(sources: Sources) -> HeldCredentials:
    return HeldCredentials(sources, lambda: sources.now)  # type: ignore[arg-type]


def test_they_are_renewed_minutes_before_their_end(sources: Sources, held: HeldCredentials) -> None:
    for sources.now in (0.0, 1.0, 3600 - RENEW_SECONDS - 1):
        assert held.credentials().key == "key-1"
    sources.now = 3600 - RENEW_SECONDS
    assert held.credentials().key == "key-2"


def test_an_outage_costs_nothing_before_their_end(sources: Sources, held: HeldCredentials) -> None:
    held.credentials()
    sources.errors = [CredentialsDelayed("away")]
    sources.now = 3599.0
    assert held.credentials().key == "key-1"
    sources.now = 3600.0
    with pytest.raises(CredentialsDelayed):
        held.credentials()
    sources.errors = []
    assert held.credentials().key == "key-2"


def test_a_wrong_setting_shows_when_they_are_renewed(sources: Sources, held: HeldCredentials) -> None:
    held.credentials()
    sources.now, sources.errors = 3600 - RENEW_SECONDS, [NoAnswer("denied")]
    with pytest.raises(NoAnswer, match="denied"):
        held.credentials()


def test_refused_ones_are_not_used_again(sources: Sources, held: HeldCredentials) -> None:
    held.credentials()
    held.forget()
    assert held.credentials().key == "key-2"


def test_those_without_an_end_are_asked_for_each_time(sources: Sources, held: HeldCredentials) -> None:
    sources.lifetime = None
    assert [held.credentials().key for _ in range(2)] == ["key-1", "key-2"]


def error_of(url: str) -> NoAnswer:
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}
    with pytest.raises(NoAnswer) as caught:
        CredentialSources("eu-west-1", environ, HttpClient(Proxies.none())).credentials()
    return caught.value


def test_no_connection_is_a_delay_and_an_untrusted_certificate_is_not() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with peer(lambda _: json_response({}), tls) as agent:
        assert type(error_of(agent.url)) is NoAnswer
    assert type(error_of("http://127.0.0.1:1/")) is CredentialsDelayed
