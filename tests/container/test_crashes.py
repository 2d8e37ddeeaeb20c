"""A member is killed, or the broker crashes: no record is lost, and only uncommitted records are sent again."""

from collections.abc import Iterator
from typing import Any

import pytest

from consumer.demo import fault_scripts
from consumer.demo.ledger import address_of
from consumer.demo.segment_server import SegmentStandIn
from consumer.model import RecordAddress
from tests.support import KEYS, Flow, is_refused, wait_until

IN_FLIGHT = 100  # offsets that a batch of `Flow`, of 50 events, can be spread over, with the skipped records between


@pytest.fixture(params=["consumer", "classic"])
def flow(kafka: Any, topic: str, request: pytest.FixtureRequest) -> Iterator[Flow]:
    """A flow with 1,500 records. Many of them are committed soon after a member starts."""
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(kafka.bootstrap, topic, segment, request.param)
        flow.produce(1500)
        yield flow


def delivers_after_a_commit(flow: Flow) -> bool:
    """Wait for a commit, produce more records, and wait until some of them are delivered."""
    wait_until(lambda: sum(flow.committed().values()) > 500, "more than 500 committed records")
    accepted = len(flow.segment.accepted)
    flow.produce(1500, seed=2)
    return flow.segment.wait_until(lambda segment: len(segment.accepted) > accepted + 200)


def settled(flow: Flow) -> set[RecordAddress]:
    addresses = {address_of(str(accepted.event["messageId"])) for accepted in flow.segment.accepted}
    return {address for address in addresses if address} | {dead_letter.address for dead_letter in flow.dead_letters()}


def uncommitted(flow: Flow) -> set[RecordAddress]:
    """The records that were settled since the last commit, or may have been in flight."""
    committed, settled_records = flow.committed(), settled(flow)
    ends = {
        partition: max([address.offset for address in settled_records if address.partition == partition], default=-1)
        for partition in committed
    }
    return {
        address
        for address in flow.produced
        if committed[address.partition] <= address.offset <= ends[address.partition] + IN_FLIGHT
    }


def assert_nothing_lost(flow: Flow, may_repeat: set[RecordAddress]) -> None:
    ledger = flow.ledger()
    assert not ledger.lost
    assert not ledger.unexpected
    assert not ledger.out_of_order
    repeats = [address_of(message_id) for reason, message_id in flow.segment.dropped if reason == "duplicate"]
    repeats += ledger.duplicates  # records with two dead letters
    assert set(repeats) <= may_repeat
    assert len(repeats) == len(set(repeats))
    assert {reason for reason, _ in flow.segment.dropped} <= {"duplicate"}
    assert len({accepted.event["messageId"] for accepted in flow.segment.accepted}) == len(flow.segment.accepted)
    assert not flow.segment.breaches


def test_a_member_killed_in_the_middle_loses_nothing(flow: Flow) -> None:
    with flow.member() as first:
        assert delivers_after_a_commit(flow)
        first.kill()
        may_repeat = uncommitted(flow)
    with flow.member() as second:
        flow.wait_until_settled()
        assert second.terminate() == 0
    assert_nothing_lost(flow, may_repeat)


def test_a_broker_restart_is_waited_out(kafka: Any, flow: Flow) -> None:
    """
    The member goes on with the records that it has read. It sends them again only if it loses its partitions.

    (A dead letter is also written twice if the broker had it, and its confirmation was lost in the crash.)
    """
    with flow.member() as member:
        assert delivers_after_a_commit(flow)
        before = flow.committed()
        kafka.restart()
        flow.produce(500, seed=3)
        flow.wait_until_settled(120)
        kept_partitions = member.times("assigned") == 1 and not member.times("revoked") + member.times("lost")
        assert member.terminate() == 0
    may_repeat = {address for address in flow.produced if address.offset >= before[address.partition]}
    if kept_partitions:
        may_repeat &= {dead_letter.address for dead_letter in flow.dead_letters()}
    assert_nothing_lost(flow, may_repeat)
