"""Keys, passwords and credentials are shown nowhere: not with everything logged, and not when anything fails."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from consumer import paths
from consumer.demo import fault_scripts
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import records
from tests.cli_runner import CommandRunner
from tests.container.kafka_container import PASSWORD, USER
from tests.http_peer import PeerRequest, json_response, peer
from tests.support import KEYS, Flow, Member, registry, wait_until

REGISTRY_PASSWORD, TOKEN, CLIENT_SECRET = "r?g~i>Pa55word?~~>>?", "t?k~n>t0ken?~~>>?tok", "c?l~i>s3cret?~~>>?cl"
KEY_PASSWORD, WRONG = "p?m~k>Pa55word?~~>>?", "w?r~n>Pa55word?~~>>?"
SECRETS = (*KEYS.values(), PASSWORD, REGISTRY_PASSWORD, TOKEN, CLIENT_SECRET, KEY_PASSWORD, WRONG)
PAGES = ("", "metrics", "status.json", "livez", "readyz")


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    schema = (paths.schemas() / "sprig" / "response.avsc").read_text()
    with SegmentStandIn(KEYS.values()) as segment, registry({7: schema}) as url:
        settings = {"LOG_LEVEL": "debug", "SCHEMA_REGISTRY_URL": url, "AVRO_FRAMING": "confluent"}
        credentials = json.dumps({"basic.auth.user.info": f"user:{REGISTRY_PASSWORD}"})
        yield Flow(kafka.bootstrap, topic, segment, settings={**settings, "SCHEMA_REGISTRY_CONFIG": credentials})


def configure_kafka(flow: Flow, **options: str) -> None:
    """Set options of the Kafka client, with all its debug contexts on."""
    config = {"group.protocol": "consumer", "debug": "all", **options}
    flow.settings = {**flow.settings, "KAFKA_CONFIG": json.dumps(config)}


def encodings(secret: str) -> set[bytes]:
    """
    The secret as text, quoted for a URL, and in both kinds of base64.

    In base64 it is the part that does not depend on the text around it, for each of the three positions that the
    secret can begin at.
    """
    encoded_secrets = {secret.encode(), quote(secret).encode()}
    for preceding_bytes in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * preceding_bytes + secret.encode())
            if preceding_bytes:
                encoded = encoded[4:]
            encoded_secrets.add(encoded[: len(secret) // 3 * 4 - 4])
    return encoded_secrets


def assert_shown_nowhere(*texts: bytes) -> None:
    for secret in SECRETS:
        for encoded_secret in encodings(secret):
            assert len(encoded_secret) > 8
            assert not [text for text in texts if encoded_secret in text], encoded_secret


def is_logged(member: Member, text: str) -> bool:
    """Whether the service itself logs this error of the client, which it also does without librdkafka's debug logs."""
    events = "waiting for Kafka", "Kafka client error"
    return any(text in line and any(event in line for event in events) for line in member.lines)


def pages(member: Member) -> list[bytes]:
    """The content of each page that the member serves."""
    return [httpx.get(f"{member.url}/{page}", trust_env=False).content for page in PAGES]


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("user", ["", "u", "us", "user"])
def test_a_secret_in_base64_is_found(user: str, encode: Any) -> None:
    assert len(encodings(PASSWORD)) == 8  # the two kinds of base64 differ at each position
    assert any(encoded in encode(f"{user}:{PASSWORD}".encode()) for encoded in encodings(PASSWORD))


def test_no_secret_is_shown_with_everything_logged(flow: Flow) -> None:
    """Segment fails and refuses events, dead letters are written, and the registry is asked."""
    configure_kafka(flow)
    flow.segment.script = fault_scripts.first(
        fault_scripts.fail(2), fault_scripts.fail(2, 401), fault_scripts.refuse(lambda _: True)
    )
    flow.produce(200, frame=lambda body: b"\0\0\0\0\7" + body)
    with flow.member() as member:
        wait_until(
            lambda: "http_401" in member.output and "record rejected" in member.output, "the errors to be logged"
        )
        wait_until(lambda: list(records(flow.bootstrap, f"{flow.topic}.dead-letter")), "dead letters")
        page_texts = pages(member)
        assert member.terminate() == 0
    assert '"logger": "librdkafka"' in member.output
    dead_letter_texts: list[bytes] = []
    for dead_letter in records(flow.bootstrap, f"{flow.topic}.dead-letter"):
        texts = dead_letter.key(), dead_letter.value(), *dict(dead_letter.headers()).values()
        dead_letter_texts += [text or b"" for text in texts]
    assert len(dead_letter_texts) > 10
    assert_shown_nowhere(member.output.encode(), *page_texts, *dead_letter_texts)


@pytest.mark.parametrize("password", [PASSWORD, WRONG], ids=["good", "bad"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_no_password_is_shown_by_a_member_that_signs_in(kafka: Any, flow: Flow, mechanism: str, password: str) -> None:
    kafka.add_scram_user()
    sign_in = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism}
    configure_kafka(flow, **sign_in, **{"sasl.username": USER, "sasl.password": password})
    flow.produce(200, frame=lambda body: b"\0\0\0\0\7" + body)
    with flow.member(KAFKA_BOOTSTRAP_SERVERS=kafka.signed) as member:
        if password == PASSWORD:
            flow.wait_until_settled()
        else:
            wait_until(lambda: is_logged(member, "the broker refuses the credentials"), "the sign-in to fail")
        page_texts = pages(member)
        assert member.terminate() == 0
    assert mechanism in member.output
    assert_shown_nowhere(member.output.encode(), *page_texts)


BEARER = {"bearer.auth.logical.cluster": "lsrc-1", "bearer.auth.identity.pool.id": "pool-1"}
STATIC = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": TOKEN}
OAUTH = {
    "bearer.auth.credentials.source": "OAUTHBEARER",
    "bearer.auth.client.id": "client",
    "bearer.auth.client.secret": CLIENT_SECRET,
    "bearer.auth.scope": "schemas",
}


@pytest.mark.parametrize(
    ("credentials", "refused", "log_text"),
    [
        (STATIC, "", ""),
        (STATIC, "/schemas", "the registry refuses the credentials"),
        (OAUTH, "", ""),
        (OAUTH, "/schemas", "the registry refuses the credentials"),
        (OAUTH, "/token", "no access token"),
    ],
    ids=["token", "token refused", "OAuth", "OAuth's token refused", "OAuth without a token"],
)
def test_no_token_of_the_registry_is_shown(
    flow: Flow, credentials: dict[str, str], refused: str, log_text: str
) -> None:
    schema = (paths.schemas() / "sprig" / "response.avsc").read_text()

    def respond(request: PeerRequest) -> ScriptedResponse:
        if refused and request.path.startswith(refused):
            return json_response({"error": "invalid_client", "error_description": f"{CLIENT_SECRET} {TOKEN}"}, 401)
        if request.path == "/token":
            return json_response({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
        return json_response({"schema": schema})

    configure_kafka(flow)
    flow.produce(20, frame=lambda body: b"\0\0\0\0\7" + body)
    with peer(respond) as server:
        issuer = {"bearer.auth.issuer.endpoint.url": f"{server.url}/token"} if credentials is OAUTH else {}
        config = json.dumps({**BEARER, **credentials, **issuer})
        with flow.member(SCHEMA_REGISTRY_URL=server.url, SCHEMA_REGISTRY_CONFIG=config) as member:
            wait_until(lambda: log_text in member.output, f"the log line {log_text!r}")
            if not log_text:
                flow.wait_until_settled()
            page_texts = pages(member)
            assert member.terminate() == 0
    presented = [request.headers.get("authorization", "") for request in server.requests]
    assert any(presented)
    assert_shown_nowhere(member.output.encode(), *page_texts)


def access_token() -> str:
    """A JWT as librdkafka reads it, with TOKEN in place of a signature."""
    parts = {"alg": "none"}, {"sub": "sprig", "exp": time.time() + 3600}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, TOKEN])


ISSUED = ScriptedResponse(
    200, json.dumps({"access_token": access_token()}).encode(), {"Content-Type": "application/json"}
)
ECHO = f"{CLIENT_SECRET} Basic {base64.b64encode(f'sprig:{CLIENT_SECRET}'.encode()).decode()} {TOKEN}"


@pytest.mark.parametrize(
    ("response", "log_text"),
    [
        (ISSUED, "SASL fails: the broker does not support the mechanism"),
        (json_response({"error": "invalid_client", "error_description": ECHO}, 401), "(invalid_client)"),
        (
            ScriptedResponse(403, ECHO.encode(), {"Content-Type": "text/html"}),
            "the token endpoint answers with an error",
        ),
        (ScriptedResponse(200, ECHO.encode(), {"Content-Type": "text/html"}), "is not that of a token endpoint"),
    ],
    ids=["token", "refused", "page with a 403", "page"],
)
def test_no_secret_of_a_token_endpoint_is_shown(
    kafka: Any, flow: Flow, response: ScriptedResponse, log_text: str
) -> None:
    """The endpoint repeats what it was sent. The broker has no OAUTHBEARER, so it gets no token."""
    with peer(lambda _: response) as server:
        sign_in = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"}
        oidc = {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": "sprig",
            "sasl.oauthbearer.client.secret": CLIENT_SECRET,
            "sasl.oauthbearer.token.endpoint.url": f"{server.url}/token",
        }
        configure_kafka(flow, **sign_in, **oidc)
        with flow.member(KAFKA_BOOTSTRAP_SERVERS=kafka.signed) as member:
            wait_until(lambda: is_logged(member, log_text) or log_text in member.output, log_text)
            page_texts = pages(member)
            assert member.terminate() == 0
        checked = CommandRunner(flow, {"KAFKA_BOOTSTRAP_SERVERS": kafka.signed}).run("check", "--no-sample")
    assert log_text in checked.stdout
    assert server.requests
    assert_shown_nowhere(member.output.encode(), checked.stdout.encode(), checked.stderr.encode(), *page_texts)


def test_no_credentials_of_aws_are_shown(kafka: Any, flow: Flow) -> None:
    """This broker does not support TLS, so it gets no token. The container's platform repeats what it was sent."""
    echo = ScriptedResponse(200, f"{TOKEN} {CLIENT_SECRET}".encode())
    credentials = {"AccessKeyId": "ASIA", "SecretAccessKey": CLIENT_SECRET, "Token": TOKEN}
    flow.settings = {**flow.settings, "KAFKA_CONFIG": json.dumps({"debug": "all"}), "KAFKA_MSK_REGION": "eu-west-1"}
    with peer(lambda _: json_response(credentials)) as server:
        aws = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN}
        with flow.member(KAFKA_BOOTSTRAP_SERVERS=kafka.signed, **aws) as member:
            wait_until(lambda: is_logged(member, "the listener does not use TLS"), "the sign-in to fail")
            assert member.terminate() == 0
        server.answer = lambda _: echo
        with flow.member(KAFKA_BOOTSTRAP_SERVERS=kafka.signed, **aws) as without_credentials:
            wait_until(lambda: "no token for MSK" in without_credentials.output, "the answer to be refused")
    assert_shown_nowhere(member.output.encode(), without_credentials.output.encode())


@pytest.mark.parametrize("password", [KEY_PASSWORD, WRONG], ids=["good", "bad"])
def test_no_password_of_a_key_is_shown(kafka: Any, flow: Flow, tmp_path: Path, password: str) -> None:
    """With the good password the key is read, and TLS then fails, because this broker does not support TLS."""
    issued = trustme.CA().issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    file_format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    encryption = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
    private = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    (tmp_path / "key.pem").write_bytes(private.private_bytes(*file_format, encryption))
    files = {"ssl.certificate.location": str(tmp_path / "client.pem"), "ssl.key.location": str(tmp_path / "key.pem")}
    configure_kafka(flow, **{"security.protocol": "SSL", "ssl.key.password": password}, **files)
    with flow.member() as member:
        if password == KEY_PASSWORD:
            wait_until(lambda: is_logged(member, "TLS fails"), "TLS to fail")
            assert member.terminate() == 0
        else:
            assert member.end() in (1, 2)
    assert_shown_nowhere(member.output.encode())


@pytest.mark.parametrize(
    "invalid_settings",
    [
        {"SEGMENT_WRITE_KEYS": json.dumps(KEYS)[:-1]},
        {"KAFKA_CONFIG": json.dumps({"sasl.password": PASSWORD, "no.such.option": 1})},
        {"KAFKA_CONFIG": json.dumps({"sasl.password": PASSWORD})[:-1]},
        {"SCHEMA_REGISTRY_CONFIG": json.dumps({"basic.auth.user.info": REGISTRY_PASSWORD, "no.such.option": 1})},
        {"SEGMENT_ENDPOINT": f"https://user:{quote(PASSWORD)}@127.0.0.1/v1/batch"},
        {"SCHEMA_REGISTRY_URL": f"http://user:{quote(REGISTRY_PASSWORD)}@127.0.0.1:1"},
        {"SCHEMA_REGISTRY_URL": f"http://user:{REGISTRY_PASSWORD}@127.0.0.1:1"},
        {"SCHEMA_REGISTRY_URL": f"http://user:{REGISTRY_PASSWORD}"},
    ],
    ids=lambda invalid_settings: next(iter(invalid_settings)),
)
def test_no_secret_is_shown_where_a_setting_is_wrong(flow: Flow, invalid_settings: dict[str, str]) -> None:
    with flow.member(**invalid_settings) as member:
        assert member.end() in (1, 2)
    assert member.output
    assert_shown_nowhere(member.output.encode())
