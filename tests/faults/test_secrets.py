"""Keys, passwords and credentials are shown nowhere: not with everything logged, not when everything fails."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from consumer import paths
from consumer.demo import faults
from consumer.demo.segment import Segment
from consumer.kafka.embedded import records
from tests.support import KEYS, Flow, Member, registry, wait_until

PASSWORD, REGISTRY_PASSWORD = "kafka-Pa55word", "registry-Pa55word"
SECRETS = (*KEYS.values(), PASSWORD, REGISTRY_PASSWORD)
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
    """The secret as it is, and what of it is seen in base64 wherever in the encoded text it begins."""
    found = {secret.encode()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode())
        found.add(encoded[4 if before else 0 :][: len(secret) // 3 * 4 - 4])
    return found


def assert_shown_nowhere(*texts: bytes) -> None:
    for secret in SECRETS:
        for form in forms(secret):
            assert len(form) > 8
            assert not [text for text in texts if form in text], form


def pages(member: Member) -> list[bytes]:
    return [httpx.get(f"{member.url}/{page}", trust_env=False).content for page in PAGES]


def test_base64_is_seen_through() -> None:
    for user in ("", "u", "us", "user"):
        assert any(form in base64.b64encode(f"{user}:{PASSWORD}".encode()) for form in forms(PASSWORD))


def test_no_secret_is_shown_with_everything_logged(flow: Flow) -> None:
    """Segment takes some, refuses some and fails; letters are written; the registry is asked."""
    with_kafka(flow)
    flow.segment.script = faults.first(faults.fail(2), faults.fail(2, 401), faults.refuse(lambda _: True))
    flow.produce(200, frame=lambda body: b"\0\0\0\0\7" + body)
    with flow.member() as member:
        wait_until(lambda: "http_401" in member.output and "record set aside" in member.output, "trouble")
        wait_until(lambda: list(records(flow.bootstrap, f"{flow.topic}.dead-letter")), "letters")
        seen = pages(member)
        assert member.terminate() == 0
    assert '"logger": "librdkafka"' in member.output
    letters = records(flow.bootstrap, f"{flow.topic}.dead-letter")
    written = [part or b"" for letter in letters for part in (letter.value(), *dict(letter.headers()).values())]
    assert len(written) > 10
    assert_shown_nowhere(member.output.encode(), *seen, *written)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_no_password_is_shown_where_signing_in_fails(flow: Flow, mechanism: str) -> None:
    with_kafka(
        flow,
        **{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism},
        **{"sasl.username": "user", "sasl.password": PASSWORD},
    )
    with flow.member() as member:
        wait_until(lambda: "waiting for Kafka" in member.output, "the sign-in to fail")
        seen = pages(member)
        assert member.terminate() == 0
    assert_shown_nowhere(member.output.encode(), *seen)


@pytest.mark.parametrize(
    "wrong",
    [
        {"SEGMENT_WRITE_KEYS": json.dumps(KEYS)[:-1]},
        {"KAFKA_CONFIG": json.dumps({"sasl.password": PASSWORD, "no.such.option": 1})},
        {"KAFKA_CONFIG": json.dumps({"sasl.password": PASSWORD})[:-1]},
        {"SCHEMA_REGISTRY_CONFIG": json.dumps({"basic.auth.user.info": REGISTRY_PASSWORD, "no.such.option": 1})},
        {"SEGMENT_ENDPOINT": f"https://user:{PASSWORD}@127.0.0.1/v1/batch"},
        {"SCHEMA_REGISTRY_URL": f"http://user:{REGISTRY_PASSWORD}@127.0.0.1:1"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_secret_is_shown_where_a_setting_is_wrong(flow: Flow, wrong: dict[str, str]) -> None:
    with flow.member(**wrong) as member:
        assert member.end() in (1, 2)
    assert member.output
    assert_shown_nowhere(member.output.encode())
