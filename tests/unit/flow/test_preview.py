"""`preview` finds records by messageId and by user, and follows the topic until Ctrl-C."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.demo.expected import ExpectDelivered
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.cli_runner import CommandRunner
from tests.support import COMMAND, KEYS, Flow


@pytest.fixture(scope="module")
def flow(broker: MockBroker) -> Iterator[Flow]:
    broker.create_topic("previewed")
    with SegmentStandIn(KEYS.values()) as segment:
        flow = Flow(broker.address, "previewed", segment, settings={"AVRO_FRAMING": "raw"})
        flow.produce(100)
        yield flow


@pytest.fixture(scope="module")
def all_records(flow: Flow) -> list[Any]:
    return CommandRunner(flow).json_lines("preview", "--count", "1000")


def test_a_message_id_finds_its_record(flow: Flow, all_records: list[Any]) -> None:
    event = next(record for record in all_records if record["outcome"] == "call")
    message_id = event["call"]["messageId"]
    assert CommandRunner(flow).json_lines("preview", "--message-id", message_id) == [event]

    other_source = f"{'0' * 16}{message_id[16:]}"
    result = CommandRunner(flow).run("preview", "--message-id", other_source)
    assert result.returncode == 1
    assert json.loads(result.stdout) == event
    assert f"has the messageId {message_id}" in result.stderr
    assert "MESSAGE_ID_NAMESPACE" in result.stderr


def test_a_message_id_without_a_record_is_a_clear_failure(flow: Flow) -> None:
    result = CommandRunner(flow).run("preview", "--message-id", f"{'0' * 16}-1-{flow.ends[1]}-0")
    assert (result.returncode, result.stdout) == (1, "")
    assert f"has no record at 1:{flow.ends[1]}, which the messageId names" in result.stderr


def test_a_message_id_of_another_form_without_a_record_is_a_failure(flow: Flow) -> None:
    result = CommandRunner(flow).run("preview", "--message-id", "made-by-somebody-else")
    assert (result.returncode, result.stdout) == (1, "")
    assert "has no such record there" in result.stderr


def test_a_user_has_events(flow: Flow, all_records: list[Any]) -> None:
    events = [record for record in all_records if record["outcome"] == "call"]
    user = events[-1]["call"]["userId"]
    expected = [record for record in events if record["call"]["userId"] == user]
    found = CommandRunner(flow).json_lines("preview", "--user", user)
    assert [record for record in found if record["outcome"] == "call"] == expected

    limited = CommandRunner(flow).run("preview", "--user", user, "--count", "1")
    assert len(limited.stdout.splitlines()) == 1
    assert "There may be more" in limited.stderr
    assert len(expected) > 0
    nobody = CommandRunner(flow).run("preview", "--user", "nobody@nowhere")
    assert (nobody.returncode, nobody.stdout) == (0, "")
    assert "has no such record there" in nobody.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_new_records_are_followed_until_a_signal(flow: Flow, number: signal.Signals) -> None:
    environment = {"PATH": os.environ["PATH"], **flow.environment()}
    options = ["preview", "--follow"]
    with subprocess.Popen(
        [COMMAND, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stderr.readline() == "Following topic previewed; Ctrl-C ends it.\n"
        before = set(flow.produced)
        flow.produce(30, seed=int(number))
        new = {(address.partition, address.offset) for address in flow.produced if address not in before}
        lines = [json.loads(process.stdout.readline()) for _ in range(30)]
        assert {(line["partition"], line["offset"]) for line in lines} == new
        expected = sum(isinstance(flow.produced[address], ExpectDelivered) for address in flow.produced.keys() - before)
        assert sum(line["outcome"] == "call" for line in lines) >= expected
        process.send_signal(number)
        rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, ("", ""))


def test_a_followed_topic_ends_after_a_count(flow: Flow) -> None:
    records = CommandRunner(flow).json_lines("preview", "--follow", "--from", "1:2", "--count", "3")
    assert [(record["partition"], record["offset"]) for record in records] == [(1, 2), (1, 3), (1, 4)]


def test_one_record_is_not_followed(flow: Flow) -> None:
    result = CommandRunner(flow).run("preview", "--follow", "--message-id", "x")
    assert result.returncode == 2
    assert "give it without --follow" in result.stderr


def test_nothing_of_a_preview_reaches_segment_or_the_group(flow: Flow) -> None:
    assert not flow.segment.accepted
    assert not any(flow.committed().values())
