"""`produce-samples` and `demo-segment`: a service between them accounts for each sample; a user's topic is refused."""

import json
import os
import re
import signal
import subprocess
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from consumer import paths
from consumer.cli.main import main
from consumer.demo.demo_segment import KEYS as DEMO_KEYS
from consumer.demo.demo_segment import demo_segment
from consumer.demo.expected import ExpectDelivered
from consumer.demo.samples import Sample, responses
from consumer.kafka.mock_broker import MockBroker, records
from consumer.kafka.sample_producer import SAMPLE_HEADER
from consumer.kafka.topic_creation import ANSWER_SECONDS
from tests.http_peer import json_response, peer
from tests.support import COMMAND, Flow, registry, wait_until

RESPONSE = (paths.schemas() / "sprig" / "response.avsc").read_text()
COUNT = 120
SAMPLES = list(responses(COUNT, seed=1))
DELIVERED = sum(isinstance(sample.expected, ExpectDelivered) for sample in SAMPLES)
DEMO_SETTINGS = {"SEGMENT_WRITE_KEYS": json.dumps(DEMO_KEYS)}


def settings(broker: MockBroker, topic: str, **more: str) -> dict[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": broker.address, "KAFKA_TOPIC": topic, **more}


def produce_samples(environment: Mapping[str, str], *options: str) -> Result:
    """The command in this process, because a process of its own takes a second to start."""
    words = ["produce-samples", "--count", str(COUNT), "--rate", "10000", *options]
    return CliRunner().invoke(main, words, env=environment)


def note_produced(flow: Flow) -> None:
    """Tell the flow the expected outcome of each record: the samples of one key are in one partition, in order."""
    waiting: dict[bytes, deque[Sample]] = defaultdict(deque)
    for sample in SAMPLES:
        waiting[sample.key].append(sample)
    for record in records(flow.bootstrap, flow.topic):
        assert (SAMPLE_HEADER, b"1") in record.headers()
        flow.note_produced(record.partition(), waiting[record.key()].popleft().expected)
    assert not any(waiting.values())


@pytest.mark.parametrize("framing", ["raw", "single-object", "confluent", "confluent-header", "auto"])
def test_the_service_accounts_for_each_sample_in_each_framing(broker: MockBroker, topic: str, framing: str) -> None:
    with registry({7: RESPONSE}) as url, demo_segment() as segment:
        source = {"AVRO_FRAMING": framing}
        if framing not in ("raw", "single-object"):
            source["SCHEMA_REGISTRY_URL"] = f"http://127.0.0.1:1,{url}"  # no registry answers at the first URL
        produced = produce_samples(settings(broker, topic, **source))
        assert produced.exit_code == 0, produced.stderr
        assert produced.stdout == f"{COUNT} samples written to {topic}, {framing}\n"
        flow = Flow(broker.address, topic, segment, settings=source | DEMO_SETTINGS)
        note_produced(flow)
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        assert len(segment.accepted) == DELIVERED
        assert not segment.breaches
        assert sorted(letter.address for letter in flow.dead_letters()) == sorted(
            address for address, expected in flow.produced.items() if str(expected).startswith("dead-lettered")
        )


@contextmanager
def demo_segment_command(*options: str) -> Iterator[tuple[subprocess.Popen[str], Sequence[str]]]:
    """The running command, and the lines that it printed."""
    words = [COMMAND, "demo-segment", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process, [process.stdout.readline().rstrip() for _ in range(4)]
        finally:
            process.kill()


def test_run_delivers_to_the_stand_in_with_the_settings_that_it_prints(
    broker: MockBroker, topic: str, tmp_path: Path
) -> None:
    assert produce_samples(settings(broker, topic)).exit_code == 0
    with demo_segment_command("--port", "0") as (stand_in, lines), demo_segment() as unused:
        (inbox,) = re.findall(r"http://\S+", lines[0])
        env_file = tmp_path / "segment.env"
        env_file.write_text("\n".join(lines[2:]) + "\n")
        flow = Flow(broker.address, topic, unused)
        from_file = {"SEGMENT_ENDPOINT": "", "SEGMENT_WRITE_KEYS": ""}
        printed = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
        with flow.member(**from_file | printed) as member:
            wait_until(
                lambda: httpx.get(f"{inbox}inbox.json").json()["accepted"] == DELIVERED, "all events in the inbox"
            )
            assert member.terminate() == 0
        other = subprocess.run(
            [COMMAND, "demo-segment", "--port", inbox.split(":")[2].strip("/")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert other.returncode == 1
        assert "choose another --port" in other.stderr
        stand_in.send_signal(signal.SIGTERM)
        assert stand_in.wait(30) == 0


def test_a_topic_with_other_records_is_refused(broker: MockBroker, topic: str) -> None:
    environment = settings(broker, topic)
    assert produce_samples(environment).exit_code == 0
    assert produce_samples(environment).exit_code == 0  # a topic that has only samples takes more
    broker.produce(topic, 2, b"user", b"an answer")
    broker.flush()
    refused = produce_samples(environment)
    assert refused.exit_code == 1
    assert re.search(rf"topic {topic} may have responses of users: the record 2:\d+ is no sample", refused.stderr)
    assert len(list(records(broker.address, topic))) == 2 * COUNT + 1
    assert produce_samples(environment, "--yes").exit_code == 0
    assert len(list(records(broker.address, topic))) == 3 * COUNT + 1


def test_nothing_is_created_for_a_topic_that_is_refused(broker: MockBroker, topic: str) -> None:
    missing = f"{topic}.no-dead-letters"
    environment = settings(broker, topic, DEAD_LETTER_TOPIC=missing)
    broker.produce(topic, 0, b"user", b"an answer")
    broker.flush()
    refused = produce_samples(environment, "--create-topic")
    assert refused.exit_code == 1
    assert f"topic {topic} may have responses of users" in refused.stderr
    assert missing not in AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=20).topics


def test_it_says_first_where_it_would_write(broker: MockBroker, topic: str) -> None:
    assert produce_samples(settings(broker, topic)).stderr == f"brokers {broker.address}, topic {topic}\n"


def test_a_topic_whose_oldest_record_is_no_sample_is_refused_for_good(broker: MockBroker, topic: str) -> None:
    environment = settings(broker, topic)
    broker.produce(topic, 0, b"user", b"an answer")
    broker.flush()
    assert produce_samples(environment, "--yes").exit_code == 0
    assert "the record 0:0 is no sample" in produce_samples(environment).stderr


def test_a_missing_topic_is_an_error_that_names_the_option(broker: MockBroker) -> None:
    missing = produce_samples(settings(broker, "no-such-topic"))
    assert missing.exit_code == 1
    assert missing.stderr.splitlines()[1:] == ["topic no-such-topic does not exist: create it, or use --create-topic"]


@pytest.mark.parametrize(
    ("status", "explanation"),
    [
        (401, "refuses the credentials"),
        (404, "look at SCHEMA_REGISTRY_URL"),
        (409, "the subject has a schema that this schema is not compatible with"),
        (500, "HTTP status 500"),
    ],
)
def test_a_registry_that_does_not_take_the_schema_is_an_error(
    broker: MockBroker, topic: str, status: int, explanation: str
) -> None:
    with peer(lambda _: json_response({}, status)) as server:
        refused = produce_samples(settings(broker, topic, SCHEMA_REGISTRY_URL=server.url))
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[1].startswith("the schema registry did not register the schema: ")
    assert explanation in refused.stderr
    assert not list(records(broker.address, topic))


def test_a_registry_of_another_type_is_refused(broker: MockBroker, topic: str) -> None:
    other = {"SCHEMA_REGISTRY_URL": "http://127.0.0.1:1", "SCHEMA_REGISTRY_TYPE": "apicurio", "AVRO_FRAMING": "auto"}
    other["SCHEMA_REGISTRY_CONFIG"] = '{"apicurio.registry.use-id": "contentId"}'
    refused = produce_samples(settings(broker, topic, **other))
    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[1].startswith("SCHEMA_REGISTRY_TYPE: samples can be written")


def test_ctrl_c_ends_it_and_it_says_how_many_samples_are_written(broker: MockBroker, topic: str) -> None:
    words = [COMMAND, "produce-samples", "--count", "1000000", "--rate", "50"]
    environment = {"PATH": os.environ["PATH"], **settings(broker, topic)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as producing:
        wait_until(lambda: any(records(broker.address, topic)), "the first sample")
        producing.send_signal(signal.SIGINT)
        output, _ = producing.communicate(timeout=100)
    assert producing.returncode == 0
    assert output == f"{len(list(records(broker.address, topic)))} samples written to {topic}, raw\n"


def test_without_a_broker_the_cause_is_named_at_once() -> None:
    """Not after the time in which a slow broker may answer: each broker was tried without success."""
    begun_at = time.monotonic()
    result = produce_samples({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"})
    assert result.exit_code == 1
    assert "no broker can be reached" in result.output
    assert time.monotonic() - begun_at < ANSWER_SECONDS / 2
