"""The very command with a real registry: schemas that evolve, refer to others, are unknown, or cannot be had for now."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    topic_record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from consumer import paths
from consumer.demo import faults
from consumer.demo.fates import Deliver, Fate, SetAside
from consumer.demo.ledger import Address, address_of
from consumer.demo.samples import responses
from consumer.demo.segment import Segment
from tests.support import KEYS, Flow, Member, is_refused, wait_until

PRODUCTION = Deliver("production")
HEAD = 5  # bytes of Confluent's framing


class Writer:
    """Another team's producer: its values are Confluent's own serialiser's, which registers their schema."""

    def __init__(self, flow: Flow, registry: Any, schema: Schema | str, **options: Any) -> None:
        self._flow = flow
        self._serialize = AvroSerializer(registry.client, schema, conf=options)
        self._context = SerializationContext(flow.topic, MessageField.VALUE)
        self._producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})

    def value(self, record: Mapping[str, Any]) -> bytes:
        value = self._serialize(record, self._context)
        assert value
        return value

    def write(self, partition: int, value: bytes | None, fate: Fate = PRODUCTION, key: bytes = b"") -> Address:
        address = Address(partition, self._flow.ends[partition])
        self._producer.produce(self._flow.topic, value, key, partition)
        self._flow.note(partition, fate)
        return address

    def flush(self) -> None:
        assert self._producer.flush(30) == 0


def new_flow(kafka: Any, registry: Any, topic: str, segment: Segment) -> Flow:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    segment.script = faults.refuse(is_refused)
    return Flow(kafka.bootstrap, topic, segment, settings={"SCHEMA_REGISTRY_URL": registry.url})


@pytest.fixture
def flow(kafka: Any, registry: Any, topic: str) -> Iterator[Flow]:
    with Segment(KEYS.values()) as segment:
        yield new_flow(kafka, registry, topic, segment)


@pytest.fixture(scope="module", autouse=True)
def stranded(kafka: Any, registry: Any) -> Iterator[Flow]:
    """
    A run whose partition 0 begins with an id that was never registered; it goes on beside the other tests.

    The service believes such a denial only after a minute.
    """
    with Segment(KEYS.values()) as segment:
        flow = new_flow(kafka, registry, f"stranded.{uuid.uuid4().hex[:8]}", segment)
        writer = Writer(flow, registry, answered())
        known = writer.value(answer(1))
        writer.write(0, b"\x00\x7f\xff\xff\xff" + known[HEAD:], SetAside("unknown_schema"))
        for partition in (0, 1, 2, 3):
            writer.write(partition, known)
        writer.flush()
        with flow.member():
            yield flow


def answered(**changed: Any) -> str:
    """The schema of another bus than Sprig's sample; `changed` fields by name, `None` for one that is gone."""
    fields = {
        "userId": "string",
        "environment": "string",
        "surveyName": "string",
        "oldVisitorId": "int",
        "response": "float",
        "triggeringEvent": "string",
        **changed,
    }
    return record("com.acme.Answered", fields)


def record(name: str, fields: Mapping[str, Any]) -> str:
    written = [{"name": field, "type": kind} for field, kind in fields.items() if kind]
    return json.dumps({"type": "record", "name": name, "fields": written})


def answer(number: int) -> dict[str, Any]:
    return {
        "userId": f"user-{number}",
        "environment": "production",
        "surveyName": "Onboarding",
        "oldVisitorId": number,
        "response": number + 0.5,
        "triggeringEvent": "Report Exported",
    }


def calls(flow: Flow) -> dict[Address, dict[str, Any]]:
    """What Segment has accepted, by the record that it was made of."""
    found = {address_of(it.event["messageId"]): it.event for it in flow.segment.accepted}
    return {address: event for address, event in found.items() if address}


def address(member: Member) -> str:
    """Where it serves HTTP."""
    wait_until(lambda: '"event":"started"' in member.output, "the member to start")
    (line,) = [line for line in member.lines if '"event":"started"' in line]
    return str(json.loads(line)["http"])


def test_records_of_the_usual_serialiser_are_accounted_for_one_by_one(flow: Flow, registry: Any) -> None:
    writer = Writer(flow, registry, (paths.schemas() / "sprig" / "response.avsc").read_text())
    for sample in responses(600, seed=1):
        body = sample.payload(lambda it: writer.value(it)[HEAD:])
        head = writer.value({})[:HEAD]
        writer.write(sample.number // 6 % 4, head + body if body else body, sample.fate, sample.key)
    writer.flush()
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    account = flow.account()
    assert account.even, account
    assert not flow.segment.breaches
