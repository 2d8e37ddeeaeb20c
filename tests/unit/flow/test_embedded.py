"""The very command against the broker inside librdkafka: calm, interrupted, misconfigured."""

import signal
from collections.abc import Iterator

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import Segment
from consumer.kafka.mock_broker import EmbeddedBroker
from tests.support import KEYS, Flow, is_refused, wait_until


@pytest.fixture
def flow(broker: EmbeddedBroker, topic: str) -> Iterator[Flow]:
    with Segment(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(broker.address, topic, segment)


def test_a_calm_run_accounts_for_each_record(flow: Flow) -> None:
    flow.produce(600)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    account = flow.account()
    assert account.even, account
    assert not flow.segment.dropped
    assert not flow.segment.breaches
    assert not any(key in member.output for key in KEYS.values())


def test_ctrl_c_in_the_middle_leaves_the_rest_to_the_next_member(flow: Flow) -> None:
    flow.produce(1500)
    with flow.member() as first:
        assert flow.segment.wait_until(lambda it: len(it.accepted) > 100)
        assert first.terminate(signal.SIGINT) == 0
    before = len(flow.segment.accepted)
    with flow.member() as second:
        flow.wait_until_settled()
        assert second.terminate() == 0
    assert before < len(flow.segment.accepted)
    account = flow.account()
    assert not account.lost
    assert not account.unexpected
    assert not account.out_of_order
    assert len(account.duplicates) <= 50 * flow.partitions  # at most the batches that were open


def test_wrong_keys_hold_and_nothing_is_set_aside(flow: Flow) -> None:
    flow.produce(7)
    flow.segment.script = fault_scripts.fail(status=401)
    with flow.member() as member:
        wait_until(lambda: "delivery blocked" in member.output, "the hold to be said")
        assert not any(flow.committed().values())
        flow.segment.script = fault_scripts.calm
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert flow.account().even


def test_a_missing_dead_letter_topic_stops_the_start(flow: Flow) -> None:
    flow.settings = {"DEAD_LETTER_TOPIC": "nowhere"}
    with flow.member() as member:
        assert member.end() == 1
    assert "there is no topic nowhere" in member.output
    assert "Traceback" not in member.output
