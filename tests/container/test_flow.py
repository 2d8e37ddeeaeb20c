"""`run` and the image with a real Kafka: without faults, in rebalances, with transactions and deleted records."""

import json
import struct
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, ExpectDelivered
from consumer.demo.samples import Sample, responses
from consumer.demo.segment_server import SegmentStandIn
from tests.support import KEYS, Flow, is_refused, metric, registry, wait_until


@pytest.fixture(params=["consumer", "classic"])
def flow(kafka: Any, topic: str, request: pytest.FixtureRequest) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(kafka.bootstrap, topic, segment, request.param)


def test_a_calm_run_of_framed_records_ends_at_the_exact_offsets(flow: Flow) -> None:
    schema = (paths.schemas() / "sprig" / "response.avsc").read_text()
    with registry({7: schema}) as url:
        flow.settings = {"SCHEMA_REGISTRY_URL": url}
        flow.produce(3000, frame=lambda body: struct.pack(">bI", 0, 7) + body)
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger
    assert not flow.segment.dropped
    assert not flow.segment.breaches
    assert not any(key in member.output for key in KEYS.values())


def test_members_that_come_and_go_lose_nothing_and_repeat_nothing(flow: Flow) -> None:
    flow.segment.script = fault_scripts.calm
    flow.produce(1000)
    with flow.member() as first:
        assert flow.segment.wait_until(lambda segment: len(segment.accepted) > 100)
        with flow.member() as second:
            wait_until(lambda: "partitions assigned" in second.output, "the second member to get partitions")
            flow.produce(1000, seed=2)
            flow.wait_until_settled()
            flow.produce(1000, seed=3)
            assert first.terminate() == 0
            flow.produce(1000, seed=4)
            flow.wait_until_settled()
            assert second.terminate() == 0
    ledger = flow.ledger()
    refused = sum(expected == REFUSED for expected in flow.produced.values())
    assert not ledger.lost
    assert not ledger.duplicates
    assert not ledger.out_of_order
    assert len(ledger.unexpected) == refused  # these events were expected to be refused, and this script refuses none


def test_transactions_are_read_when_committed_and_leave_no_lag(flow: Flow) -> None:
    schema = schema_files.raw_schema(paths.schemas())
    producer = Producer({"bootstrap.servers": flow.bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(30)
    for number, committed in enumerate([True, False, True, False]):
        producer.begin_transaction()
        for sample in delivered(100, seed=number):
            producer.produce(flow.topic, decoder.encode(schema, sample.value), sample.key, partition=0)
            if committed:
                flow.note_produced(0, sample.expected)
            else:
                flow.ends[0] += 1
        assert producer.flush(30) == 0  # without this, an abort drops the records that are not written yet
        if committed:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
        flow.ends[0] += 1  # the marker of the transaction has an offset
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger


def delivered(count: int, seed: int) -> list[Sample]:
    """The samples that reach Segment, of `count` samples."""
    return [sample for sample in responses(count, seed) if isinstance(sample.expected, ExpectDelivered)]


def test_the_image_runs_read_only_as_an_unprivileged_user(
    kafka: Any, topic: str, product_image: str, tmp_path: Path
) -> None:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(kafka.bootstrap, topic, segment)
        flow.produce(600)
        env_file = tmp_path / "settings.env"
        env_file.write_text("".join(f"{name}={value}\n" for name, value in flow.environment().items()))
        name = f"sprig-to-segment-test-{uuid.uuid4().hex[:8]}"
        options = ["--rm", "--name", name, "--read-only", "--user", "65532", "--network", "host", "--memory", "192m"]
        running = subprocess.Popen(
            ["docker", "run", *options, "--env-file", env_file, product_image], stderr=subprocess.PIPE, text=True
        )
        try:
            flow.wait_until_settled()
        finally:
            subprocess.run(["docker", "stop", "--time", "30", name], check=True, stdout=subprocess.DEVNULL)
            _, output = running.communicate(timeout=30)
        assert running.returncode == 0, output
        assert flow.ledger().even
        assert all(json.loads(line)["level"] for line in output.splitlines())


def test_records_deleted_before_they_were_read_are_counted_and_the_rest_is_delivered(kafka: Any, flow: Flow) -> None:
    flow.produce(600)
    first_kept = 20
    kafka.commit(flow.group, flow.topic, {0: 5})
    kafka.delete_records(flow.topic, {0: first_kept})
    with flow.member() as member:
        flow.wait_until_settled()
        assert metric(member.url, "records_lost_to_retention_total") == first_kept - 5
        assert member.terminate() == 0
    (log_line,) = [line for line in member.lines if "records were deleted before they were read" in line]
    assert (json.loads(log_line)["partition"], json.loads(log_line)["lost"]) == (0, first_kept - 5)
    lost = {address for address in flow.ledger().lost if address.offset >= first_kept or address.partition != 0}
    assert not lost


def test_with_the_policy_error_a_partition_with_deleted_records_is_blocked(kafka: Any, flow: Flow) -> None:
    flow.produce(600)
    kafka.commit(flow.group, flow.topic, {0: 5, 1: 0, 2: 0, 3: 0})
    kafka.delete_records(flow.topic, {0: 20})
    other_ends = {number: flow.ends[number] for number in (1, 2, 3)}
    flow.settings = {"KAFKA_AUTO_OFFSET_RESET": "error"}
    with flow.member() as member:
        wait_until(lambda: "offset_out_of_range" in member.output, "the block to be logged")
        wait_until(lambda: flow.committed() == {0: 5, **other_ends}, "the other partitions to be settled")
        assert metric(member.url, "records_lost_to_retention_total") == 15
        assert metric(member.url, "blocked", reason="offset_out_of_range") == 1
        assert member.terminate() == 0
    assert flow.committed()[0] == 5


def test_with_the_policy_error_a_group_without_an_offset_is_blocked(flow: Flow) -> None:
    flow.produce(60)
    flow.settings = {"KAFKA_AUTO_OFFSET_RESET": "error"}
    with flow.member() as member:
        wait_until(lambda: "no_committed_offset" in member.output, "the block to be logged")
        assert member.terminate() == 0
    assert not flow.segment.accepted
    assert not any(flow.committed().values())
