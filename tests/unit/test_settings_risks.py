"""Settings that are valid and probably not meant: one line for each risk, and none for settings without a risk."""

import json

import pytest

from consumer.settings import load, risks

REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF"}
SECRET = "hush-7391"
SIGN_IN = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "ssl.ca.location": "/ca"}

SHORT = "of KAFKA_CONFIG is shorter than SHUTDOWN_TIMEOUT_SECONDS: the group can remove a member that drains"
KEY_FORM = "a write key does not have the form of Segment's keys, 32 letters and digits: compare it with the source"
NO_HOST = "matches no host: it is no domain, IP address or CIDR block, and no *"

RISKS = [
    ({}, []),
    ({"SEGMENT_WRITE_KEY": "f3t0abcd4q"}, []),
    ({"KAFKA_CONFIG": {"max.poll.interval.ms": 24_999}}, [f"max.poll.interval.ms {SHORT}"]),
    ({"KAFKA_CONFIG": {"max.poll.interval.ms": 25_000, "session.timeout.ms": "6000"}}, []),
    ({"KAFKA_CONFIG": {"max.poll.interval.ms": " 24999"}}, [f"max.poll.interval.ms {SHORT}"]),
    ({"KAFKA_CONFIG": {"max.poll.interval.ms": "no number"}}, []),  # the client refuses it
    ({"SHUTDOWN_TIMEOUT_SECONDS": "301"}, [f"max.poll.interval.ms {SHORT}"]),  # the client's default
    ({"KAFKA_CONFIG": SIGN_IN}, []),
    (
        {"KAFKA_CONFIG": {"sasl.username": "u", "sasl.password": SECRET}},
        ["sasl.password of KAFKA_CONFIG is not used: it needs security.protocol SASL_PLAINTEXT or SASL_SSL"],
    ),
    (
        {"KAFKA_CONFIG": {**SIGN_IN, "security.protocol": " sasl_plaintext"}},
        ["ssl.ca.location of KAFKA_CONFIG is not used: it needs security.protocol SSL or SASL_SSL"],
    ),
    ({"KAFKA_MSK_REGION": "eu-west-1"}, []),
    (
        {"SCHEMA_REGISTRY_URL": "http://registry:8081", "AVRO_FRAMING": "raw"},
        ["SCHEMA_REGISTRY_URL is not used: with AVRO_FRAMING=raw no record names a schema"],
    ),
    ({"MAX_EVENTS_PER_SECOND": "10"}, []),
    (
        {"MAX_EVENTS_PER_SECOND": "2"},
        ["with BATCH_MAX_EVENTS and MAX_EVENTS_PER_SECOND nothing is sent for 250 seconds after a batch"],
    ),
    (
        {"SEGMENT_ACCEPT_ANY_BODY": "true"},
        ["SEGMENT_ACCEPT_ANY_BODY is for gateways: without SEGMENT_ENDPOINT a proxy's page counts as a success"],
    ),
    ({"SEGMENT_WRITE_KEY": SECRET}, [KEY_FORM]),
    ({"SEGMENT_WRITE_KEY": REQUIRED["SEGMENT_WRITE_KEY"][1:]}, [KEY_FORM]),
    ({"SEGMENT_WRITE_KEY": SECRET, "SEGMENT_ENDPOINT": "https://gateway/v1/batch"}, []),
    (
        {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": f".svc, 10.0.0.0/99,,https://u:{SECRET}@host b"},
        [f"entry {number} of NO_PROXY {NO_HOST}" for number in (2, 3)],
    ),
    ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.0/99", "TRUST_PROXY_ENV": "false"}, []),
    ({"NO_PROXY": "10.0.0.0/99"}, []),  # without a proxy it has no meaning
]


@pytest.mark.parametrize(("changes", "lines"), RISKS)
def test_each_risk_is_one_line(changes: dict[str, object], lines: list[str]) -> None:
    texts = {name: text if isinstance(text, str) else json.dumps(text) for name, text in changes.items()}
    assert risks(load(environ=REQUIRED | texts)) == lines
