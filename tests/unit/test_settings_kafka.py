"""KAFKA_CONFIG: the options that pass to librdkafka, and those that would break a guarantee."""

import json

import pytest

from consumer.settings import kafka_options


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ({"bootstrap.servers": "b"}, "set KAFKA_BOOTSTRAP_SERVERS instead"),
        ({"metadata.broker.list": "b"}, "set KAFKA_BOOTSTRAP_SERVERS instead"),
        ({"group.id": "g"}, "set KAFKA_GROUP_ID instead"),
        ({"auto.offset.reset": "latest"}, "set KAFKA_AUTO_OFFSET_RESET instead"),
        ({"enable.auto.commit": False}, "only after all below it is settled"),
        ({"enable.auto.offset.store": True}, "only after all below it is settled"),
        ({"enable.partition.eof": False}, "transaction markers"),
        ({"isolation.level": "read_uncommitted"}, "aborted"),
        ({"partition.assignment.strategy": "range"}, "drain"),
        ({"acks": 1}, "in-sync replicas"),
        ({"enable.idempotence": False}, "in-sync replicas"),
        ({"delivery.report.only.error": True}, "in-sync replicas"),
        ({"plugin.library.paths": "x.so"}, "foreign code"),
        ({"on_commit": "f"}, "callback"),
        ({"error_cb": "f"}, "callback"),
        ({"enable.ssl.certificate.verification": False}, "takes over the broker's address"),
        ({"enable.ssl.certificate.verification": "false"}, "takes over the broker's address"),
        ({"enable.ssl.certificate.verification": 0}, "takes over the broker's address"),
        ({"enable.ssl.certificate.verification": "F"}, "takes over the broker's address"),
        ({"ssl.endpoint.identification.algorithm": "none"}, "takes over the broker's address"),
        ({"ssl.endpoint.identification.algorithm": " None"}, "takes over the broker's address"),
        ({"enable.sasl.oauthbearer.unsecure.jwt": 1}, "such a token"),
        ({"enable.sasl.oauthbearer.unsecure.jwt": "true"}, "such a token"),
    ],
)
def test_an_option_that_breaks_a_guarantee_is_refused_by_name(option: dict[str, str | int | bool], reason: str) -> None:
    (line,) = kafka_options.refusals(option)
    assert line.startswith(f"{next(iter(option))} is refused: ")
    assert reason in line


def test_security_and_tuning_pass() -> None:
    options: dict[str, str | int | float | bool] = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.password": "hush",
        "ssl.endpoint.identification.algorithm": "https",
        "enable.ssl.certificate.verification": True,
        "session.timeout.ms": 30000,
        "fetch.max.bytes": 8_000_000,
    }
    assert list(kafka_options.refusals(options)) == []


@pytest.mark.parametrize(
    "name", ["session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type", "partition.assignment.strategy"]
)
def test_the_new_group_protocol_leaves_these_to_the_broker(name: str) -> None:
    (line,) = kafka_options.refusals({"group.protocol": "CONSUMER", name: "1"})
    assert line == f"{name} is refused: {kafka_options._BROKER_SIDE}"


def test_a_refusal_never_shows_the_value() -> None:
    assert "hush" not in json.dumps(list(kafka_options.refusals({"group.id": "hush", "acks": "hush", "x_cb": "hush"})))
