"""`check` against a real Kafka: its results, its reports of missing topics and brokers; it creates nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from consumer.demo.segment_server import SegmentStandIn
from tests.cli_runner import CommandRunner
from tests.container.kafka_container import PASSWORD, USER
from tests.support import KEYS, Flow, wait_until


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment)


def by_subject(report: Any) -> dict[str, tuple[str, str]]:
    return {result["what"]: (result["state"], result["found"]) for result in report["looks"]}


def test_a_healthy_set_up_has_no_problem(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter", partitions=2, max_message_bytes=2_000_000)
    report = CommandRunner(flow).json("check", "--json")
    results = by_subject(report)
    assert report["ok"]
    assert results["Kafka"] == ("ok", "1 broker")
    assert results[f"topic {flow.topic}"] == ("ok", "4 partitions; READ")
    assert results[f"topic {flow.topic}.dead-letter"] == ("ok", "2 partitions; WRITE")
    assert results[f"group {flow.group}"] == ("ok", "no member has joined yet; READ")
    for aspect in ("cleanup", "retention", "replicas", "size"):
        assert results[f"{aspect} of dead letters"][0] == "ok"
    assert "nothing was sent" in results["Segment"][1]
    assert results["sample"] == ("note", "the topic has no record")
    assert not flow.segment.accepted


def test_the_newest_records_are_looked_at_without_a_trace(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter", partitions=2, max_message_bytes=2_000_000)
    flow.produce(300)
    report = CommandRunner(flow).json("check", "--json")
    assert report["sample"]["records"] == 200
    assert report["sample"]["delivered"] > 100
    assert by_subject(report)["sample"][0] == "ok"
    assert not flow.segment.accepted
    admin = AdminClient({"bootstrap.servers": flow.bootstrap})  # one that nobody refers to drops its questions
    listing = admin.list_consumer_groups(request_timeout=60).result(90)
    assert not [group for group in listing.valid if group.group_id.startswith(flow.topic)]


def test_the_marks_of_transactions_are_no_records(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter", partitions=2, max_message_bytes=2_000_000)
    producer = Producer({"bootstrap.servers": flow.bootstrap, "transactional.id": flow.topic})
    producer.init_transactions(60)
    for number in range(12):  # each transaction takes a second offset of its partition, and some are aborted
        producer.begin_transaction()
        producer.produce(flow.topic, b"no Avro", partition=number % 4)
        if number % 3:
            producer.commit_transaction(60)
        else:
            producer.abort_transaction(60)
    runner = CommandRunner(flow)
    report = runner.json("check", "--json", code=1)
    assert report["sample"]["records"] == 8
    assert by_subject(report)["sample"][0] == "problem"
    state, text = by_subject(runner.json("check", "--json", "--sample", "4"))["sample"]
    assert (state, text.startswith("the newest 4 offsets have no record")) == ("note", True)


def test_missing_topics_are_reported_and_not_created(flow: Flow) -> None:
    results = by_subject(CommandRunner(flow).json("check", "--json", code=1))
    assert results[f"topic {flow.topic}"] == ("problem", "there is no such topic")
    assert results[f"topic {flow.topic}.dead-letter"] == ("problem", "there is no such topic")
    # This broker creates no topic by itself, so only an explicit request of `check` could have created the topic.
    assert flow.topic not in AdminClient({"bootstrap.servers": flow.bootstrap}).list_topics(timeout=10).topics


def test_a_dead_letter_topic_for_too_small_records_is_a_warning(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter", max_message_bytes=100_000)
    state, text = by_subject(CommandRunner(flow).json("check", "--json"))["size of dead letters"]
    assert state == "warning"
    assert "the largest records would block their partition" in text
    assert not CommandRunner(flow).json("check", "--strict", "--json", code=1)["ok"]


def test_send_test_sends_a_marked_event_with_each_key(kafka: Any, flow: Flow) -> None:
    kafka.create_topic(flow.topic)
    kafka.create_topic(f"{flow.topic}.dead-letter")
    output = CommandRunner(flow).terminal_output("check", "--send-test")
    assert "proves nothing" in output
    assert [arrival.event["event"] for arrival in flow.segment.accepted] == ["sprig-to-segment check"] * len(KEYS)
    assert {arrival.key for arrival in flow.segment.accepted} == set(KEYS.values())


SIGN_IN = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": USER}
WRONG = "top-secret"
REFUSED = "SASL fails: the broker refuses the credentials"
MECHANISMS = "broker's supported mechanisms: PLAIN,SCRAM-SHA-256"
NO_TLS = "the listener does not use TLS: set security.protocol in KAFKA_CONFIG to PLAINTEXT or SASL_PLAINTEXT"
NO_SASL = "the listener does not use SASL: set security.protocol in KAFKA_CONFIG to PLAINTEXT or SSL"
NEEDS_SASL = "without SASL: set security.protocol in KAFKA_CONFIG to SASL_PLAINTEXT or SASL_SSL"


@pytest.mark.parametrize(
    ("is_signed", "config", "text"),
    [
        pytest.param(False, {"security.protocol": "SSL"}, NO_TLS, id="TLS to plain"),
        pytest.param(False, {**SIGN_IN, "sasl.password": PASSWORD}, NO_SASL, id="SASL to plain"),
        pytest.param(True, {}, NEEDS_SASL, id="plain to SASL"),
        pytest.param(
            True, {**SIGN_IN, "security.protocol": "SASL_SSL", "sasl.password": PASSWORD}, NO_TLS, id="TLS to SASL"
        ),
        pytest.param(True, {**SIGN_IN, "sasl.password": WRONG}, REFUSED, id="password"),
        pytest.param(
            True, {**SIGN_IN, "sasl.password": PASSWORD, "sasl.mechanism": "SCRAM-SHA-512"}, MECHANISMS, id="mechanism"
        ),
    ],
)
def test_a_listener_of_another_kind_is_reported(
    kafka: Any, flow: Flow, is_signed: bool, config: dict[str, str], text: str
) -> None:
    """`check` says which setting to change, and so does `run`, which goes on trying."""
    servers = kafka.signed if is_signed else kafka.bootstrap
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_CONFIG": json.dumps(config)}
    process = CommandRunner(flow, settings).run("check", "--json")
    assert process.returncode == 1
    assert text in process.stdout
    with flow.member(**settings) as member:
        wait_until(lambda: text in member.output, "the cause to be logged")
        assert member.terminate() == 0
    assert not any(secret in process.stdout + process.stderr + member.output for secret in (WRONG, PASSWORD))


def test_a_missing_broker_is_reported(flow: Flow) -> None:
    process = CommandRunner(flow, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).run("check", "--json")
    assert process.returncode == 1
    assert "no broker can be reached: check KAFKA_BOOTSTRAP_SERVERS" in process.stdout


def test_a_missing_right_is_not_a_missing_topic(kafka: Any, flow: Flow) -> None:
    dead_letter_topic = f"{flow.topic}.dead-letter"
    for topic in (flow.topic, dead_letter_topic):
        kafka.create_topic(topic)
    none, group = AclOperation.DESCRIBE_CONFIGS, ResourceType.GROUP
    with (
        kafka.allowing(flow.topic, none),
        kafka.allowing(dead_letter_topic, none),
        kafka.allowing(flow.group, AclOperation.DELETE, kind=group),
    ):
        checks = CommandRunner(flow)
        wait_until(
            lambda: by_subject(checks.json("check", "--json", code=1))[f"topic {flow.topic}"][0] == "problem",
            "the ACLs",
        )
        results = by_subject(checks.json("check", "--json", code=1))
        assert results[f"topic {flow.topic}"] == ("problem", "not permitted: the principal needs READ")
        assert results[f"topic {dead_letter_topic}"] == ("problem", "not permitted: the principal needs WRITE")
        assert results[f"group {flow.group}"] == ("problem", "not permitted: the principal needs READ")
        with flow.member() as member:
            assert member.end() == 1
        assert f"the principal needs WRITE for topic {dead_letter_topic}" in member.output
        with flow.member(ON_REJECTED="block", ON_UNKNOWN_RECORD="block") as member:
            assert member.end() == 1
        assert f"the principal needs READ for topic {flow.topic}" in member.output
        assert "the principal needs READ for this group" in member.output
        assert '"partition": 0' not in member.output
