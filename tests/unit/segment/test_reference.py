"""The service against Segment's own Python client: the same event and the same request, except for what is listed."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consumer.settings
from consumer import factories, paths
from consumer.avro import decoder, schema_files
from consumer.demo import fault_scripts
from consumer.demo.expected import ExpectDelivered
from consumer.demo.samples import responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.model import Accepted, BatchRequest, Chunk, Outcome, Record, Retry, TrackEvent
from consumer.pipeline.record_processor import RecordProcessor
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.segment.client import SegmentClient
from tests.reference import Sent, recorder, reference

KEY = "s3cr3t-write-key"
SCHEMA = schema_files.raw_schema(paths.schemas())
EVENT = "SDK - Submitted - Survey Response"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = itertools.count(42)

# What Sprig's Segment Stream has in the properties of an event (docs.sprig.com, "Segment Streams").
PROPERTIES = (
    *("surveyName", "surveyId", "createdAt", "question", "questionType", "visitorId", "oldVisitorId"),
    *("responseGroupId", "response", "email", "attributes", "triggeringEvent"),
)

OWN_IN_THE_EVENT = {
    "messageId": "the address of the Kafka record, so that Segment recognises a repeat; the client makes a random one",
    "context.library": "it names the sender",
    "integrations": "left out; the client's empty object says the same: every destination (spec, Common Fields)",
    "anonymousId": "left out; the client's null says the same, and each event has a user",
}
EQUAL_TIMES = {
    "timestamp": "the client writes UTC as +00:00, and Z is shorter",
    "properties.createdAt": "as above, and with ms where the client has microseconds",
}
OWN_IN_THE_REQUEST = {
    "user-agent": "it names the sender",
    "accept-encoding": "a small response must not unpack into a large one",
    "content-length": "the JSON of the service has no white space and no escapes of non-ASCII text",
}


@pytest.fixture
def wire() -> Iterator[tuple[str, list[Sent]]]:
    with recorder() as url_and_requests:
        yield url_and_requests


@pytest.fixture(scope="module")
def stand_in() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([KEY]) as segment:
        yield segment


@dataclass(frozen=True, slots=True)
class FullPath:
    """The full path of a record, as the settings build it: its Avro bytes, its mapping, the body, one attempt."""

    processor: RecordProcessor
    client: SegmentClient

    def send(self, answer: Mapping[str, Any], attempts: int = 0) -> Outcome:
        record = Record(3, next(OFFSETS), 1_714_979_289_123, b"visitor", decoder.encode(SCHEMA, answer), ())
        event = self.processor.process(record)
        assert isinstance(event, TrackEvent), event
        return self.client.attempt(BatchRequest(event.key, (Chunk.of(3, event.key, (event,)),), 0.0, attempts))


@contextmanager
def service_at(url: str, **settings: str) -> Iterator[FullPath]:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY": KEY, "SEGMENT_ENDPOINT": url, **settings}
    configured = consumer.settings.load(environ=environ)
    with ExitStack() as closing:
        policy = RejectPolicy(configured.on_rejected, configured.on_unknown_record)
        processor = RecordProcessor(factories.blocking_record_mapper(configured, closing).map, policy)
        client = factories.segment_client(configured)
        closing.callback(client.close)
        yield FullPath(processor, client)


@pytest.fixture(scope="module")
def service(stand_in: SegmentStandIn) -> Iterator[FullPath]:
    with service_at(stand_in.url) as full_path:
        yield full_path


def send_with_client(url: str, answer: Mapping[str, Any], **options: Any) -> None:
    """The same answer, with its properties as Sprig's page says, through Segment's client."""
    with reference(url, KEY, **options) as client:
        client.track(
            answer["userId"],
            EVENT,
            properties={name: answer.get(name) for name in PROPERTIES},
            context={"integration": {"name": "sprig", "version": "1.0.0"}},
            timestamp=answer["timestamp"],
        )
        client.flush()


def answer(**changes: Any) -> dict[str, Any]:
    time = datetime(2026, 3, 2, 9, 0, 1, 123_000, UTC)
    return {"userId": "user-1", "createdAt": time - timedelta(days=1), "timestamp": time, **changes}


def split(event: Mapping[str, Any], *differences: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """The event without the listed differences, and for each list the values of the event, by their paths."""
    rest = json.loads(json.dumps(event))
    return rest, *({path: _pop(rest, path.split(".")) for path in paths} for paths in differences)


def _pop(event: dict[str, Any], path: list[str]) -> Any:
    for name in path[:-1]:
        event = event[name]
    return event.pop(path[-1], ...)


def assert_the_same_event(event: Mapping[str, Any], reference_event: Mapping[str, Any]) -> None:
    rest, own, times = split(event, OWN_IN_THE_EVENT, EQUAL_TIMES)
    reference_rest, reference_own, reference_times = split(reference_event, OWN_IN_THE_EVENT, EQUAL_TIMES)
    # As text, because 1, 1.0 and True are equal to Python and not to a warehouse.
    assert json.dumps(rest, sort_keys=True) == json.dumps(reference_rest, sort_keys=True)
    assert {path: instant(time) for path, time in times.items()} == {
        path: instant(time) for path, time in reference_times.items()
    }
    assert re.fullmatch("[0-9a-f]{16}-3-[0-9]+-1714979289123", own["messageId"])
    assert own["context.library"] == {"name": "sprig-to-segment", "version": factories.VERSION}
    assert (own["integrations"], own["anonymousId"]) == (..., ...)
    assert (reference_own["integrations"], reference_own["anonymousId"]) == ({}, None)


def instant(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    assert time.tzinfo is not None
    return time


def arrived(stand_in: SegmentStandIn, service: FullPath, answer: Mapping[str, Any]) -> tuple[Any, Any]:
    """The event as the stand-in got it from the service, and as it got it from Segment's client."""
    before = len(stand_in.accepted)
    assert service.send(answer) == Accepted()
    send_with_client(stand_in.url, answer)
    accepted, reference_accepted = stand_in.accepted[before:]
    assert not stand_in.dropped
    assert not stand_in.breaches
    return accepted.event, reference_accepted.event


SAMPLES = [sample for sample in responses(60, seed=1) if isinstance(sample.expected, ExpectDelivered)]


@pytest.mark.parametrize("number", range(len(SAMPLES)), ids=[str(sample.number) for sample in SAMPLES])
def test_an_answer_of_each_question_type_is_the_event_that_segments_client_sends(
    stand_in: SegmentStandIn, service: FullPath, number: int
) -> None:
    value = SAMPLES[number].value
    assert isinstance(value, Mapping)
    assert_the_same_event(*arrived(stand_in, service, value))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    TEXT,
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(max_examples=50, deadline=None)
@given(
    response=st.one_of(SCALARS, st.lists(SCALARS, max_size=4), st.dictionaries(TEXT, SCALARS, max_size=4)),
    attributes=st.dictionaries(TEXT, SCALARS.filter(lambda value: value is not None), max_size=4),
    user=TEXT.filter(str.strip),
    time=st.integers(0, 2**42).map(lambda millis: EPOCH + timedelta(milliseconds=millis)),
)
def test_whatever_an_answer_holds_is_the_same_in_both(
    stand_in: SegmentStandIn, service: FullPath, response: Any, attributes: dict[str, Any], user: str, time: datetime
) -> None:
    random_answer = answer(userId=user, response=response, attributes=attributes, timestamp=time, createdAt=time)
    assert_the_same_event(*arrived(stand_in, service, random_answer))


@pytest.mark.parametrize("is_gzip", [False, True], ids=["plain", "gzip"])
def test_the_request_is_the_one_that_segments_client_makes(wire: tuple[str, list[Sent]], is_gzip: bool) -> None:
    url, requests = wire
    with service_at(url, SEGMENT_GZIP=str(is_gzip)) as service:
        assert service.send(answer()) == Accepted()
    send_with_client(url, answer(), gzip=is_gzip)
    request, reference_request = requests
    assert request.line == reference_request.line == "POST /v1/batch HTTP/1.1"
    assert headers(request) == headers(reference_request)
    assert set(headers(request)) >= {"content-type", "authorization"}
    assert ("content-encoding" in headers(request)) == is_gzip
    assert request.headers["user-agent"] == f"sprig-to-segment/{factories.VERSION}"
    body, reference_body = request.body, reference_request.body
    assert body.keys() == reference_body.keys() == {"batch", "sentAt", "writeKey"}
    assert body["writeKey"] == reference_body["writeKey"] == KEY
    assert [type(each["batch"]) for each in (body, reference_body)] == [list, list]
    assert abs(instant(reference_body["sentAt"]) - instant(body["sentAt"])) < timedelta(seconds=30)


def headers(sent: Sent) -> dict[str, str]:
    return {name: value for name, value in sent.headers.items() if name not in OWN_IN_THE_REQUEST}


def test_a_repeat_is_counted_as_segments_client_counts_it(stand_in: SegmentStandIn, service: FullPath) -> None:
    counts: list[str | None] = []

    def fail_first_and_third(batch: fault_scripts.ReceivedBatch) -> fault_scripts.ScriptedResponse | None:
        counts.append(batch.headers.get("x-retry-count"))
        return fault_scripts.problem(500, "failed") if len(counts) in (1, 3) else None

    stand_in.script = fail_first_and_third
    assert service.send(answer()) == Retry("http_500")
    assert service.send(answer(), attempts=1) == Accepted()
    send_with_client(stand_in.url, answer(), sync_mode=False, upload_interval=0.01)
    stand_in.script = fault_scripts.calm
    assert counts == [None, "1", None, "1"]


def test_each_attempt_says_anew_when_it_is_sent(wire: tuple[str, list[Sent]]) -> None:
    url, requests = wire
    with service_at(url) as service:
        for _ in range(2):
            service.send(answer())
            send_with_client(url, answer())
    times = [instant(request.body["sentAt"]) for request in requests]
    assert times == sorted(set(times))


def test_the_lists_of_differences_are_no_longer_than_they_must_be(wire: tuple[str, list[Sent]]) -> None:
    url, requests = wire
    with service_at(url) as service:
        service.send(answer())
    send_with_client(url, answer())
    request, reference_request = requests
    for differences in (OWN_IN_THE_EVENT, EQUAL_TIMES):
        _, values = split(request.body["batch"][0], differences)
        _, reference_values = split(reference_request.body["batch"][0], differences)
        assert [path for path in differences if values[path] == reference_values[path]] == []
    different = [
        name for name in OWN_IN_THE_REQUEST if request.headers.get(name) != reference_request.headers.get(name)
    ]
    assert different == [*OWN_IN_THE_REQUEST]
