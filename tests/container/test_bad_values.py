"""Every kind of bad value, as the last record of its partition and between good records, stops no other record."""

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
    ExpectDeadLetter,
    ExpectDelivered,
    ExpectedOutcome,
)
from consumer.demo.segment_server import SegmentStandIn
from tests.avro_values import record, sized, zigzag
from tests.support import KEYS, Flow, registry

RESPONSE = json.loads((paths.schemas() / "sprig" / "response.avsc").read_text())
WRITER = decoder.load_schema("response", RESPONSE)
# Further registered schemas, from another producer or from a mistake.
FURTHER_SCHEMAS: Mapping[int, Any] = {
    8: record("com.sprig.SurveyResponse", userId="string", properties=["null", "int"]),
    9: record("com.sprig.SurveyResponse", userId="string", next=["null", "com.sprig.SurveyResponse"]),
    10: record("com.sprig.SurveyResponse", userId="string", nothing={"type": "array", "items": "null"}),
    11: record("com.example.Ping", userId="string"),
    12: record("com.sprig.SurveyResponse", userId="string", timestamp={"type": "array", "items": "string"}),
    13: record("com.sprig.SurveyResponse", userId="string", environment="string", question="string", response="string"),
    14: {**RESPONSE, "name": "com.sprig." + "a" * 1100},
}
DELIVERED = ExpectDelivered("production")


def response(**changes: Any) -> bytes:
    fields = {"userId": "user-1", "environment": "production", "questionType": "open", "response": "good"}
    return framed(7, decoder.encode(WRITER, fields | changes))


def framed(number: int, body: bytes) -> bytes:
    return struct.pack(">bI", 0, number) + body


def text(body: bytes) -> bytes:
    """A record of schema 13 with these bytes as its question."""
    return framed(13, sized(b"user-1") + sized(b"production") + sized(body) + sized(b"good"))


Kind = tuple[str, bytes | None, ExpectedOutcome]
KINDS: Sequence[Kind] = [
    ("empty", b"", EMPTY),
    ("tombstone", None, TOMBSTONE),
    ("no magic", b"\x01" + response()[1:], ExpectDeadLetter("not_framed")),
    ("half a frame", response()[:4], ExpectDeadLetter("not_framed")),
    ("a frame and no more", response()[:5], UNDECODABLE),
    ("truncated", response()[:-1], UNDECODABLE),
    ("trailing bytes", response() + b"\0", TRAILING_BYTES),
    ("a schema that contains itself", framed(9, sized(b"user-1") + b"\0"), ExpectDeadLetter("no_write_key")),
    ("items of no size", framed(10, sized(b"user-1") + zigzag(20_000_000) + b"\0"), ExpectDeadLetter("unsafe_schema")),
    ("another record", framed(11, sized(b"user-1")), ExpectDeadLetter("no_write_key")),
    ("2^60 items", framed(12, sized(b"user-1") + zigzag(2**60) + sized(b"x")), UNDECODABLE),
    ("2^60 items of 2^60 bytes", framed(12, sized(b"user-1") + zigzag(-(2**60)) + zigzag(2**60)), UNDECODABLE),
    ("a list for a time", framed(12, sized(b"user-1") + b"\0"), ExpectDeadLetter("invalid")),
    ("another schema's bytes", framed(8, sized(b"user-1") + b"\x08"), UNDECODABLE),
    ("invalid UTF-8, which is repaired", text(b"\xff\xfe"), DELIVERED),
    ("a lone surrogate, which is repaired", text(b"\xed\xa0\x80"), DELIVERED),
    ("a text of 2^40 bytes", framed(13, zigzag(2**40) + b"user"), UNDECODABLE),
    ("a text of negative length", framed(13, zigzag(-5) + b"user"), UNDECODABLE),
    ("NaN", response(response=math.nan), ExpectDeadLetter("non_finite_number")),
    ("an infinity", response(response=[math.inf]), ExpectDeadLetter("non_finite_number")),
    ("the other infinity", response(response=-math.inf), ExpectDeadLetter("non_finite_number")),
    ("2^53", response(response=2**53), ExpectDeadLetter("integer_too_large")),
    ("-2^53", response(response=-(2**53)), ExpectDeadLetter("integer_too_large")),
    ("-2^53-1", response(response=-(2**53) - 1), ExpectDeadLetter("integer_too_large")),
    ("-2^53+1", response(response=-(2**53) + 1), DELIVERED),
    ("2^53-1", response(response=2**53 - 1), DELIVERED),
    ("an empty userId", response(userId=""), ANONYMOUS),
    ("a blank userId", response(userId=" \t "), ANONYMOUS),
    ("a userId of 10,000 characters", response(userId="x" * 10_000), DELIVERED),
    ("an unknown environment", response(environment="staging"), ExpectDeadLetter("no_write_key")),
    ("an event of more than 32,000 bytes", response(response="x" * 33_000), TOO_LARGE),
    ("more than there is memory for", response(response="x" * 800_000), ExpectDeadLetter("value_too_large")),
    ("control characters", response(response="\0\x1f\x7f\u2028"), DELIVERED),
    ("right to left and emoji", response(response="\u202e\U0001f600"), DELIVERED),
]


@pytest.fixture
def flow(kafka: Any, topic: str) -> Any:
    any_time = {"message_timestamp_after_max_ms": 2**63 - 1, "retention_ms": -1}
    kafka.create_topic(topic, partitions=len(KINDS), **any_time)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1, max_message_bytes=2_000_000)
    schemas = {7: json.dumps(RESPONSE), **{number: json.dumps(schema) for number, schema in FURTHER_SCHEMAS.items()}}
    with SegmentStandIn(KEYS.values()) as segment, registry(schemas) as url:
        flow = Flow(kafka.bootstrap, topic, segment, partitions=len(KINDS))
        flow.settings = {"SCHEMA_REGISTRY_URL": url}
        yield flow


def produce(flow: Flow, partition: int, value: bytes | None, expected: ExpectedOutcome, **options: Any) -> None:
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    errors: list[Any] = []
    producer.produce(
        flow.topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error), **options
    )
    assert producer.flush(30) == 0
    assert errors == [None]
    flow.note_produced(partition, expected)


def test_each_bad_value_is_settled_as_the_last_record_and_before_others(flow: Flow) -> None:
    for partition, (_, value, expected) in enumerate(KINDS):
        produce(flow, partition, response(), DELIVERED)
        produce(flow, partition, value, expected)
    with flow.member() as member:
        flow.wait_until_settled()
        for partition in range(len(KINDS)):
            produce(flow, partition, response(response="after"), DELIVERED)
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    kinds = {address: KINDS[address.partition][0] for address in [*ledger.lost, *ledger.duplicates]}
    assert ledger.even, (kinds, ledger.unexpected)
    assert not flow.segment.dropped
    assert not flow.segment.breaches


def test_a_record_whose_schema_has_a_name_of_1100_characters_is_a_record_like_the_others(flow: Flow) -> None:
    producer = flow.producer()
    for number in range(200):
        schema_id = 14 if number == 100 else 7
        flow.note_produced(number % 4, DELIVERED)
        producer.produce(flow.topic, framed(schema_id, response()[5:]), partition=number % 4)
    assert producer.flush(30) == 0
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger.unexpected
    assert ledger.delivered == 200


UNUSUAL_RECORDS: Sequence[dict[str, Any]] = [
    {"key": None},
    {"key": b""},
    {"key": b"\xff" * 100_000},
    {"headers": [("", b"")]},
    {"headers": [("h\u00e9", None)] * 100},
    {"headers": [("huge", b"\0" * 500_000)]},
    {"timestamp": 1},
]


def test_keys_headers_and_times_of_any_kind_stop_no_other_record(flow: Flow) -> None:
    for partition, options in enumerate(UNUSUAL_RECORDS):
        produce(flow, partition, response(), DELIVERED, **options)
        produce(flow, partition, response()[:-1], UNDECODABLE, **options)
    # The value has no time, so the contract uses the timestamp of the record.
    produce(flow, len(UNUSUAL_RECORDS), response(), ExpectDeadLetter("time_out_of_range"), timestamp=2**62)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger.unexpected
