"""The dead-letter topic keeps each dead letter as long as its retention says, whatever the age of the record."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from consumer.avro import decoder
from consumer.demo.expected import ExpectDeadLetter
from consumer.demo.segment_server import SegmentStandIn
from consumer.jsonio import iso_millis
from tests.cli_runner import CommandRunner
from tests.pages import ROOT
from tests.support import KEYS, Flow, wait_until

DAY = 24 * 60 * 60 * 1000
(CREATE_TOPIC,) = re.findall(r"(?m)^kafka-topics\.sh .*--create .*$", (ROOT / "docs" / "deploy.md").read_text())
DOCUMENTED = {name.replace(".", "_"): value for name, value in re.findall(r"--config ([a-z.]+)=(\S+)", CREATE_TOPIC)}
AGE = int(DOCUMENTED["retention_ms"]) + 10 * DAY  # of the records: more than the dead-letter topic keeps a dead letter
STAGING_KEY = "test-staging-key"


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    """A topic that keeps old records, and a dead-letter topic as docs/deploy.md creates it, on a single broker."""
    kafka.create_topic(topic, partitions=1, retention_ms=-1)
    on_single_broker = {name: value for name, value in DOCUMENTED.items() if name != "min_insync_replicas"}
    kafka.create_topic(f"{topic}.dead-letter", partitions=1, **on_single_broker)
    with SegmentStandIn([*KEYS.values(), STAGING_KEY]) as segment:
        yield Flow(kafka.bootstrap, topic, segment, partitions=1)


def wait_for_retention_check(kafka: Any, topic: str) -> None:
    """
    Wait until the broker has looked for old records in all topics.

    It deletes an old record of another topic. The check that deletes the first one may have begun before the call, so
    the check that deletes the second one counts.
    """
    canary = f"{topic}.canary"
    kafka.create_topic(canary, partitions=1, retention_ms=DAY)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": canary})
    for number in (1, 2):
        producer.produce(canary, b"old", timestamp=int(time.time() * 1000) - 2 * DAY)
        assert producer.flush(30) == 0
        wait_until(
            lambda n=number: consumer.get_watermark_offsets(TopicPartition(canary, 0))[0] == n,  # type: ignore[misc]
            "the old record to be deleted",
        )
    consumer.close()


def produce_without_key(flow: Flow, count: int, timestamp: int) -> None:
    """Responses of an environment without a write key; the time of each event is that of its record."""
    fields = {"userId": "user-1", "environment": "staging", "questionType": "open", "response": "good"}
    producer = flow.producer()
    for number in range(count):
        producer.produce(flow.topic, decoder.encode(flow.schema, fields), b"k", 0, timestamp=timestamp + number)
        flow.note_produced(0, ExpectDeadLetter("no_write_key"))
    assert producer.flush(30) == 0


def test_dead_letters_of_old_records_are_kept_and_replayed_with_the_time_of_their_records(
    kafka: Any, flow: Flow
) -> None:
    runner, timestamp = CommandRunner(flow), int(time.time() * 1000) - AGE
    produce_without_key(flow, 5, timestamp)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    wait_for_retention_check(kafka, flow.topic)

    summary = runner.json("dead-letters", "list", "--json")["no_write_key"]
    assert (summary["letters"], summary["latest"]) == (5, "0:4")
    assert (summary["first"], summary["last"]) == (iso_millis(timestamp), iso_millis(timestamp + 4))
    (details,) = runner.json_lines("dead-letters", "show", "0:0", "--json")
    assert details["timestamp"] == iso_millis(timestamp)
    assert details["rejected_at"] > iso_millis(timestamp + AGE - DAY)

    # The time of a dead letter is that of its record, in every command.
    later = iso_millis(timestamp + 3)
    assert runner.json("dead-letters", "list", "--json", "--since", later)["no_write_key"]["letters"] == 2
    assert runner.json("dead-letters", "list", "--json", "--until", later)["no_write_key"]["letters"] == 3
    all_keys = {"SEGMENT_WRITE_KEYS": json.dumps({**KEYS, "staging": STAGING_KEY})}
    result = CommandRunner(flow, all_keys).json("dead-letters", "replay", "--until", later, "--yes", "--json")
    assert (result["sent"], result["done"]) == (3, True)
    events = [arrival.event for arrival in flow.segment.accepted]
    assert [event["timestamp"] for event in events] == [iso_millis(timestamp + offset) for offset in range(3)]
    for offset, event in enumerate(events):
        assert str(event["messageId"]).endswith(f"-0-{offset}-{timestamp + offset}")


def test_dead_letters_that_the_topic_deleted_are_missed_by_every_command(kafka: Any, flow: Flow) -> None:
    runner = CommandRunner(flow)
    produce_without_key(flow, 5, int(time.time() * 1000))
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    lines = ("dead-letters list", "dead-letters show 0:9", "dead-letters replay")
    assert not any("gone" in str(runner.run(*line.split())) for line in lines)
    assert set(runner.json("dead-letters", "list", "--json")) == {"no_write_key"}
    assert runner.json("dead-letters", "replay", "--json")["deleted_offsets"] == {}

    kafka.delete_records(f"{flow.topic}.dead-letter", {0: 3})
    gone = "Earlier dead letters are gone: Kafka deleted 3 offsets, and the dead-letter topic begins at 0:3.\n"
    assert gone in runner.run("dead-letters", "list").stdout
    assert runner.run("dead-letters", "show", "0:2").stderr.endswith(f"has no dead letter of {flow.topic} 0:2\n{gone}")
    assert gone in runner.run("dead-letters", "replay").stdout
    report = runner.json("dead-letters", "list", "--json")
    assert (report["no_write_key"]["letters"], report["deleted_offsets"]) == (2, {"0": 3})
    assert runner.json("dead-letters", "replay", "--json")["deleted_offsets"] == {"0": 3}
