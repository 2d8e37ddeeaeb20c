"""The command `run` with the broker inside librdkafka: undisturbed, interrupted, misconfigured."""

import signal
from collections.abc import Iterator

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.support import KEYS, Flow, is_refused, wait_until


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(broker.address, topic, segment)


def test_an_undisturbed_run_accounts_for_each_record(flow: Flow) -> None:
    flow.produce(600)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger
    assert not flow.segment.dropped
    assert not flow.segment.breaches
    assert not any(key in member.output for key in KEYS.values())


def test_ctrl_c_in_the_middle_leaves_the_rest_to_the_next_member(flow: Flow) -> None:
    flow.produce(1500)
    with flow.member() as first:
        assert flow.segment.wait_until(lambda segment: len(segment.accepted) > 100)
        assert first.terminate(signal.SIGINT) == 0
    before = len(flow.segment.accepted)
    with flow.member() as second:
        flow.wait_until_settled()
        assert second.terminate() == 0
    assert before < len(flow.segment.accepted)
    ledger = flow.ledger()
    assert not ledger.lost
    assert not ledger.unexpected
    assert not ledger.out_of_order
    assert len(ledger.duplicates) <= 50 * flow.partitions  # at most the open batches


def test_wrong_keys_block_and_nothing_is_rejected(flow: Flow) -> None:
    flow.produce(7)
    flow.segment.script = fault_scripts.fail(status=401)
    with flow.member() as member:
        wait_until(lambda: "delivery blocked" in member.output, "the block to be logged")
        assert not any(flow.committed().values())
        flow.segment.script = fault_scripts.calm
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert flow.ledger().even


def test_a_missing_dead_letter_topic_stops_the_start(flow: Flow) -> None:
    flow.settings = {"DEAD_LETTER_TOPIC": "nowhere"}
    with flow.member() as member:
        assert member.end() == 1
    assert "there is no topic nowhere" in member.output
    assert "Traceback" not in member.output
