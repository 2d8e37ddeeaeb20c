"""`check` against a real Kafka: what it finds, what it says of what is missing, and that it makes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from consumer.demo.segment_server import Segment
from tests.cli_runner import Desk
from tests.support import KEYS, Flow


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    with Segment(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment)


def looks(told: Any) -> dict[str, tuple[str, str]]:
    return {look["what"]: (look["state"], look["found"]) for look in told["looks"]}


def test_all_is_well(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter", partitions=2, max_message_bytes=2_000_000)
    told = Desk(flow).told("check", "--json")
    found = looks(told)
    assert told["ok"]
    assert found["Kafka"] == ("ok", "1 broker")
    assert found[f"topic {flow.topic}"] == ("ok", "4 partitions; READ")
    assert found[f"topic {flow.topic}.dead-letter"] == ("ok", "2 partitions; WRITE")
    assert found[f"group {flow.group}"] == ("ok", "nobody was in it yet; READ")
    assert found["size of dead letters"][0] == "ok"
    assert "nothing was sent" in found["Segment"][1]
    assert not flow.segment.accepted


def test_topics_that_are_missing_are_told_and_not_made(flow: Flow) -> None:
    found = looks(Desk(flow).told("check", "--json", code=1))
    assert found[f"topic {flow.topic}"] == ("problem", "there is no such topic")
    assert found[f"topic {flow.topic}.dead-letter"] == ("problem", "there is no such topic")
    # This broker makes topics that are asked for by name.
    assert flow.topic not in AdminClient({"bootstrap.servers": flow.bootstrap}).list_topics(timeout=10).topics


def test_a_dead_letter_topic_with_too_little_room_is_warned_of(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter", max_message_bytes=100_000)
    state, said = looks(Desk(flow).told("check", "--json"))["size of dead letters"]
    assert state == "warning"
    assert "the largest records would hold their partition" in said
    assert not Desk(flow).told("check", "--strict", "--json", code=1)["ok"]


def test_a_marked_event_is_sent_with_each_key_when_asked(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter")
    shown = Desk(flow).seen("check", "--send-test")
    assert "proves nothing" in shown
    assert [arrival.event["event"] for arrival in flow.segment.accepted] == ["sprig-to-segment check"] * len(KEYS)
    assert {arrival.key for arrival in flow.segment.accepted} == set(KEYS.values())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"security.protocol": "SSL"}', "TLS fails"),
        (
            '{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "u",'
            ' "sasl.password": "top-secret"}',
            "SASL",
        ),
    ],
    ids=["tls", "sasl"],
)
def test_tls_and_sasl_errors_are_told_apart(flow: Flow, config: str, said: str) -> None:
    done = Desk(flow, {"KAFKA_CONFIG": config}).call("check", "--json")
    assert done.returncode == 1
    assert said in done.stdout, done.stdout
    assert "top-secret" not in done.stdout + done.stderr


def test_no_broker_is_told(flow: Flow) -> None:
    done = Desk(flow, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).call("check", "--json")
    assert done.returncode == 1
    assert "no broker answers: look at KAFKA_BOOTSTRAP_SERVERS" in done.stdout
