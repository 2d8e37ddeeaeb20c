"""Each fault looks on the wire as it does in the world, and ends when it should."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import Segment

KEY = "wk"


@pytest.fixture
def segment() -> Iterator[Segment]:
    with Segment([KEY]) as made:
        yield made


def send(segment: Segment, *ids: str, timeout: float = 5.0) -> httpx.Response:
    events = [{"type": "track", "event": "e", "userId": "u", "messageId": name, "properties": {}} for name in ids]
    body = json.dumps({"batch": events, "writeKey": KEY, "sentAt": "now"})
    return httpx.post(segment.url, content=body, trust_env=False, verify=False, timeout=timeout)


def taken(segment: Segment) -> list[str]:
    return [accepted.event["messageId"] for accepted in segment.accepted]


def test_a_matching_event_is_refused_with_its_batch(segment: Segment) -> None:
    segment.script = fault_scripts.refuse(lambda event: event["messageId"] == "bad")
    assert send(segment, "a", "bad").status_code == 400
    assert send(segment, "a").status_code == 200
    assert taken(segment) == ["a"]


def test_throttling_says_how_long_and_ends(segment: Segment) -> None:
    segment.script = fault_scripts.throttle(times=1, retry_after="7")
    answer = send(segment, "a")
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["x-ratelimit-reset"]) == (429, "7", "7")
    assert send(segment, "a").status_code == 200


@pytest.mark.parametrize("status", [401, 500, 529])
def test_a_failure_takes_nothing(segment: Segment, status: int) -> None:
    segment.script = fault_scripts.fail(2, status)
    assert [send(segment, "a").status_code for _ in range(3)] == [status, status, 200]
    assert taken(segment) == ["a"]


def test_an_outage_lasts_until_it_is_lifted(segment: Segment) -> None:
    segment.script = fault_scripts.down()
    assert {send(segment, "a").status_code for _ in range(3)} == {503}
    segment.script = fault_scripts.calm
    assert send(segment, "a").status_code == 200


def test_a_proxy_page_takes_nothing(segment: Segment) -> None:
    segment.script = fault_scripts.page(1)
    assert send(segment, "a").text == "<html>Sign in</html>"
    assert taken(segment) == []


def test_a_hanging_request_ends_with_the_client(segment: Segment) -> None:
    segment.script = fault_scripts.hang(1)
    with pytest.raises(httpx.ReadTimeout):
        send(segment, "a", timeout=0.1)
    assert taken(segment) == []
    assert send(segment, "a").status_code == 200


def test_a_hanging_request_ends_with_the_stand_in(segment: Segment) -> None:
    with Segment([KEY]) as other:
        other.script = fault_scripts.hang()
        with pytest.raises(httpx.ReadTimeout):
            send(other, "a", timeout=0.1)


@pytest.mark.parametrize("kept", [True, False])
def test_a_reset_tells_nothing_about_the_events(segment: Segment, kept: bool) -> None:
    segment.script = fault_scripts.reset(1, taken=kept)
    with pytest.raises(httpx.ReadError):
        send(segment, "a")
    assert taken(segment) == ["a"] * kept
    assert send(segment, "a").status_code == 200
    assert (taken(segment), segment.duplicates) == (["a"], int(kept))


def test_a_cut_off_answer_took_the_events(segment: Segment) -> None:
    segment.script = fault_scripts.cut_off(1)
    with pytest.raises(httpx.RemoteProtocolError):
        send(segment, "a")
    assert taken(segment) == ["a"]


def test_a_dribbled_answer_outlasts_a_timeout_per_read(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_scripts, "DRIBBLE_SECONDS", 0.02)
    segment.script = fault_scripts.dribble(1)
    started = time.monotonic()
    assert send(segment, "a", timeout=1).json() == {"success": True}
    assert time.monotonic() - started > 1


def test_the_first_script_with_an_opinion_is_heard(segment: Segment) -> None:
    segment.script = fault_scripts.first(fault_scripts.fail(1, 500), fault_scripts.fail(1, 503))
    assert [send(segment, "a").status_code for _ in range(3)] == [500, 503, 200]
