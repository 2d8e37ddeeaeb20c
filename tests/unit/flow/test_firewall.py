"""The command `run` behind a firewall that denies the text of some events."""

from collections.abc import Iterator

import pytest

from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, ExpectDeadLetter
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
