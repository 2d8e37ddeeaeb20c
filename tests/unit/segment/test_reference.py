"""What we send against what Segment's own Python client sends: the same call and the same request, but for a list."""

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
from consumer import app, paths
from consumer.avro import decoder, schema_files
from consumer.demo import fault_scripts
from consumer.demo.expected import Deliver
from consumer.demo.samples import responses
from consumer.demo.segment_server import Segment as StandIn
from consumer.model import Call, Message
from consumer.pipeline.reject_policy import Policy, Treater
from consumer.request import Accepted, Outcome, Part, Request, Retry
from consumer.segment.client import Segment
from tests.reference import Sent, recorder, reference

KEY = "s3cr3t-write-key"
SCHEMA = schema_files.raw_schema(paths.schemas())
EVENT = "SDK - Submitted - Survey Response"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = itertools.count(42)

# What Sprig's Segment Stream has in a call's properties (docs.sprig.com, "Segment Streams").
PROPERTIES = (
    *("surveyName", "surveyId", "createdAt", "question", "questionType", "visitorId", "oldVisitorId"),
    *("responseGroupId", "response", "email", "attributes", "triggeringEvent"),
)

OURS_IN_THE_CALL = {
    "messageId": "the name of the Kafka record, so that Segment knows a repeat; the client makes a random one",
    "context.library": "it names the sender",
    "integrations": "left out; the client's empty object says the same: every destination (spec, Common Fields)",
    "anonymousId": "left out; the client's null says the same, and an answer has always a user",
}
THE_SAME_TIME = {
    "timestamp": "the client writes UTC as +00:00, and Z is shorter",
    "properties.createdAt": "as above, and with ms where the client has microseconds",
}
OURS_IN_THE_REQUEST = {
    "user-agent": "it names the sender",
    "accept-encoding": "a small answer must not unpack into a large one",
    "content-length": "our JSON has no white space and no escapes of non-ASCII text",
}


@pytest.fixture
def wire() -> Iterator[tuple[str, list[Sent]]]:
    with recorder() as made:
        yield made


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn([KEY]) as segment:
        yield segment


@dataclass(frozen=True, slots=True)
class Ours:
    """The whole way of a record, as the settings build it: its Avro bytes, the translator, the body, one attempt."""

    treater: Treater
    segment: Segment

    def send(self, record: Mapping[str, Any], attempts: int = 0) -> Outcome:
        message = Message(3, next(OFFSETS), 1_714_979_289_123, b"visitor", decoder.encode(SCHEMA, record), ())
        call = self.treater.treat(message)
        assert isinstance(call, Call), call
        return self.segment.attempt(Request(call.key, (Part(3, call.key, (call,), attempts),), 0.0))


@contextmanager
def ours_at(url: str, **given: str) -> Iterator[Ours]:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY": KEY, "SEGMENT_ENDPOINT": url, **given}
    configured = consumer.settings.load(environ=environ)
    with ExitStack() as closing:
        policy = Policy(configured.on_rejected, configured.on_unknown_record)
        treater = Treater(app.translator_at_once(configured, closing).translate, policy)
        segment = Segment(app.endpoint(configured))
        closing.callback(segment.close)
        yield Ours(treater, segment)


@pytest.fixture(scope="module")
def ours(stand_in: StandIn) -> Iterator[Ours]:
    with ours_at(stand_in.url) as made:
        yield made


def send_theirs(url: str, record: Mapping[str, Any], **options: Any) -> None:
    """The same answer by hand, as Sprig's page says, through Segment's client."""
    with reference(url, KEY, **options) as client:
        client.track(
            record["userId"],
            EVENT,
            properties={name: record.get(name) for name in PROPERTIES},
            context={"integration": {"name": "sprig", "version": "1.0.0"}},
            timestamp=record["timestamp"],
        )
        client.flush()


def record(**changes: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 2, 9, 0, 1, 123_000, UTC)
    return {"userId": "user-1", "createdAt": at - timedelta(days=1), "timestamp": at, **changes}


def split(call: Mapping[str, Any], *listed: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """The call without what is listed, and for each list what was taken out, by its path."""
    rest = json.loads(json.dumps(call))
    return rest, *({path: _pop(rest, path.split(".")) for path in paths} for paths in listed)


def _pop(call: dict[str, Any], path: list[str]) -> Any:
    for name in path[:-1]:
        call = call[name]
    return call.pop(path[-1], ...)


def assert_the_same_call(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    our_rest, our_own, our_times = split(ours, OURS_IN_THE_CALL, THE_SAME_TIME)
    their_rest, their_own, their_times = split(theirs, OURS_IN_THE_CALL, THE_SAME_TIME)
    # As text, since 1, 1.0 and True are equal to Python and not to a warehouse.
    assert json.dumps(our_rest, sort_keys=True) == json.dumps(their_rest, sort_keys=True)
    assert {path: instant(time) for path, time in our_times.items()} == {
        path: instant(time) for path, time in their_times.items()
    }
    assert re.fullmatch("[0-9a-f]{16}-3-[0-9]+-1714979289123", our_own["messageId"])
    assert our_own["context.library"] == {"name": "sprig-to-segment", "version": app.VERSION}
    assert (our_own["integrations"], our_own["anonymousId"]) == (..., ...)
    assert (their_own["integrations"], their_own["anonymousId"]) == ({}, None)


def instant(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    assert time.tzinfo is not None
    return time


def arrived(stand_in: StandIn, ours: Ours, record: Mapping[str, Any]) -> tuple[Any, Any]:
    """The record's call as the stand-in got it, ours and theirs."""
    before = len(stand_in.accepted)
    assert ours.send(record) == Accepted()
    send_theirs(stand_in.url, record)
    mine, theirs = stand_in.accepted[before:]
    assert not stand_in.dropped
    assert not stand_in.breaches
    return mine.event, theirs.event


SAMPLES = [sample for sample in responses(60, seed=1) if isinstance(sample.fate, Deliver)]


@pytest.mark.parametrize("number", range(len(SAMPLES)), ids=[str(sample.number) for sample in SAMPLES])
def test_an_answer_of_each_question_type_is_the_call_that_segments_client_sends(
    stand_in: StandIn, ours: Ours, number: int
) -> None:
    value = SAMPLES[number].value
    assert isinstance(value, Mapping)
    assert_the_same_call(*arrived(stand_in, ours, value))


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
    at=st.integers(0, 2**42).map(lambda millis: EPOCH + timedelta(milliseconds=millis)),
)
def test_whatever_an_answer_holds_is_the_same_in_both(
    stand_in: StandIn, ours: Ours, response: Any, attributes: dict[str, Any], user: str, at: datetime
) -> None:
    made = record(userId=user, response=response, attributes=attributes, timestamp=at, createdAt=at)
    assert_the_same_call(*arrived(stand_in, ours, made))


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_the_request_is_the_one_that_segments_client_makes(wire: tuple[str, list[Sent]], zipped: bool) -> None:
    url, sent = wire
    with ours_at(url, SEGMENT_GZIP=str(zipped)) as service:
        assert service.send(record()) == Accepted()
    send_theirs(url, record(), gzip=zipped)
    ours, theirs = sent
    assert ours.line == theirs.line == "POST /v1/batch HTTP/1.1"
    assert headers(ours) == headers(theirs)
    assert set(headers(ours)) >= {"content-type", "authorization"}
    assert ("content-encoding" in headers(ours)) == zipped
    assert ours.headers["user-agent"] == f"sprig-to-segment/{app.VERSION}"
    assert ours.body.keys() == theirs.body.keys() == {"batch", "sentAt", "writeKey"}
    assert ours.body["writeKey"] == theirs.body["writeKey"] == KEY
    assert [type(each.body["batch"]) for each in sent] == [list, list]
    assert abs(instant(theirs.body["sentAt"]) - instant(ours.body["sentAt"])) < timedelta(seconds=30)


def headers(sent: Sent) -> dict[str, str]:
    return {name: value for name, value in sent.headers.items() if name not in OURS_IN_THE_REQUEST}


def test_a_repeat_is_counted_as_segments_client_counts_it(stand_in: StandIn, ours: Ours) -> None:
    seen: list[str | None] = []

    def answer(got: fault_scripts.Received) -> fault_scripts.Answer | None:
        seen.append(got.headers.get("x-retry-count"))
        return fault_scripts.problem(500, "failed") if len(seen) in (1, 3) else None

    stand_in.script = answer
    assert ours.send(record()) == Retry("http_500")
    assert ours.send(record(), attempts=1) == Accepted()
    send_theirs(stand_in.url, record(), sync_mode=False, upload_interval=0.01)
    stand_in.script = fault_scripts.calm
    assert seen == [None, "1", None, "1"]


def test_each_attempt_says_anew_when_it_is_sent(wire: tuple[str, list[Sent]]) -> None:
    url, sent = wire
    with ours_at(url) as service:
        for _ in range(2):
            service.send(record())
            send_theirs(url, record())
    times = [instant(each.body["sentAt"]) for each in sent]
    assert times == sorted(set(times))


def test_the_lists_of_differences_are_no_longer_than_they_must_be(wire: tuple[str, list[Sent]]) -> None:
    url, sent = wire
    with ours_at(url) as service:
        service.send(record())
    send_theirs(url, record())
    ours, theirs = sent
    for listed in (OURS_IN_THE_CALL, THE_SAME_TIME):
        _, mine = split(ours.body["batch"][0], listed)
        _, others = split(theirs.body["batch"][0], listed)
        assert [path for path in listed if mine[path] == others[path]] == []
    assert [name for name in OURS_IN_THE_REQUEST if ours.headers.get(name) == theirs.headers.get(name)] == []
