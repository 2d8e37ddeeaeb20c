"""Keys, passwords and credentials are shown nowhere: not with everything logged, not when everything fails."""

import base64
import json
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
from consumer.demo.fault_scripts import Answer
from consumer.demo.segment_server import Segment
from consumer.kafka.mock_broker import records
from tests.container.kafka_container import PASSWORD, USER
from tests.http_peer import Asked, peer, says
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
    with Segment(KEYS.values()) as segment, registry({7: schema}) as url:
        everything = {"LOG_LEVEL": "debug", "SCHEMA_REGISTRY_URL": url, "AVRO_FRAMING": "confluent"}
        credentials = json.dumps({"basic.auth.user.info": f"user:{REGISTRY_PASSWORD}"})
        yield Flow(kafka.bootstrap, topic, segment, settings={**everything, "SCHEMA_REGISTRY_CONFIG": credentials})


def with_kafka(flow: Flow, **options: str) -> None:
    config = {"group.protocol": "consumer", "debug": "all", **options}
    flow.settings = {**flow.settings, "KAFKA_CONFIG": json.dumps(config)}


def forms(secret: str) -> set[bytes]:
    """The secret, also as in a URL, and what is seen of it in either base64, wherever in a text it begins."""
    found = {secret.encode(), quote(secret).encode()}
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * before + secret.encode())
            found.add(encoded[4 if before else 0 :][: len(secret) // 3 * 4 - 4])
    return found


def assert_shown_nowhere(*texts: bytes) -> None:
    for secret in SECRETS:
        for form in forms(secret):
            assert len(form) > 8
            assert not [text for text in texts if form in text], form


def is_told(member: Member, what: str) -> bool:
    """Also to those who have no librdkafka debug on."""
    return any(what in line and "trouble with Kafka" in line for line in member.lines)


def pages(member: Member) -> list[bytes]:
    return [httpx.get(f"{member.url}/{page}", trust_env=False).content for page in PAGES]


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("user", ["", "u", "us", "user"])
def test_base64_is_seen_through(user: str, encode: Any) -> None:
    assert len(forms(PASSWORD)) == 8  # none of them is the same for URLs
    assert any(form in encode(f"{user}:{PASSWORD}".encode()) for form in forms(PASSWORD))


def test_no_secret_is_shown_with_everything_logged(flow: Flow) -> None:
    """Segment takes some, refuses some and fails; letters are written; the registry is asked."""
    with_kafka(flow)
    flow.segment.script = fault_scripts.first(
        fault_scripts.fail(2), fault_scripts.fail(2, 401), fault_scripts.refuse(lambda _: True)
    )
    flow.produce(200, frame=lambda body: b"\0\0\0\0\7" + body)
    with flow.member() as member:
        wait_until(lambda: "http_401" in member.output and "record rejected" in member.output, "trouble")
        wait_until(lambda: list(records(flow.bootstrap, f"{flow.topic}.dead-letter")), "letters")
        seen = pages(member)
        assert member.terminate() == 0
    assert '"logger": "librdkafka"' in member.output
    letters = records(flow.bootstrap, f"{flow.topic}.dead-letter")
    written = [
        part or b"" for letter in letters for part in (letter.key(), letter.value(), *dict(letter.headers()).values())
    ]
    assert len(written) > 10
    assert_shown_nowhere(member.output.encode(), *seen, *written)


@pytest.mark.parametrize("password", [PASSWORD, WRONG], ids=["good", "bad"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_no_password_is_shown_by_a_member_that_signs_in(kafka: Any, flow: Flow, mechanism: str, password: str) -> None:
    kafka.know_user()
    sign_in = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism}
    with_kafka(flow, **sign_in, **{"sasl.username": USER, "sasl.password": password})
    flow.produce(200, frame=lambda body: b"\0\0\0\0\7" + body)
    with flow.member(KAFKA_BOOTSTRAP_SERVERS=kafka.signed) as member:
        if password == PASSWORD:
            flow.wait_until_settled()
        else:
            wait_until(lambda: is_told(member, "uthentication failed"), "the sign-in to fail")
        seen = pages(member)
        assert member.terminate() == 0
    assert mechanism in member.output
    assert_shown_nowhere(member.output.encode(), *seen)


BEARER = {"bearer.auth.logical.cluster": "lsrc-1", "bearer.auth.identity.pool.id": "pool-1"}
STATIC = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": TOKEN}
OAUTH = {
    "bearer.auth.credentials.source": "OAUTHBEARER",
    "bearer.auth.client.id": "client",
    "bearer.auth.client.secret": CLIENT_SECRET,
    "bearer.auth.scope": "schemas",
}


@pytest.mark.parametrize(
    ("credentials", "refused", "said"),
    [
        (STATIC, "", ""),
        (STATIC, "/schemas", "it refuses our credentials"),
        (OAUTH, "", ""),
        (OAUTH, "/schemas", "it refuses our credentials"),
        (OAUTH, "/token", "no token for it"),
    ],
    ids=["token", "token refused", "OAuth", "OAuth's token refused", "OAuth without a token"],
)
def test_no_token_of_the_registry_is_shown(flow: Flow, credentials: dict[str, str], refused: str, said: str) -> None:
    schema = (paths.schemas() / "sprig" / "response.avsc").read_text()

    def answer(asked: Asked) -> Answer:
        if refused and asked.path.startswith(refused):
            return says({"error": "invalid_client", "error_description": f"{CLIENT_SECRET} {TOKEN}"}, 401)
        issued = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
        return says(issued if asked.path == "/token" else {"schema": schema})

    with_kafka(flow)
    flow.produce(20, frame=lambda body: b"\0\0\0\0\7" + body)
    with peer(answer) as server:
        issuer = {"bearer.auth.issuer.endpoint.url": f"{server.url}/token"} if credentials is OAUTH else {}
        config = json.dumps({**BEARER, **credentials, **issuer})
        with flow.member(SCHEMA_REGISTRY_URL=server.url, SCHEMA_REGISTRY_CONFIG=config) as member:
            wait_until(lambda: said in member.output, said)
            if not said:
                flow.wait_until_settled()
            seen = pages(member)
            assert member.terminate() == 0
    presented = [asked.headers.get("authorization", "") for asked in server.asked]
    assert any(presented)
    assert_shown_nowhere(member.output.encode(), *seen)


@pytest.mark.parametrize("password", [KEY_PASSWORD, WRONG], ids=["good", "bad"])
def test_no_password_of_a_key_is_shown(kafka: Any, flow: Flow, tmp_path: Path, password: str) -> None:
    """With the good one the key is read, and TLS then fails, as this broker knows none."""
    issued = trustme.CA().issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
    private = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    (tmp_path / "key.pem").write_bytes(private.private_bytes(*form, locked))
    files = {"ssl.certificate.location": str(tmp_path / "client.pem"), "ssl.key.location": str(tmp_path / "key.pem")}
    with_kafka(flow, **{"security.protocol": "SSL", "ssl.key.password": password}, **files)
    with flow.member() as member:
        if password == KEY_PASSWORD:
            wait_until(lambda: is_told(member, "ssl://"), "TLS to fail")
            assert member.terminate() == 0
        else:
            assert member.end() in (1, 2)
    assert_shown_nowhere(member.output.encode())


@pytest.mark.parametrize(
    "wrong",
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
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_secret_is_shown_where_a_setting_is_wrong(flow: Flow, wrong: dict[str, str]) -> None:
    with flow.member(**wrong) as member:
        assert member.end() in (1, 2)
    assert member.output
    assert_shown_nowhere(member.output.encode())
