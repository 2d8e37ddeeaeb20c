"""The stand-in for Segment with Segment's own Python client: it accepts the client's events within the limits."""

import gzip
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from segment.analytics import request as transport
from segment.analytics.client import Client
from segment.analytics.consumer import MAX_MSG_SIZE

from consumer.demo import fault_scripts
from consumer.demo.segment_rules import MAX_EVENT_BYTES
from consumer.demo.segment_server import SegmentStandIn
from tests.reference import recorder, reference

KEY = "wk-production"
QUICK = {"sync_mode": False, "upload_interval": 0.02}  # the client's own thread, which batches and retries


@pytest.fixture
def segment() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([KEY]) as stand_in:
        yield stand_in


@pytest.fixture
def client(segment: SegmentStandIn) -> Iterator[Client]:
    with reference(segment.url, KEY) as reference_client:
        yield reference_client


def post(segment: SegmentStandIn, *events: dict[str, Any]) -> None:
    """The client's own request with events that its methods would not create. Raises its APIError."""
    transport.post(KEY, segment.url.removesuffix("/v1/batch"), batch=list(events))


def event(**changes: Any) -> dict[str, Any]:
    fields = {"type": "track", "event": "e", "userId": "u", "messageId": "m", "properties": {}} | changes
    return {name: value for name, value in fields.items() if value is not ...}


def dropped(segment: SegmentStandIn) -> list[str]:
    assert not segment.accepted
    return [reason for reason, _ in segment.dropped]


@pytest.mark.parametrize("options", [{}, {"gzip": True}, QUICK, {**QUICK, "gzip": True}], ids=str)
def test_every_event_of_the_client_is_accepted(segment: SegmentStandIn, options: dict[str, Any]) -> None:
    with reference(segment.url, KEY, **options) as client:
        client.track("user", "Größe 🙂", {"at": datetime(2026, 3, 2, tzinfo=UTC), "nested": {"list": [1, None, True]}})
        client.track(7, "e", timestamp=datetime(2026, 3, 2, 9, 0, 0, 123_456))  # noqa: DTZ001 - it accepts these, too
        client.track(anonymous_id="visitor", event="e")
        client.identify("user", {"plan": "team"})
        client.group("user", "group")
        client.page("user", name="page")
        client.screen("user", name="screen")
        client.alias("old", "new")
        client.flush()
    assert [accepted.event["type"] for accepted in segment.accepted] == [
        *("track", "track", "track", "identify", "group", "page", "screen", "alias")
    ]
    assert not segment.dropped
    # Its times and content type follow this project's rules. The rules that it breaks are this project's own.
    assert {reason for reason, _ in segment.breaches} == {"no_integration", "not_track", "no_user_id"}


def test_its_batches_are_accepted_whole_and_in_order(segment: SegmentStandIn) -> None:
    with reference(segment.url, KEY, sync_mode=False, upload_size=50) as client:
        for number in range(120):
            client.track("user", "e", {"number": number})
        client.flush()
    assert [accepted.event["properties"]["number"] for accepted in segment.accepted] == list(range(120))
    assert segment.requests < 120


def test_the_client_repeats_a_failed_request_and_the_stand_in_recognises_the_repeat(segment: SegmentStandIn) -> None:
    segment.script = fault_scripts.first(fault_scripts.fail(1), fault_scripts.cut_off(1))
    with reference(segment.url, KEY, **QUICK) as client:
        client.track("user", "e")  # an error, then accepted without a response, then a duplicate
        client.flush()
    assert (segment.requests, len(segment.accepted), segment.duplicates) == (3, 1, 1)


def test_the_client_understands_a_throttle(segment: SegmentStandIn, client: Client) -> None:
    segment.script = fault_scripts.throttle(times=1, retry_after="7")
    with pytest.raises(transport.APIError) as raised:
        client.track("user", "e")
    response = raised.value.response
    assert raised.value.status == response.status_code == 429
    assert transport.parse_retry_after(response) == int(response.headers["X-RateLimit-Reset"]) == 7
    client.track("user", "e")
    assert len(segment.accepted) == 1


def test_an_error_has_the_form_that_the_client_expects(segment: SegmentStandIn, client: Client) -> None:
    segment.script = fault_scripts.refuse(lambda _: True)
    with pytest.raises(transport.APIError) as raised:
        client.track("user", "e")
    assert (raised.value.status, raised.value.code) == (400, "invalid_request")


def test_events_are_refused_from_32_kb_on_where_the_client_would_still_send_them(
    segment: SegmentStandIn, client: Client
) -> None:
    """The client counts a KB as 1,024 bytes and the stand-in as 1,000, because Segment does not document the size."""
    with recorder() as (url, sent), reference(url, KEY) as measured:
        measured.track("user", "e", {"text": ""})
    room = MAX_EVENT_BYTES - len(json.dumps(sent[0].body["batch"][0], separators=(",", ":")))
    client.track("user", "e", {"text": "x" * room})
    assert len(segment.accepted) == 1
    with pytest.raises(transport.APIError, match="400"):
        client.track("user", "e", {"text": "x" * (room + 1)})
    assert len(segment.accepted) == 1
    with pytest.raises(RuntimeError, match="exceeds"):
        client.track("user", "e", {"text": "x" * MAX_MSG_SIZE})


@pytest.mark.parametrize("zipped", [False, True])
def test_a_request_over_500_kb_is_refused(segment: SegmentStandIn, zipped: bool) -> None:
    events = [event(messageId=str(number), properties={"text": "x" * 30_000}) for number in range(17)]
    with reference(segment.url, KEY):
        post(segment, *events[:16])
        with pytest.raises(transport.APIError, match="400"):
            transport.post(KEY, segment.url.removesuffix("/v1/batch"), gzip=zipped, batch=events)
    assert len(segment.accepted) == 16


def test_invalid_json_is_refused(segment: SegmentStandIn, client: Client) -> None:
    """Only Python's JSON has a NaN, so one number spoils the whole batch. The service never sends a NaN."""
    with pytest.raises(transport.APIError, match="malformed JSON"):
        client.track("user", "e", {"number": math.nan})
    assert not segment.accepted


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"userId": ...}, "no_user_anon_id"),
        ({"userId": None, "anonymousId": None}, "no_user_anon_id"),
        ({"event": ...}, "no_event"),
        ({"properties": ["a"]}, "properties_no_object"),
        ({"type": ...}, "no_type"),
        ({"messageId": "x" * 100}, "long_message_id"),
    ],
)
def test_an_event_that_breaks_a_rule_is_answered_as_a_success_and_dropped(
    segment: SegmentStandIn, client: Client, changes: dict[str, Any], reason: str
) -> None:
    post(segment, event(**changes))
    assert dropped(segment) == [reason]


def test_an_unknown_key_is_answered_as_a_success_and_dropped(segment: SegmentStandIn) -> None:
    with reference(segment.url, "wk-nobody") as client:
        assert client.track("user", "e")[0]
    assert dropped(segment) == ["unknown_key"]


def test_more_than_2500_events_are_answered_as_a_success_and_dropped(segment: SegmentStandIn, client: Client) -> None:
    events = [event(messageId=str(number)) for number in range(2501)]
    post(segment, *events)
    assert set(dropped(segment)) == {"too_many_events"}
    post(segment, *events[:2500])
    assert len(segment.accepted) == 2500


def test_a_repeated_message_id_is_dropped(segment: SegmentStandIn, client: Client) -> None:
    client.track("user", "e", message_id="the-same")
    client.track("user", "f", message_id="the-same")
    client.track("user", "e", message_id="x" * 99)
    assert [accepted.event["event"] for accepted in segment.accepted] == ["e", "e"]
    assert segment.duplicates == 1


def test_a_body_that_claims_to_be_gzip_and_is_not_is_refused(segment: SegmentStandIn, client: Client) -> None:
    responses = [
        transport._session.post(segment.url, data=data, headers={"Content-Encoding": "gzip"})
        for data in (gzip.compress(b'{"batch": []}'), gzip.compress(b'{"batch": []}')[:-9], b'{"batch": []}')
    ]
    assert [response.status_code for response in responses] == [200, 400, 400]
