"""What observers and the debug log see of an attempt: the addresses of its records, and nothing of their content."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from consumer.attempt import Attempt
from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.http_client.proxies import Proxies
from consumer.model import Accepted, BatchRequest, Chunk, Misconfigured, Record, Retry, TrackEvent, WriteKey
from consumer.segment.client import Endpoint, SegmentClient

SECRET = "s3cr3t-write-key"
KEY = WriteKey("production", SECRET)
ANSWER = "an answer that nobody may read"
UNREACHABLE = "http://127.0.0.1:1/v1/batch"


@pytest.fixture
def stand_in() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([SECRET]) as segment:
        yield segment


def chunk(partition: int, *offsets: int) -> Chunk:
    body = b'{"type":"track","event":"e","userId":"u","messageId":"m","properties":{"response":"%b"}}' % ANSWER.encode()
    events = tuple(TrackEvent(Record(partition, offset, 0, b"u", b"", ()), KEY, body) for offset in offsets)
    return Chunk.of(partition, KEY, events)


REQUEST = BatchRequest(KEY, (chunk(3, 1042, 1043, 1050), chunk(7, 9)), 0.0)


def attempts_of(url: str, request: BatchRequest = REQUEST) -> list[Attempt]:
    seen: list[Attempt] = []
    client = SegmentClient(Endpoint(url, 5.0, False, False, "sprig-to-segment/test"), Proxies.none(), [seen.append])
    client.attempt(request)
    client.close()
    return seen


def debug_line(caplog: pytest.LogCaptureFixture) -> Mapping[str, Any]:
    (line,) = [record for record in caplog.records if record.msg == "Segment request ended"]
    return vars(line)


def test_an_observer_sees_each_attempt_once_with_its_outcome(stand_in: SegmentStandIn) -> None:
    (attempt,) = attempts_of(stand_in.url)
    assert (attempt.request, attempt.outcome, attempt.status) == (REQUEST, Accepted(), 200)
    assert attempt.started_ns < attempt.ended_ns
    assert attempt.body_bytes > 4 * len(ANSWER)
    assert attempt.reason == ""
    (attempt,) = attempts_of(UNREACHABLE)
    assert isinstance(attempt.outcome, Retry)
    assert (attempt.status, attempt.reason, attempt.is_accepted) == (None, "connect_error", False)


def test_the_debug_line_has_the_addresses_and_no_content(
    stand_in: SegmentStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "consumer")
    attempts_of(stand_in.url)
    line = debug_line(caplog)
    assert (line["environment"], line["status"], line["reason"], line["events"]) == ("production", 200, "", 4)
    assert line["partitions"] == {"3": "1042-1050", "7": "9-9"}
    assert line["bytes"] > 4 * len(ANSWER)
    assert line["milliseconds"] >= 0
    assert SECRET not in str(line)
    assert ANSWER not in str(line)


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [(fault_scripts.fail(status=401), 401, "http_401"), (fault_scripts.fail(status=503), 503, "http_503")],
)
def test_a_failed_request_has_its_status_and_reason(
    stand_in: SegmentStandIn, script: Any, status: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "consumer")
    stand_in.script = script
    (attempt,) = attempts_of(stand_in.url)
    assert isinstance(attempt.outcome, Misconfigured | Retry)
    assert (debug_line(caplog)["status"], debug_line(caplog)["reason"]) == (status, reason)


def test_a_request_without_events_and_one_without_a_response_have_lines_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "consumer")
    attempts_of(UNREACHABLE, BatchRequest(KEY, (), 0.0))
    line = debug_line(caplog)
    assert (line["status"], line["events"], line["partitions"]) == (None, 0, {})


def test_at_info_no_line_is_made(stand_in: SegmentStandIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "consumer")
    attempts_of(stand_in.url)
    assert not caplog.records


def test_a_defect_in_an_observer_does_not_send_accepted_events_again(
    stand_in: SegmentStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(attempt: Attempt) -> None:
        raise KeyError(ANSWER)

    seen: list[Attempt] = []
    endpoint = Endpoint(stand_in.url, 5.0, False, False, "sprig-to-segment/test")
    client = SegmentClient(endpoint, Proxies.none(), [fail, seen.append])
    assert client.attempt(REQUEST) == Accepted()
    client.close()
    assert len(seen) == 1
    assert "attempt not recorded, delivery continues" in caplog.text
    assert ANSWER not in caplog.text
