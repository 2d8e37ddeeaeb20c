"""Tokens for MSK: as Amazon's own client signs them, never longer than their credentials, and never an exception."""

import base64
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from confluent_kafka.admin import AdminClient

import consumer.settings
from consumer.aws.credentials import Credentials, CredentialSources
from consumer.cli.check_kafka import check_kafka
from consumer.errors import NoAnswer
from consumer.http_client.client import HttpClient
from consumer.http_client.proxies import Proxies
from consumer.kafka import msk_iam
from consumer.kafka.client_config import create_client, identity_options
from tests.http_peer import json_response, peer

NOW = datetime(2026, 11, 5, 12, 0, 0, tzinfo=UTC)
SECRET = "s3cret/with+signs"
FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"


def signer(session: str = "session/with+signs==", expires_at: float | None = None) -> Credentials:
    return Credentials(FULL, "ASIAKEY", SECRET, session, expires_at)


def sources(environ: dict[str, str]) -> CredentialSources:
    return CredentialSources("eu-west-1", environ, HttpClient(Proxies.none()))


def url_of(token: str) -> str:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()


@pytest.mark.parametrize("session", ["", "session/with+signs=="])
@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"])
def test_a_token_is_signed_as_amazon_s_client_signs(region: str, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = urlsplit(url_of(msk_iam.sign(region, signer(session), NOW, 600)))
    query = dict(parse_qsl(url.query))
    assert query.pop("User-Agent") == "sprig-to-segment"
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    request = AWSRequest("GET", f"https://{url.netloc}/", params={"Action": "kafka-cluster:Connect"})
    credentials = ReadOnlyCredentials("ASIAKEY", SECRET, session or None)
    SigV4QueryAuth(credentials, "kafka-cluster", region, 600).add_auth(request)
    assert query == dict(parse_qsl(urlsplit(request.url).query))


@pytest.mark.parametrize(
    ("left", "seconds"), [(None, 900), (7200, 900), (900, 900), (899.9, 899), (61, 61), (1, 1), (0.9, 0), (-3600, 0)]
)
def test_a_token_is_good_for_as_long_as_its_credentials(left: float | None, seconds: int) -> None:
    expires_at = None if left is None else (NOW + timedelta(seconds=left)).timestamp()
    credentials = signer(expires_at=expires_at)
    if seconds:
        assert msk_iam.lifetime(credentials, NOW) == seconds
    else:
        with pytest.raises(NoAnswer, match=f"the credentials of {FULL} have expired: check the clock"):
            msk_iam.lifetime(credentials, NOW)


def test_the_client_gets_the_end_of_the_credentials_and_asks_anew_each_time() -> None:
    ends = datetime.now(UTC) + timedelta(seconds=60)
    answer = {"AccessKeyId": "A", "SecretAccessKey": "B", "Token": "C", "Expiration": ends.isoformat()}
    with peer(lambda _: json_response(answer)) as agent:
        callback = msk_iam.token_callback(sources({FULL: agent.url}))
        token, ends_at = callback("")
        assert ends.timestamp() - 1.5 < ends_at <= ends.timestamp()
        assert dict(parse_qsl(urlsplit(url_of(token)).query))["X-Amz-Expires"] in ("58", "59")
        callback("")
    assert len(agent.requests) == 2


BROKEN = [
    ({FULL: "http://[::1"}, FULL),
    ({FULL: "http://127.0.0.1:1", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "\0"}, "AUTHORIZATION_TOKEN_FILE"),
    ({"AWS_ROLE_ARN": "role", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere"}, "AWS_WEB_IDENTITY_TOKEN_FILE"),
    ({"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "\udcff"}, "AWS_SECRET_ACCESS_KEY"),
    ({}, "no role of the pod"),
]


@pytest.mark.parametrize(("environ", "text"), BROKEN)
def test_a_client_without_credentials_starts_and_says_why(
    environ: dict[str, str], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception in the callback would make the client wait for ten seconds, and then fail for another reason."""
    options: dict[str, Any] = {**identity_options(None, sources(environ)), "bootstrap.servers": "127.0.0.1:1"}
    with caplog.at_level(logging.ERROR):
        create_client(AdminClient, {**options, "log_level": 0})
    (record,) = [record for record in caplog.records if record.message == "no token for MSK, retrying"]
    assert text in record.__dict__["error"]


@pytest.mark.parametrize(("environ", "text"), BROKEN[:3])
def test_check_asks_aws_before_it_asks_a_broker(
    environ: dict[str, str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker would say that it refuses the credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", FULL, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        if "\0" not in value:
            monkeypatch.setenv(name, value)
    settings = consumer.settings.load(
        environ={"KAFKA_BOOTSTRAP_SERVERS": "b:1", "KAFKA_MSK_REGION": "eusc-de-east-1", "SEGMENT_WRITE_KEY": "key"}
    )
    (result,) = check_kafka(settings)
    assert (result.state, result.subject) == ("problem", "AWS")
    assert text.removeprefix("AUTHORIZATION_TOKEN_FILE") in result.detail


def test_an_unforeseen_exception_gives_a_token_that_expires_soon(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: CredentialSources) -> Credentials:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(CredentialSources, "credentials", fail)
    token, ends_at = msk_iam.token_callback(sources({}))("")
    assert token == "none"
    assert 0 < ends_at - datetime.now(UTC).timestamp() <= 10
    assert SECRET not in caplog.text


def test_a_failed_request_keeps_a_token_that_is_still_good(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC).timestamp()
    answers: list[Credentials | NoAnswer] = [
        signer(expires_at=now + 100),
        NoAnswer("away"),
        signer(expires_at=now + 1.5),
        NoAnswer("away"),
    ]

    def credentials(_: CredentialSources) -> Credentials:
        answer = answers.pop(0)
        if isinstance(answer, NoAnswer):
            raise answer
        return answer

    monkeypatch.setattr(CredentialSources, "credentials", credentials)
    callback = msk_iam.token_callback(sources({}))
    token, _ = callback("")
    again, ends_at = callback("")
    assert token == again != "none"
    assert ends_at - datetime.now(UTC).timestamp() <= 10
    callback("")
    assert callback("")[0] == "none"  # less than a second is left


def test_a_token_file_is_read_again_for_each_token(tmp_path: Path) -> None:
    """The platform replaces the token of a service account each hour."""
    file = tmp_path / "token"
    answer = {"AccessKeyId": "A", "SecretAccessKey": "B", "Token": "C"}
    with peer(lambda _: json_response(answer)) as agent:
        environ = {FULL: agent.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}
        callback = msk_iam.token_callback(sources(environ))
        for text in ("first", "second"):
            file.write_text(text)
            callback("")
    assert [request.headers["authorization"] for request in agent.requests] == ["first", "second"]
