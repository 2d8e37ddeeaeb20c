"""The command `run` behind a firewall that denies the text of some events."""

import json
from collections.abc import Iterator

import pytest

from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, ExpectDeadLetter, ExpectDelivered
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.support import KEYS, Flow, is_refused


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, topic, segment)


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("status", [403, 302])
def test_a_text_that_a_firewall_denies_costs_its_own_record_only(flow: Flow, partitions: int, status: int) -> None:
    flow.partitions = partitions
    flow.segment.script = fault_scripts.refuse(is_refused, status)
    flow.produce(1000)
    denied = ExpectDeadLetter(f"denied_http_{status}")
    for address, expected in flow.produced.items():
        if expected == REFUSED:
            flow.produced[address] = denied
    assert denied in flow.produced.values()
    with flow.member() as member:
        flow.wait_until_settled(60)
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger
    assert not flow.segment.breaches


@pytest.mark.parametrize("partitions", [1, 4])
def test_one_denied_text_among_a_thousand_records_costs_seconds(flow: Flow, partitions: int) -> None:
    flow.partitions = partitions
    flow.produce(1000)
    events = [address for address, expected in flow.produced.items() if isinstance(expected, ExpectDelivered)]
    denied = events[len(events) // 2]
    flow.produced[denied] = ExpectDeadLetter("denied_http_403")
    message_id = f"-{denied.partition}-{denied.offset}-"
    firewall = fault_scripts.refuse(lambda event: message_id in event["messageId"], 403)
    flow.segment.script = lambda batch: firewall(batch) or fault_scripts.refuse(is_refused)(batch)
    with flow.member() as member:
        flow.wait_until_settled(30)
        assert member.terminate() == 0
    assert flow.ledger().even
    lines = [json.loads(line) for line in member.output.splitlines()]
    named = [(line["partition"], line["offset"]) for line in lines if line.get("reason") == "denied_http_403"]
    assert denied in named
