"""Every kind of bad value as the last record of its partition, in the middle of good ones: nobody waits for it."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer import paths
from consumer.avro import decoder
from consumer.demo.expected import (
    ANONYMOUS,
    EMPTY,
    TOMBSTONE,
    TOO_LARGE,
    TRAILING_BYTES,
    UNDECODABLE,
    Deliver,
    Fate,
    SetAside,
)
from consumer.demo.segment_server import Segment
from tests.avro_values import record, sized, zigzag
from tests.support import KEYS, Flow, registry

RESPONSE = json.loads((paths.schemas() / "sprig" / "response.avsc").read_text())
WRITER = decoder.load("response", RESPONSE)
# What else is registered, as somebody else's producer or a mistake of ours would have it.
OTHERS: Mapping[int, Any] = {
    8: record("com.sprig.SurveyResponse", userId="string", properties=["null", "int"]),
    9: record("com.sprig.SurveyResponse", userId="string", next=["null", "com.sprig.SurveyResponse"]),
    10: record("com.sprig.SurveyResponse", userId="string", nothing={"type": "array", "items": "null"}),
    11: record("com.example.Ping", userId="string"),
    12: record("com.sprig.SurveyResponse", userId="string", timestamp={"type": "array", "items": "string"}),
    13: record("com.sprig.SurveyResponse", userId="string", environment="string", question="string", response="string"),
}
DELIVERED = Deliver("production")


def response(**changes: Any) -> bytes:
    fields = {"userId": "user-1", "environment": "production", "questionType": "open", "response": "good"}
    return framed(7, decoder.encode(WRITER, fields | changes))


def framed(number: int, body: bytes) -> bytes:
    return struct.pack(">bI", 0, number) + body


def text(body: bytes) -> bytes:
    """A record of schema 13 whose question is these bytes."""
    return framed(13, sized(b"user-1") + sized(b"production") + sized(body) + sized(b"good"))


Kind = tuple[str, bytes | None, Fate]
KINDS: Sequence[Kind] = [
    ("empty", b"", EMPTY),
    ("tombstone", None, TOMBSTONE),
    ("no magic", b"\x01" + response()[1:], SetAside("not_framed")),
    ("half a frame", response()[:4], SetAside("not_framed")),
    ("a frame and no more", response()[:5], UNDECODABLE),
    ("truncated", response()[:-1], UNDECODABLE),
    ("trailing bytes", response() + b"\0", TRAILING_BYTES),
    ("a schema that contains itself", framed(9, sized(b"user-1") + b"\0"), SetAside("unsafe_schema")),
    ("items of no size", framed(10, sized(b"user-1") + zigzag(20_000_000) + b"\0"), SetAside("unsafe_schema")),
    ("another record", framed(11, sized(b"user-1")), SetAside("no_write_key")),
    ("2^60 items", framed(12, sized(b"user-1") + zigzag(2**60) + sized(b"x")), UNDECODABLE),
    ("2^60 items of 2^60 bytes", framed(12, sized(b"user-1") + zigzag(-(2**60)) + zigzag(2**60)), UNDECODABLE),
    ("a list for a time", framed(12, sized(b"user-1") + b"\0"), SetAside("invalid")),
    ("another schema's bytes", framed(8, sized(b"user-1") + b"\x08"), UNDECODABLE),
    ("invalid UTF-8", text(b"\xff\xfe"), UNDECODABLE),
    ("a lone surrogate", text(b"\xed\xa0\x80"), UNDECODABLE),
    ("a text of 2^40 bytes", framed(13, zigzag(2**40) + b"user"), UNDECODABLE),
    ("a text of negative length", framed(13, zigzag(-5) + b"user"), UNDECODABLE),
    ("NaN", response(response=math.nan), SetAside("non_finite_number")),
    ("an infinity", response(response=[math.inf]), SetAside("non_finite_number")),
    ("the other infinity", response(response=-math.inf), SetAside("non_finite_number")),
    ("2^53", response(response=2**53), SetAside("integer_too_large")),
    ("-2^53", response(response=-(2**53)), SetAside("integer_too_large")),
    ("-2^53-1", response(response=-(2**53) - 1), SetAside("integer_too_large")),
    ("-2^53+1", response(response=-(2**53) + 1), DELIVERED),
    ("2^53-1", response(response=2**53 - 1), DELIVERED),
    ("an empty userId", response(userId=""), ANONYMOUS),
    ("a blank userId", response(userId=" \t "), ANONYMOUS),
    ("a userId of 10,000 characters", response(userId="x" * 10_000), DELIVERED),
    ("an unknown environment", response(environment="staging"), SetAside("no_write_key")),
    ("an event of more than 32,000 bytes", response(response="x" * 33_000), TOO_LARGE),
    ("more than there is memory for", response(response="x" * 800_000), SetAside("value_too_large")),
    ("control characters", response(response="\0\x1f\x7f\u2028"), DELIVERED),
    ("right to left and emoji", response(response="\u202e\U0001f600"), DELIVERED),
]


@pytest.fixture
def flow(kafka: Any, topic: str) -> Any:
    kafka.create_topic(topic, partitions=len(KINDS), message_timestamp_after_max_ms=2**63 - 1)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1, max_message_bytes=2_000_000)
    schemas = {7: json.dumps(RESPONSE), **{number: json.dumps(schema) for number, schema in OTHERS.items()}}
    with Segment(KEYS.values()) as segment, registry(schemas) as url:
        flow = Flow(kafka.bootstrap, topic, segment, partitions=len(KINDS))
        flow.settings = {"SCHEMA_REGISTRY_URL": url}
        yield flow


def produce(flow: Flow, partition: int, value: bytes | None, fate: Fate, **more: Any) -> None:
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    errors: list[Any] = []
    producer.produce(flow.topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error), **more)
    assert producer.flush(30) == 0
    assert errors == [None]
    flow.note(partition, fate)


def test_each_is_settled_where_it_is_the_last_and_where_it_is_not(flow: Flow) -> None:
    for partition, (_, value, fate) in enumerate(KINDS):
        produce(flow, partition, response(), DELIVERED)
        produce(flow, partition, value, fate)
    with flow.member() as member:
        flow.wait_until_settled()
        for partition in range(len(KINDS)):
            produce(flow, partition, response(response="after"), DELIVERED)
        flow.wait_until_settled()
        assert member.terminate() == 0
    account = flow.account()
    named = {at: KINDS[at.partition][0] for at in [*account.lost, *account.duplicates]}
    assert account.even, (named, account.unexpected)
    assert not flow.segment.dropped
    assert not flow.segment.breaches


AROUND: Sequence[dict[str, Any]] = [
    {"key": None},
    {"key": b""},
    {"key": b"\xff" * 100_000},
    {"headers": [("", b"")]},
    {"headers": [("h\u00e9", None)] * 100},
    {"headers": [("huge", b"\0" * 500_000)]},
    {"timestamp": 1},
]


def test_keys_headers_and_times_of_any_kind_stop_nobody(flow: Flow) -> None:
    for partition, more in enumerate(AROUND):
        produce(flow, partition, response(), DELIVERED, **more)
        produce(flow, partition, response()[:-1], UNDECODABLE, **more)
    # The contract takes a record's own time where it has none in it.
    produce(flow, len(AROUND), response(), SetAside("time_out_of_range"), timestamp=2**62)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    account = flow.account()
    assert account.even, account.unexpected
