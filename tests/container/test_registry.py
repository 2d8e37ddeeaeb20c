"""`run` with a real registry: schemas that evolve, refer to others or are unknown, and a registry that is down."""

import json
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from consumer import paths
from consumer.avro import decoder
from consumer.demo import fault_scripts
from consumer.demo.expected import ExpectDeadLetter, ExpectDelivered, ExpectedOutcome
from consumer.demo.ledger import address_of
from consumer.demo.samples import responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.model import RecordAddress
from consumer.observability.log_setup import FOLD_SECONDS
from tests.support import KEYS, Flow, Member, is_refused, wait_until

DELIVERED = ExpectDelivered("production")
FRAMING_BYTES = 5  # of Confluent's framing

ANSWER = {
    "userId": "user-7",
    "environment": "production",
    "surveyName": "Onboarding",
    "oldVisitorId": 7,
    "response": 7.5,
    "triggeringEvent": "Report Exported",
}
SENT = {name: value for name, value in ANSWER.items() if name not in ("userId", "environment")}


class Bus:
    """A topic whose values are from Confluent's own serialiser, which registers their schemas."""

    def __init__(self, kafka: Any, registry: Any, topic: str, segment: SegmentStandIn) -> None:
        kafka.create_topic(topic)
        kafka.create_topic(f"{topic}.dead-letter", partitions=1)
        self.flow = Flow(kafka.bootstrap, topic, segment, settings={"SCHEMA_REGISTRY_URL": registry.url})
        self.client = registry.client
        self._producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})

    def serializer(self, schema: Schema | str, **options: Any) -> Callable[[Mapping[str, Any]], bytes]:
        serializer = AvroSerializer(self.client, schema, conf=options)
        context = SerializationContext(self.flow.topic, MessageField.VALUE)
        return lambda record: serializer(record, context) or b""

    def write(
        self, partition: int, value: bytes | None, expected: ExpectedOutcome = DELIVERED, headers: Any = ()
    ) -> RecordAddress:
        """Produce a value. The record is in the topic at the latest after `flush`."""
        address = RecordAddress(partition, self.flow.ends[partition])
        self._producer.produce(self.flow.topic, value, partition=partition, headers=list(headers))
        self.flow.note_produced(partition, expected)
        return address

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    def events(self) -> dict[RecordAddress, dict[str, Any]]:
        """The events that Segment has accepted, by the address of their record."""
        events = {address_of(accepted.event["messageId"]): accepted.event for accepted in self.flow.segment.accepted}
        return {address: event for address, event in events.items() if address}

    def assert_even(self) -> None:
        ledger = self.flow.ledger()
        assert ledger.even, ledger
        assert not self.flow.segment.breaches


@pytest.fixture
def bus(kafka: Any, registry: Any, topic: str) -> Iterator[Bus]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Bus(kafka, registry, topic, segment)


@pytest.fixture(scope="module", autouse=True)
def bus_with_unknown_ids(kafka: Any, registry: Any) -> Iterator[Bus]:
    """
    A run whose partition 0 begins, and whose partition 3 ends, with a schema id that was never registered.

    It runs beside the other tests, because the service rejects such a record only after a minute.
    """
    with SegmentStandIn(KEYS.values()) as segment:
        bus = Bus(kafka, registry, f"unknown-ids.{uuid.uuid4().hex[:8]}", segment)
        known_value = bus.serializer(answer_schema())(ANSWER)
        bus.write(0, b"\x00\x7f\xff\xff\xff" + known_value[FRAMING_BYTES:], ExpectDeadLetter("unknown_schema"))
        for turn in range(40):
            bus.write(turn % 4, known_value)
        bus.write(3, b"\x00\x7f\xff\xff\xfe" + known_value[FRAMING_BYTES:], ExpectDeadLetter("unknown_schema"))
        bus.flush()
        with bus.flow.member():
            yield bus


def answer_schema(**changed: str | None) -> str:
    """The schema of ANSWER with these types of fields changed or added, and without the fields that are `None`."""
    types = {
        "userId": "string",
        "environment": "string",
        "surveyName": "string",
        "oldVisitorId": "int",
        "response": "float",
        "triggeringEvent": "string",
    }
    return record("com.acme.Answered", types | changed)


def record(name: str, types: Mapping[str, str | None]) -> str:
    fields = [{"name": field, "type": kind} for field, kind in types.items() if kind]
    return json.dumps({"type": "record", "name": name, "fields": fields})


def test_an_id_that_the_registry_does_not_know_stops_its_partition_only(bus_with_unknown_ids: Bus) -> None:
    ahead = bus_with_unknown_ids.flow.ends | {0: 0, 3: bus_with_unknown_ids.flow.ends[3] - 1}
    wait_until(lambda: bus_with_unknown_ids.flow.committed() == ahead, f"the committed offsets to become {ahead}", 30)


def test_records_of_the_usual_serialiser_are_accounted_for_one_by_one(bus: Bus) -> None:
    bus.flow.segment.script = fault_scripts.refuse(is_refused)
    serialize = bus.serializer((paths.schemas() / "sprig" / "response.avsc").read_text())
    head = serialize({})[:FRAMING_BYTES]
    for sample in responses(600, seed=1):
        body = sample.payload(lambda response: serialize(response)[FRAMING_BYTES:])
        bus.write(sample.number // 6 % 4, head + body if body else body, sample.expected)
    bus.flush()
    with bus.flow.member() as member:
        bus.flow.wait_until_settled()
        assert member.terminate() == 0
    bus.assert_even()


def test_a_schema_may_evolve_while_the_service_runs(bus: Bus) -> None:
    """Each change is a further version of one subject. Each event has the fields of the version of its own record."""
    evolution: list[tuple[dict[str, str | None], dict[str, Any], tuple[str, Mapping[str, Any]]]] = [
        ({}, {}, ("user-7", SENT)),
        ({"email": "string"}, {"email": "jo@example.com"}, ("user-7", SENT | {"email": "jo@example.com"})),
        ({"surveyName": None}, {}, ("user-7", {name: value for name, value in SENT.items() if name != "surveyName"})),
        ({"userId": None, "externalUserId": "string"}, {"externalUserId": "renamed"}, ("renamed", SENT)),
        (
            {"oldVisitorId": "long", "response": "double"},
            {"oldVisitorId": 2**40, "response": 0.1},
            ("user-7", SENT | {"oldVisitorId": 2**40, "response": 0.1}),
        ),
        ({"response": "bytes"}, {"response": b"text"}, ("user-7", SENT | {"response": "dGV4dA=="})),
    ]
    values: list[bytes] = []
    written: dict[RecordAddress, int] = {}
    with bus.flow.member() as member:
        for types, changed, _ in evolution:
            values.append(bus.serializer(answer_schema(**types))(ANSWER | changed))
            for turn in range(24):  # old and new versions, each in every partition
                version = turn // 4 % len(values)
                written[bus.write(turn % 4, values[version])] = version
            bus.flush()
            bus.flow.wait_until_settled()
        assert member.terminate() == 0
    assert bus.client.get_versions(f"{bus.flow.topic}-value") == [1, 2, 3, 4, 5, 6]
    bus.assert_even()
    sent = {address: (event["userId"], event["properties"]) for address, event in bus.events().items()}
    assert sent == {address: evolution[version][2] for address, version in written.items()}


def test_two_record_types_on_one_topic_may_refer_to_a_third_of_another_subject(bus: Bus, tmp_path: Path) -> None:
    bus.client.register_schema("visitors", Schema(record("com.acme.Visitor", {"id": "string", "email": "string"})))
    references = [SchemaReference("com.acme.Visitor", "visitors", 1)]
    expected = {}
    for name, field, kind, value in (("Answered", "response", "int", 9), ("Closed", "question", "string", "How?")):
        contract(tmp_path, name)
        types = {"visitor": "com.acme.Visitor", "environment": "string", field: kind}
        schema = Schema(record(f"com.acme.{name}", types), "AVRO", references)
        serialize = bus.serializer(schema, **{"subject.name.strategy": topic_record_subject_name_strategy})
        visitor = {"id": f"of-{name}", "email": "jo@example.com"}
        for partition in range(4):
            address = bus.write(partition, serialize({"visitor": visitor, "environment": "production", field: value}))
            expected[address] = f"Survey {name}", f"of-{name}", {"email": "jo@example.com", field: value}
    bus.flush()
    bus.flow.settings = {**bus.flow.settings, "SCHEMAS_DIR": str(tmp_path)}
    with bus.flow.member() as member:
        bus.flow.wait_until_settled()
        assert member.terminate() == 0
    bus.assert_even()
    assert expected == {
        address: (event["event"], event["userId"], event["properties"]) for address, event in bus.events().items()
    }


def test_apicurio_s_own_api_gives_schemas_by_each_of_its_ids_with_their_references(
    bus: Bus, registry: Any, tmp_path: Path
) -> None:
    """`auto` reads content ids of four and of eight bytes, and both headers. Each event has the user of a reference."""
    contract(tmp_path, "Answered")
    group = f"{registry.own_url}/groups/{bus.flow.topic}/artifacts"
    visitor, types = record("com.acme.Visitor", {"id": "string"}), {"environment": "string", "response": "string"}
    answered = record("com.acme.Answered", {"visitor": "com.acme.Visitor", **types})
    reference = {"groupId": bus.flow.topic, "artifactId": "visitor", "version": "1", "name": "com.acme.Visitor"}
    register(group, "visitor", visitor)
    register(group, "again", answered, reference)  # so that global ids and content ids differ
    version = register(group, "answered", answered, reference)
    body = decoder.encode(
        decoder.load_schema("test", json.loads(answered), [json.loads(visitor)]),
        {"visitor": {"id": "of-apicurio"}, "environment": "production", "response": "9"},
    )
    content_id, global_id = struct.pack(">q", version["contentId"]), struct.pack(">q", version["globalId"])
    values: list[tuple[bytes, list[tuple[str, bytes]]]] = [
        (b"\0" + content_id[4:] + body, []),
        (b"\0" + content_id + body, []),
        (body, [("apicurio.value.contentId", content_id)]),
        (body, [("apicurio.value.globalId", global_id), ("apicurio.value.encoding", b"BINARY")]),
    ]
    for partition, (value, headers) in enumerate(values):
        bus.write(partition, value, headers=headers)
    bus.flush()
    settings = {"SCHEMA_REGISTRY_URL": registry.own_url, "SCHEMA_REGISTRY_TYPE": "apicurio", "AVRO_FRAMING": "auto"}
    settings["SCHEMA_REGISTRY_CONFIG"] = '{"apicurio.registry.use-id": "contentId"}'
    bus.flow.settings = {**bus.flow.settings, **settings, "SCHEMAS_DIR": str(tmp_path)}
    with bus.flow.member() as member:
        bus.flow.wait_until_settled()
        assert member.terminate() == 0
    bus.assert_even()
    assert sorted(event["userId"] for event in bus.events().values()) == ["of-apicurio"] * 4


def register(group: str, artifact: str, schema: str, *references: Mapping[str, str]) -> dict[str, int]:
    """Register a schema by Apicurio's own API, and return its version with its ids."""
    content = {"content": schema, "contentType": "application/json", "references": references}
    body = {"artifactId": artifact, "artifactType": "AVRO", "firstVersion": {"version": "1", "content": content}}
    answer = httpx.post(group, json=body).raise_for_status().json()
    version: dict[str, int] = answer["version"]
    return version


def contract(folder: Path, name: str) -> None:
    """Write a contract: the shipped one, for records of this name, with the user in a nested record."""
    track = json.loads((paths.schemas() / "segment" / "survey-response.json").read_text())
    track["x-record"] = f"com.acme.{name}"
    track["properties"]["event"] = {"const": f"Survey {name}"}
    track["properties"]["userId"]["x-source"] = "visitor.id"
    track["properties"]["properties"]["properties"]["email"]["x-source"] = "visitor.email"
    (folder / "segment").mkdir(exist_ok=True)
    (folder / "segment" / f"{name}.json").write_text(json.dumps(track))


def test_a_service_that_starts_without_its_registry_is_ready_and_waits_for_it(bus: Bus, registry: Any) -> None:
    value = bus.serializer(answer_schema())(ANSWER)
    for turn in range(40):
        bus.write(turn % 4, value)
    bus.flush()
    with ExitStack() as running:
        with registry.down():
            member = running.enter_context(bus.flow.member())
            wait_until(lambda: outages(member), "the outage to be logged")
            wait_until(lambda: httpx.get(f"{member.url}/readyz").is_success, "the member to be ready")
            assert not any(bus.flow.committed().values())
        bus.flow.wait_until_settled()
        assert member.terminate() == 0
    bus.assert_even()
    assert_outages_are_folded(member)


def test_without_the_registry_a_new_schema_waits_and_known_schemas_continue(bus: Bus, registry: Any) -> None:
    known_value = bus.serializer(answer_schema())(ANSWER)
    new_value = bus.serializer(answer_schema(email="string"))(ANSWER | {"email": "jo@example.com"})
    with bus.flow.member() as member:
        for turn in range(40):
            bus.write(turn % 4, known_value)
        bus.flush()
        bus.flow.wait_until_settled()
        with registry.down():
            for turn in range(80):
                bus.write(turn % 4, new_value if turn % 16 == 0 else known_value)
            bus.flush()
            ahead = bus.flow.ends | {0: 10}
            wait_until(lambda: bus.flow.committed() == ahead, f"the committed offsets to become {ahead}")
            wait_until(lambda: outages(member), "the outage to be logged")
        bus.flow.wait_until_settled()
        assert member.terminate() == 0
    bus.assert_even()
    assert_outages_are_folded(member)


def outages(member: Member) -> int:
    """How often the member logged an outage of the registry."""
    return sum("schema registry does not answer" in line for line in member.lines)


def assert_outages_are_folded(member: Member) -> None:
    """The first outage is logged at once, and later ones together: once in ten seconds, and when the process ends."""
    first, last = (datetime.fromisoformat(json.loads(member.lines[index])["timestamp"]) for index in (0, -1))
    assert outages(member) <= 2 + (last - first).total_seconds() // FOLD_SECONDS


def test_an_id_that_was_never_registered_is_rejected_after_a_minute(bus_with_unknown_ids: Bus) -> None:
    bus_with_unknown_ids.flow.wait_until_settled(90)
    bus_with_unknown_ids.assert_even()
