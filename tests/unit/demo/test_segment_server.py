"""The stand-in for Segment enforces Segment's documented rules, and drops events as silently as Segment does."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from consumer.demo.segment_server import SegmentStandIn

KEY = "wk-production"
OTHER = "wk-development"
DAY = 24 * 3600.0


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def segment(clock: Clock) -> Iterator[SegmentStandIn]:
    with SegmentStandIn([KEY, OTHER], clock=clock) as stand_in:
        yield stand_in


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    json_type = {"Content-Type": "application/json"}
    with httpx.Client(trust_env=False, verify=False, timeout=5, headers=json_type) as http_client:
        yield http_client


@pytest.fixture
def post(segment: SegmentStandIn, client: httpx.Client) -> Callable[..., httpx.Response]:
    def send(*events: Any, key: str = KEY, **changes: Any) -> httpx.Response:
        body = {"batch": list(events), "sentAt": "2026-03-02T09:00:00Z", "writeKey": key} | changes
        return client.post(segment.url, content=json.dumps(body, ensure_ascii=False).encode())

    return send


Post = Callable[..., httpx.Response]


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    fields = {
        "type": "track",
        "event": "SDK - Submitted - Survey Response",
        "userId": "user-1",
        "messageId": f"0123456789abcdef-0-{number}-1764000000000",
        "timestamp": "2026-03-02T09:00:00Z",
        "context": {"integration": {"name": "sprig", "version": "1.0.0"}},
        "properties": {"question": "Why?"},
    } | changes
    return {name: value for name, value in fields.items() if value is not ...}


def test_good_events_are_accepted_in_order(segment: SegmentStandIn, post: Post, clock: Clock) -> None:
    response = post(event(1), event(2))
    assert (response.status_code, response.json()) == (200, {"success": True})
    post(event(3), key=OTHER)
    assert [(accepted.key, accepted.event, accepted.request_no) for accepted in segment.accepted] == [
        (KEY, event(1), 1),
        (KEY, event(2), 1),
        (OTHER, event(3), 2),
    ]
    assert segment.accepted[0].received_at == clock.now
    assert (segment.requests, segment.dropped, segment.breaches) == (2, [], [])


DROPPED = [
    ("no_user_anon_id", {"userId": ...}),
    ("no_user_anon_id", {"userId": ""}),
    ("no_user_anon_id", {"userId": "  "}),
    ("no_user_anon_id", {"userId": 7}),
    ("no_user_anon_id", {"userId": ..., "anonymousId": " "}),
    ("no_event", {"event": ...}),
    ("no_event", {"event": ""}),
    ("properties_no_object", {"properties": ["a"]}),
    ("properties_no_object", {"properties": None}),
    ("no_type", {"type": ...}),
    ("no_type", {"type": "greet"}),
    ("long_message_id", {"messageId": "x" * 100}),
]


@pytest.mark.parametrize(("reason", "changes"), DROPPED)
def test_a_bad_event_is_answered_200_and_dropped(
    segment: SegmentStandIn, post: Post, reason: str, changes: dict[str, Any]
) -> None:
    response = post(event(1), event(2, **changes), event(3))
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert [dropped.reason for dropped in segment.dropped] == [reason]
    assert [accepted.event for accepted in segment.accepted] == [event(1), event(3)]


def test_a_message_id_just_under_the_limit_is_accepted(segment: SegmentStandIn, post: Post) -> None:
    post(event(messageId="x" * 99))
    assert len(segment.accepted) == 1


def test_an_unknown_key_is_answered_200_and_all_is_dropped(segment: SegmentStandIn, post: Post) -> None:
    assert post(event(1), key="wk-nobody").json() == {"success": True}
    assert segment.dropped == [("unknown_key", event(1)["messageId"])]
    assert segment.accepted == []


def test_too_many_events_are_answered_200_and_dropped(segment: SegmentStandIn, post: Post) -> None:
    small = [{"messageId": str(number)} for number in range(2501)]
    assert post(*small).status_code == 200
    assert {dropped.reason for dropped in segment.dropped} == {"too_many_events"}
    assert len(segment.dropped) == 2501


def test_duplicates_are_dropped_for_a_day_across_all_sources(segment: SegmentStandIn, post: Post, clock: Clock) -> None:
    post(event(1), event(1))
    post(event(1), key=OTHER)
    assert (len(segment.accepted), segment.duplicates) == (1, 2)
    clock.now += DAY - 1
    post(event(1))
    assert segment.duplicates == 3
    clock.now += 1
    post(event(1))
    assert (len(segment.accepted), segment.duplicates) == (2, 3)


def test_the_key_may_be_in_the_header_or_the_body_but_must_not_differ(
    segment: SegmentStandIn, client: httpx.Client
) -> None:
    def post(number: int, header: str, **body: str) -> None:
        basic = base64.b64encode(f"{header}:".encode()).decode()
        content = json.dumps({"batch": [event(number)], **body})
        client.post(segment.url, content=content, headers={"Authorization": f"Basic {basic}"})

    post(1, KEY)
    post(2, KEY, writeKey=KEY)
    post(3, OTHER, writeKey=KEY)
    assert [accepted.key for accepted in segment.accepted] == [KEY, KEY]
    assert [dropped.reason for dropped in segment.dropped] == ["keys_disagree"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"'])
def test_no_json_object_is_a_400(segment: SegmentStandIn, client: httpx.Client, body: bytes) -> None:
    response = client.post(segment.url, content=body)
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message"}


def padded(size: int) -> dict[str, Any]:
    empty = len(json.dumps(event(properties={"a": ""}), separators=(",", ":")))
    return event(properties={"a": "x" * (size - empty)})


def test_an_event_over_32_kb_is_a_400(segment: SegmentStandIn, post: Post) -> None:
    assert post(padded(32_000)).status_code == 200
    assert post(padded(32_001), event(2)).status_code == 400
    assert len(segment.accepted) == 1


def test_a_request_over_500_kb_is_a_400_however_well_it_compresses(
    segment: SegmentStandIn, client: httpx.Client
) -> None:
    body = json.dumps({"batch": [], "pad": "x" * 500_000}).encode()
    headers = {"Content-Encoding": "gzip"}
    assert client.post(segment.url, content=body).status_code == 400
    assert client.post(segment.url, content=gzip.compress(body), headers=headers).status_code == 400


def test_gzip_is_accepted(segment: SegmentStandIn, client: httpx.Client) -> None:
    body = json.dumps({"batch": [event()], "writeKey": KEY}).encode()
    headers = {"Content-Encoding": "gzip"}
    assert client.post(segment.url, content=gzip.compress(body), headers=headers).status_code == 200
    assert client.post(segment.url, content=body, headers=headers).status_code == 400
    assert len(segment.accepted) == 1


def test_only_the_batch_path_is_served(segment: SegmentStandIn, client: httpx.Client) -> None:
    assert client.get(segment.url).status_code == 404
    assert client.post(segment.url.replace("batch", "track"), content=b"{}").status_code == 404


@pytest.mark.parametrize(
    ("breach", "changes"),
    [
        ("not_track", {"type": "identify", "event": ...}),
        ("no_user_id", {"userId": ..., "anonymousId": "visitor"}),
        ("no_message_id", {"messageId": ...}),
        ("no_message_id", {"messageId": 7}),
        ("received_at", {"receivedAt": "2026-03-02T09:00:00Z"}),
        ("no_integration", {"context": ...}),
        ("no_integration", {"context": {"integration": {"name": "sprig"}}}),
        ("no_timestamp", {"timestamp": ...}),
        ("no_timestamp", {"timestamp": "yesterday"}),
    ],
)
def test_the_rules_of_this_project_are_checked(
    segment: SegmentStandIn, post: Post, breach: str, changes: dict[str, Any]
) -> None:
    post(event(**changes))
    assert [broken.reason for broken in segment.breaches] == [breach]
    assert len(segment.accepted) == 1


def test_a_batch_without_sent_at_or_events_is_recorded(segment: SegmentStandIn, client: httpx.Client) -> None:
    client.post(segment.url, content=json.dumps({"writeKey": KEY}))
    assert segment.breaches == [("no_sent_at", "")]
    assert segment.dropped == [("no_batch", "")]


def test_an_empty_batch_is_accepted_and_is_no_event(segment: SegmentStandIn, client: httpx.Client) -> None:
    """As the service asks whether a write key is denied. Segment does not document its answer."""
    now = "2026-01-01T00:00:00.000Z"
    response = client.post(segment.url, content=json.dumps({"batch": [], "writeKey": KEY, "sentAt": now}))
    assert response.json() == {"success": True}
    assert (segment.accepted, segment.dropped) == ([], [])


def test_another_content_type_than_json_is_recorded(segment: SegmentStandIn, client: httpx.Client) -> None:
    body = {"batch": [event()], "sentAt": "2026-03-02T09:00:00Z", "writeKey": KEY}
    client.post(segment.url, content=json.dumps(body), headers={"Content-Type": "text/plain"})
    assert segment.breaches == [("no_json_type", "")]


def test_events_without_a_message_id_are_no_repeats_of_each_other(segment: SegmentStandIn, post: Post) -> None:
    post(event(messageId=...), event(messageId=...))
    assert (len(segment.accepted), segment.duplicates) == (2, 0)


def test_a_caller_can_wait_for_a_condition(segment: SegmentStandIn, post: Post) -> None:
    post(event(1))
    assert segment.wait_until(lambda s: len(s.accepted) == 1)
    assert not segment.wait_until(lambda s: len(s.accepted) == 2, timeout=0.01)
