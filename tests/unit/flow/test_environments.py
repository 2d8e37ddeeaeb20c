"""Three environments in one partition, and a fourth without a key: the very command against librdkafka's broker."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.demo import fault_scripts
from consumer.demo.expected import ANONYMOUS, REFUSED, Deliver, Fate, SetAside, Skip
from consumer.demo.ledger import Arrival, Ledger, settle
from consumer.demo.samples import REFUSED_EMAIL
from consumer.demo.segment_server import Segment
from consumer.kafka.mock_broker import EmbeddedBroker
from tests.support import Flow, is_refused, wait_until

KEYS = {name: f"test-{name}-key" for name in ("production", "development", "staging")}
ENVIRONMENTS = {key: name for name, key in KEYS.items()}
SPELT = ("Production", "development", "STAGING", "Sandbox-of-jane", None)
NO_KEY = SetAside("no_write_key")


@pytest.fixture
def flow(broker: EmbeddedBroker, topic: str) -> Iterator[Flow]:
    with Segment(KEYS.values()) as segment:
        settings = {"SEGMENT_WRITE_KEYS": json.dumps(KEYS), "BATCH_MAX_EVENTS": "20"}
        yield Flow(broker.address, topic, segment, settings=settings)


def produce(flow: Flow, *records: tuple[dict[str, Any], Fate]) -> None:
    """All into partition 0."""
    schema = schema_files.raw_schema(paths.schemas())
    producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})
    for record, fate in records:
        producer.produce(flow.topic, decoder.encode(schema, record), partition=0)
        flow.note(0, fate)
    assert producer.flush(30) == 0


def mixed(count: int) -> Iterator[tuple[dict[str, Any], Fate]]:
    for number in range(count):
        spelt = SPELT[number % len(SPELT)]
        known = (spelt or "").lower() in KEYS
        record = {"userId": f"user-{number}", "environment": spelt}
        yield record, Deliver(str(spelt).lower()) if known else NO_KEY


def account(flow: Flow) -> Ledger:
    arrivals = [Arrival(ENVIRONMENTS[a.key], str(a.event["messageId"])) for a in flow.segment.accepted]
    skipped = Counter(fate.reason for fate in flow.produced.values() if isinstance(fate, Skip))
    return settle(flow.produced, arrivals, flow.dead_letters(), skipped)


def arrived(flow: Flow, *environments: str) -> int:
    return sum(ENVIRONMENTS[accepted.key] in environments for accepted in flow.segment.accepted)


def test_each_environment_reaches_its_own_source_and_one_without_a_key_is_set_aside_aloud(flow: Flow) -> None:
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
    said = [line for line in map(json.loads, member.lines) if line.get("reason") == NO_KEY.reason]
    assert said
    assert said[0]["level"] == "error"
    assert "SEGMENT_WRITE_KEYS" in said[0]["detail"]
    assert "of-jane" not in member.output


def test_keys_that_stall_stop_only_their_own_events_through_a_crash(flow: Flow) -> None:
    stalls = {
        KEYS["staging"]: fault_scripts.problem(401, "who?"),
        KEYS["development"]: fault_scripts.problem(429, "slow down", {"Retry-After": "2"}),
    }
    flow.segment.script = lambda received: stalls.get(received.key)
    # A killed member leaves its partitions when its session is over, which the classic protocol lets a test cut short.
    session = {"group.protocol": "classic", "session.timeout.ms": 4000, "heartbeat.interval.ms": 500}
    flow.settings = {**flow.settings, "KAFKA_CONFIG": json.dumps(session)}
    produce(flow, *mixed(200))
    with flow.member() as first:
        assert flow.segment.wait_until(lambda it: len(it.accepted) == 40)
        wait_until(lambda: flow.committed()[0] == 1, "all below the first record that stalls to be committed")
        first.kill()
    produce(flow, *mixed(50))
    with flow.member() as second:
        assert flow.segment.wait_until(lambda it: len(it.accepted) == 50)
        assert arrived(flow, "production") == 50
        assert flow.segment.duplicates == 39  # all but the one that was committed, sent again and known again
        assert flow.committed()[0] == 1
        flow.segment.script = fault_scripts.calm
        flow.wait_until_settled()
        assert second.terminate() == 0
    it = account(flow)
    assert not it.lost
    assert not it.unexpected
    assert not it.out_of_order
    assert it.delivered == 150
    assert {flow.produced[address] for address in it.duplicates} <= {NO_KEY}  # kept again, where events are known again
