"""AWS credentials of each source: what is asked, how long they are good, and what is wrong if there are none."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs

import botocore.session
import pytest

from consumer.aws import credentials as aws_credentials
from consumer.aws.credentials import Credentials, CredentialSources
from consumer.aws.endpoint import host
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.errors import NoAnswer
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies
from tests.http_peer import PeerRequest, json_response, peer

TOKEN, SECRET, SESSION = "aws-t0ken-7391", "aws-s3cret-7391", "aws-s3ssion-7391"
EXPIRES = "2026-11-05T12:00:00Z"
CONTAINER = {"AccessKeyId": "ASIAKEY", "SecretAccessKey": SECRET, "Token": SESSION, "Expiration": EXPIRES}
STS = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <SessionToken>{SESSION}</SessionToken><SecretAccessKey>{SECRET}</SecretAccessKey>
    <Expiration>{EXPIRES}</Expiration><AccessKeyId>ASIAKEY</AccessKeyId>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>""".encode()
FULL, RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN_FILE, STS_URL = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_ENDPOINT_URL_STS"
WEB_TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"
ROLE = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/sprig"}


def fetch(environ: Mapping[str, str], region: str = "eu-west-1") -> Credentials:
    return CredentialSources(region, environ, HttpClient(Proxies.none())).credentials()


def mistake(environ: Mapping[str, str]) -> str:
    with pytest.raises(NoAnswer) as caught:
        fetch(environ)
    assert not any(secret in str(caught.value) for secret in (TOKEN, SECRET, SESSION))
    return str(caught.value)


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return str(path)


def expected(source: str) -> Credentials:
    return Credentials(source, "ASIAKEY", SECRET, SESSION, 1_793_880_000.0)


def test_the_variables_of_a_key_come_first() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET, **ROLE, FULL: "http://127.0.0.1:1"}
    assert fetch(environ) == Credentials("AWS_ACCESS_KEY_ID", "AKIA", SECRET, "")
    assert fetch({**environ, "AWS_SESSION_TOKEN": SESSION}).session == SESSION


def test_eks_pod_identity(token_file: str) -> None:
    with peer(lambda _: json_response(CONTAINER)) as agent:
        assert fetch({FULL: f"{agent.url}/v1/credentials", TOKEN_FILE: token_file}) == expected(FULL)
    (request,) = agent.requests
    assert (request.path, request.headers["authorization"]) == ("/v1/credentials", TOKEN)


def test_a_task_of_ecs(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(lambda _: json_response(CONTAINER)) as agent:
        monkeypatch.setattr(aws_credentials, "_ECS", agent.url)
        assert fetch({RELATIVE: "/v2/credentials/x", **ROLE}) == expected(RELATIVE)
        assert fetch({FULL: agent.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN}) == expected(FULL)
    assert [request.headers.get("authorization") for request in agent.requests] == [None, TOKEN]


def test_the_role_of_a_service_account(token_file: str) -> None:
    bodies: list[bytes] = []
    with peer(lambda _: ScriptedResponse(200, STS)) as sts:
        http = HttpClient(Proxies.none())
        send = http.send

        def sent(request: HttpRequest, timeout_seconds: float, max_response_bytes: int) -> HttpResponse:
            bodies.append(request.content)
            return send(request, timeout_seconds, max_response_bytes)

        http.send = sent  # type: ignore[method-assign]
        environ = {**ROLE, WEB_TOKEN_FILE: token_file, STS_URL: f"{sts.url}/"}
        assert CredentialSources("eu-west-1", environ, http).credentials() == expected(STS_URL)
    form = {name: values[0] for name, values in parse_qs(bodies[0].decode()).items()}
    assert form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE["AWS_ROLE_ARN"],
        "RoleSessionName": "sprig-to-segment",
        "WebIdentityToken": TOKEN,
    }


def test_no_source_names_what_there_could_be() -> None:
    assert "no role of the pod or its service account" in mistake({"AWS_ROLE_ARN": ""})


@pytest.mark.parametrize(
    "url",
    ["nonsense", "http://", "http://[::1", "ftp://127.0.0.1/", "https://", "http://127.0.0.1:port/", "\0", "http://ü"],
)
def test_a_malformed_url_names_its_variable(url: str, token_file: str) -> None:
    for environ in ({FULL: url, TOKEN_FILE: token_file}, {**ROLE, WEB_TOKEN_FILE: token_file, STS_URL: url}):
        variable = FULL if FULL in environ else STS_URL
        assert mistake(environ).startswith("AWS: ")
        assert variable in mistake(environ)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b" \n", b"a\nb", "tökén".encode(), None])
@pytest.mark.parametrize("variable", [TOKEN_FILE, WEB_TOKEN_FILE])
def test_a_token_file_without_a_token_names_its_variable(content: bytes | None, variable: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    source = {FULL: "http://127.0.0.1:1"} if variable == TOKEN_FILE else ROLE
    assert variable in mistake({**source, variable: str(path)})
    assert variable in mistake({**source, variable: str(tmp_path)})


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ACCESS_KEY_ID": "AKIA"},
        {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "\udcff"},
        {"AWS_ACCESS_KEY_ID": "AKIA\n", "AWS_SECRET_ACCESS_KEY": SECRET},
    ],
)
def test_a_key_that_is_no_key_names_its_variable(environ: Mapping[str, str]) -> None:
    assert "must be one line of ASCII" in mistake(environ)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://credentials.example/", "http://8.8.8.8/"])
def test_a_token_goes_over_http_only_to_the_platform(url: str, token_file: str) -> None:
    assert f"{FULL} must be https, or http to an address of this machine" in mistake(
        {FULL: url, TOKEN_FILE: token_file}
    )


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://sts.example/"])
def test_a_token_goes_over_http_to_no_sts_of_a_network(url: str, token_file: str) -> None:
    environ = {**ROLE, WEB_TOKEN_FILE: token_file, STS_URL: url}
    assert f"{STS_URL} must be https, or http to an address of this machine" in mistake(environ)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_gets_no_authorization(status: int, token_file: str) -> None:
    with peer(lambda _: json_response(CONTAINER)) as other:

        def redirect(_: PeerRequest) -> ScriptedResponse:
            return ScriptedResponse(status, b"", {"Location": f"{other.url}/"})

        with peer(redirect) as agent:
            assert f"check {FULL}: HTTP {status}" in mistake({FULL: agent.url, TOKEN_FILE: token_file})
            environ = {**ROLE, WEB_TOKEN_FILE: token_file, STS_URL: agent.url}
            assert f"check {STS_URL}: HTTP {status}" in mistake(environ)
    assert len(agent.requests) == 2
    assert not other.requests


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in CONTAINER.items() if key != name}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"text"',
        b"null",
        without("Token"),
        json.dumps({**CONTAINER, "SecretAccessKey": None}).encode(),
        json.dumps({**CONTAINER, "SecretAccessKey": "ü"}).encode(),
        json.dumps({**CONTAINER, "Expiration": "soon"}).encode(),
        json.dumps({**CONTAINER, "Expiration": 7}).encode(),
        json.dumps({**CONTAINER, "Expiration": "0001-01-01T00:00:00"}).encode(),
        STS.replace(b"SessionToken>", b"Other>"),
        STS.replace(EXPIRES.encode(), b"soon"),
        b"\xff" + STS,
    ],
)
def test_an_answer_without_credentials_names_its_variable(body: bytes, token_file: str) -> None:
    with peer(lambda _: ScriptedResponse(200, body)) as server:
        text = "{}: the answer has none".format
        if b"xmlns" not in body:
            assert text(FULL) in mistake({FULL: server.url})
        assert text(STS_URL) in mistake({**ROLE, WEB_TOKEN_FILE: token_file, STS_URL: server.url})


def test_an_answer_without_an_end_is_good_for_as_long_as_aws_says_nothing() -> None:
    with peer(lambda _: ScriptedResponse(200, without("Expiration"))) as server:
        assert fetch({FULL: server.url}).expires_at is None


def test_a_refusal_of_sts_has_its_code(token_file: str) -> None:
    body = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{TOKEN}</Message></Error></ErrorResponse>"
    with peer(lambda _: ScriptedResponse(403, body.encode())) as sts:
        environ = {**ROLE, WEB_TOKEN_FILE: token_file, STS_URL: sts.url}
        assert mistake(environ) == f"AWS: no credentials: check {STS_URL}: HTTP 403 AccessDenied"


def test_an_answer_without_an_end_to_its_bytes_is_refused() -> None:
    with peer(lambda _: ScriptedResponse(200, b"x" * 1_000_000)) as server:
        assert "the response has more than 100000 bytes" in mistake({FULL: server.url})


def test_no_repr_shows_a_secret() -> None:
    assert SECRET not in repr(expected(FULL))


def regions() -> list[tuple[str, str]]:
    """All regions that Amazon's own client knows, with the suffix of their host names."""
    data = botocore.session.get_session().get_data("endpoints")
    return [(region, partition["dnsSuffix"]) for partition in data["partitions"] for region in partition["regions"]]


@pytest.mark.parametrize(("region", "suffix"), regions())
def test_hosts_have_the_suffix_of_their_partition(
    region: str, suffix: str, require_region: Callable[[str], str]
) -> None:
    assert host("sts", require_region(region)) == f"sts.{region}.{suffix}"


@pytest.fixture
def require_region() -> Callable[[str], str]:
    from consumer.settings.validators import region

    return region


def test_the_partitions_are_all_there() -> None:
    assert len({suffix for _, suffix in regions()}) == 7
    assert dict(regions())["eusc-de-east-1"] == "amazonaws.eu"
