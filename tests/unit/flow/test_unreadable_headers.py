"""The name of a header may have any bytes: it stops no record, and a dead letter says that it lacks the headers."""

from collections.abc import Iterator

import pytest

from consumer.avro import decoder
from consumer.demo.expected import UNDECODABLE, ExpectDelivered, ExpectedOutcome
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker, records
from tests.cli_runner import CommandRunner
from tests.raw_headers import produce_with_header
from tests.support import KEYS, Flow

NOT_UTF_8 = b"n\xff\xfe"


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, topic, segment)


def produce(flow: Flow, value: bytes, name: bytes, expected: ExpectedOutcome) -> None:
    produce_with_header(flow.bootstrap, flow.topic, 0, value, name)
    flow.note_produced(0, expected)


def test_headers_that_cannot_be_read_stop_no_record_and_their_dead_letter_says_so(flow: Flow) -> None:
    fields = {"userId": "user-1", "environment": "production", "questionType": "open", "response": "good"}
    response = decoder.encode(flow.schema, fields)
    produce(flow, response, NOT_UTF_8, ExpectDelivered("production"))
    produce(flow, response[:-1], NOT_UTF_8, UNDECODABLE)
    produce(flow, response[:-1], "ü".encode(), UNDECODABLE)
    produce(flow, response, b"name", ExpectDelivered("production"))
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert flow.ledger().even

    unreadable, readable = sorted(
        (dict(message.headers()) for message in records(flow.bootstrap, f"{flow.topic}.dead-letter")),
        key=lambda headers: headers["dead-letter-offset"],
    )
    assert unreadable["dead-letter-headers"] == b"unreadable"
    assert "dead-letter-headers" not in readable
    assert readable["ü"] == b"x"


def test_a_record_with_unreadable_headers_is_shown_as_such_also_after_a_replay(flow: Flow) -> None:
    produce(flow, b"\xff", NOT_UTF_8, UNDECODABLE)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    runner = CommandRunner(flow)
    assert "not kept, because the name of a header is not UTF-8" in runner.run("dead-letters", "show", "0:0").stdout
    assert runner.json("dead-letters", "replay", "--yes", "--json")["set_aside"] == {"undecodable": 1}
    shown = runner.json_lines("dead-letters", "show", "0:0", "--json")
    assert [report["headers_unreadable"] for report in shown] == [True, True]
