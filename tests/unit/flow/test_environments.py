"""Three environments in one partition, and a fourth without a key: `run` with the broker inside librdkafka."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.demo import fault_scripts
from consumer.demo.expected import ANONYMOUS, REFUSED, ExpectDeadLetter, ExpectDelivered, ExpectedOutcome, ExpectSkipped
from consumer.demo.ledger import Arrival, Ledger, balance
from consumer.demo.samples import REFUSED_EMAIL
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.support import Flow, is_refused, wait_until

KEYS = {name: f"test-{name}-key" for name in ("production", "development", "staging")}
ENVIRONMENTS = {key: name for name, key in KEYS.items()}
SPELLINGS = ("Production", "development", "STAGING", "Sandbox-of-jane", None)
NO_KEY = ExpectDeadLetter("no_write_key")


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        settings = {"SEGMENT_WRITE_KEYS": json.dumps(KEYS), "BATCH_MAX_EVENTS": "20"}
        yield Flow(broker.address, topic, segment, settings=settings)


def produce(flow: Flow, *records: tuple[dict[str, Any], ExpectedOutcome]) -> None:
    """Produce all records to partition 0."""
    schema = schema_files.raw_schema(paths.schemas())
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    for record, expected in records:
        producer.produce(flow.topic, decoder.encode(schema, record), partition=0)
        flow.note_produced(0, expected)
    assert producer.flush(30) == 0


def mixed(count: int) -> Iterator[tuple[dict[str, Any], ExpectedOutcome]]:
    for number in range(count):
        spelling = SPELLINGS[number % len(SPELLINGS)]
        environment = (spelling or "").lower()
        record = {"userId": f"user-{number}", "environment": spelling}
        yield record, ExpectDelivered(environment) if environment in KEYS else NO_KEY


def account(flow: Flow) -> Ledger:
    arrivals = [Arrival(ENVIRONMENTS[a.key], str(a.event["messageId"])) for a in flow.segment.accepted]
    skipped = Counter(outcome.reason for outcome in flow.produced.values() if isinstance(outcome, ExpectSkipped))
    return balance(flow.produced, arrivals, flow.dead_letters(), skipped)


def arrived(flow: Flow, *environments: str) -> int:
    return sum(ENVIRONMENTS[accepted.key] in environments for accepted in flow.segment.accepted)


def test_each_environment_reaches_its_own_source_and_an_environment_without_a_key_is_rejected_with_an_error(
    flow: Flow,
) -> None:
    flow.segment.script = fault_scripts.refuse(is_refused)
    produce(
        flow,
        *mixed(100),
        ({"userId": "u", "environment": "staging", "email": REFUSED_EMAIL}, REFUSED),
        ({"userId": None, "environment": "sandbox"}, ANONYMOUS),
        *mixed(50),
    )
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert account(flow).even, account(flow)
    assert not flow.segment.dropped
    errors = [line for line in map(json.loads, member.lines) if line.get("reason") == NO_KEY.reason]
    assert errors
    assert errors[0]["level"] == "error"
    assert "SEGMENT_WRITE_KEYS" in errors[0]["detail"]
    assert "of-jane" not in member.output


def test_keys_that_stall_stop_only_their_own_events_through_a_crash(flow: Flow) -> None:
    stalls = {
        KEYS["staging"]: fault_scripts.problem(401, "who?"),
        KEYS["development"]: fault_scripts.problem(429, "slow down", {"Retry-After": "2"}),
    }
    flow.segment.script = lambda received: stalls.get(received.key)
    # A killed member keeps its partitions until its session ends, which the classic protocol lets a test shorten.
    session = {"group.protocol": "classic", "session.timeout.ms": 4000, "heartbeat.interval.ms": 500}
    flow.settings = {**flow.settings, "KAFKA_CONFIG": json.dumps(session)}
    produce(flow, *mixed(200))
    with flow.member() as first:
        assert flow.segment.wait_until(lambda segment: len(segment.accepted) == 40)
        wait_until(lambda: flow.committed()[0] == 1, "the offsets below the first stalled record to be committed")
        first.kill()
    produce(flow, *mixed(50))
    with flow.member() as second:
        assert flow.segment.wait_until(lambda segment: len(segment.accepted) == 50)
        assert arrived(flow, "production") == 50
        assert (
            flow.segment.duplicates == 39
        )  # all but the committed record are sent again, and Segment recognises the repeats
        assert flow.committed()[0] == 1
        flow.segment.script = fault_scripts.calm
        flow.wait_until_settled()
        assert second.terminate() == 0
    ledger = account(flow)
    assert not ledger.lost
    assert not ledger.unexpected
    assert not ledger.out_of_order
    assert ledger.delivered == 150
    # Dead letters are written again; repeated events are recognised.
    assert {flow.produced[address] for address in ledger.duplicates} <= {NO_KEY}
