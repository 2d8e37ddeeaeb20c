"""Each fault looks on the wire as it does in production, and ends when it should."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn

KEY = "wk"


@pytest.fixture
def segment() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([KEY]) as stand_in:
        yield stand_in


def send(segment: SegmentStandIn, *ids: str, timeout: float = 5.0) -> httpx.Response:
    events = [
        {"type": "track", "event": "e", "userId": "u", "messageId": message_id, "properties": {}} for message_id in ids
    ]
    body = json.dumps({"batch": events, "writeKey": KEY, "sentAt": "now"})
    return httpx.post(segment.url, content=body, trust_env=False, verify=False, timeout=timeout)


def accepted_ids(segment: SegmentStandIn) -> list[str]:
    return [accepted.event["messageId"] for accepted in segment.accepted]


def test_a_matching_event_is_refused_with_its_batch(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.refuse(lambda event: event["messageId"] == "bad")
    assert send(segment, "a", "bad").status_code == 400
    assert send(segment, "a").status_code == 200
    assert accepted_ids(segment) == ["a"]


def test_throttling_says_how_long_to_wait_and_ends(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.throttle(times=1, retry_after="7")
    response = send(segment, "a")
    headers = response.headers
    assert (response.status_code, headers["retry-after"], headers["x-ratelimit-reset"]) == (429, "7", "7")
    assert send(segment, "a").status_code == 200


@pytest.mark.parametrize("status", [401, 500, 529])
def test_a_failure_accepts_nothing(segment: SegmentStandIn, status: int) -> None:
    segment.script = fault_scripts.fail(2, status)
    assert [send(segment, "a").status_code for _ in range(3)] == [status, status, 200]
    assert accepted_ids(segment) == ["a"]


def test_an_outage_lasts_until_it_is_lifted(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.down()
    assert {send(segment, "a").status_code for _ in range(3)} == {503}
    segment.script = fault_scripts.calm
    assert send(segment, "a").status_code == 200


def test_a_proxy_page_accepts_nothing(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.page(1)
    assert send(segment, "a").text == "<html>Sign in</html>"
    assert accepted_ids(segment) == []


def test_a_hanging_request_ends_with_the_client(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.hang(1)
    with pytest.raises(httpx.ReadTimeout):
        send(segment, "a", timeout=0.1)
    assert accepted_ids(segment) == []
    assert send(segment, "a").status_code == 200


def test_a_hanging_request_ends_with_the_stand_in(segment: SegmentStandIn) -> None:
    with SegmentStandIn([KEY]) as stopped_stand_in:
        stopped_stand_in.script = fault_scripts.hang()
        with pytest.raises(httpx.ReadTimeout):
            send(stopped_stand_in, "a", timeout=0.1)


@pytest.mark.parametrize("accepts_events", [True, False])
def test_a_reset_says_nothing_about_the_events(segment: SegmentStandIn, accepts_events: bool) -> None:
    segment.script = fault_scripts.reset(1, accepts_events=accepts_events)
    with pytest.raises(httpx.ReadError):
        send(segment, "a")
    assert accepted_ids(segment) == ["a"] * accepts_events
    assert send(segment, "a").status_code == 200
    assert (accepted_ids(segment), segment.duplicates) == (["a"], int(accepts_events))


def test_a_cut_off_response_accepted_the_events(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.cut_off(1)
    with pytest.raises(httpx.RemoteProtocolError):
        send(segment, "a")
    assert accepted_ids(segment) == ["a"]


def test_a_dribbled_response_takes_longer_than_a_timeout_per_read(
    segment: SegmentStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_scripts, "DRIBBLE_SECONDS", 0.02)
    segment.script = fault_scripts.dribble(1)
    started = time.monotonic()
    assert send(segment, "a", timeout=1).json() == {"success": True}
    assert time.monotonic() - started > 1


def test_the_first_script_with_a_response_decides(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.first(fault_scripts.fail(1, 500), fault_scripts.fail(1, 503))
    assert [send(segment, "a").status_code for _ in range(3)] == [500, 503, 200]
