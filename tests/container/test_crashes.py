"""A member that is killed and a broker that crashes: nothing is lost, and what comes twice was not committed."""

from collections.abc import Iterator
from typing import Any

import pytest

from consumer.demo import fault_scripts
from consumer.demo.ledger import Address, address_of
from consumer.demo.segment_server import Segment
from tests.support import KEYS, Flow, is_refused, wait_until

UNDER_WAY = 100  # offsets that a batch of `Flow`, of 50 events, may be spread over, with the skips between them


@pytest.fixture(params=["consumer", "classic"])
def flow(kafka: Any, topic: str, request: pytest.FixtureRequest) -> Iterator[Flow]:
    """1,500 records, many of them committed soon after a member starts."""
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with Segment(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(kafka.bootstrap, topic, segment, request.param)
        flow.produce(1500)
        yield flow


def commits_and_goes_on(flow: Flow) -> bool:
    """Once something is committed, more is delivered."""
    wait_until(lambda: sum(flow.committed().values()) > 500, "a commit")
    accepted = len(flow.segment.accepted)
    flow.produce(1500, seed=2)
    return flow.segment.wait_until(lambda it: len(it.accepted) > accepted + 200)


def settled(flow: Flow) -> set[Address]:
    found = {address_of(str(it.event["messageId"])) for it in flow.segment.accepted}
    return {address for address in found if address} | {letter.address for letter in flow.dead_letters()}


def uncommitted(flow: Flow) -> set[Address]:
    """What was settled since the last commit, or may have been under way."""
    committed, done = flow.committed(), settled(flow)
    ends = {part: max([it.offset for it in done if it.partition == part], default=-1) for part in committed}
    return {it for it in flow.produced if committed[it.partition] <= it.offset <= ends[it.partition] + UNDER_WAY}


def assert_nothing_lost(flow: Flow, may_repeat: set[Address]) -> None:
    account = flow.account()
    assert not account.lost
    assert not account.unexpected
    assert not account.out_of_order
    repeats = [address_of(message_id) for reason, message_id in flow.segment.dropped if reason == "duplicate"]
    repeats += account.duplicates  # two letters
    assert set(repeats) <= may_repeat
    assert len(repeats) == len(set(repeats))
    assert {reason for reason, _ in flow.segment.dropped} <= {"duplicate"}
    assert len({it.event["messageId"] for it in flow.segment.accepted}) == len(flow.segment.accepted)
    assert not flow.segment.breaches


def test_a_member_killed_in_the_middle_loses_nothing(flow: Flow) -> None:
    with flow.member() as first:
        assert commits_and_goes_on(flow)
        first.kill()
        may_repeat = uncommitted(flow)
    with flow.member() as second:
        flow.wait_until_settled()
        assert second.terminate() == 0
    assert_nothing_lost(flow, may_repeat)


def test_a_broker_restart_is_waited_out(kafka: Any, flow: Flow) -> None:
    """
    The member goes on with what it has read; only where it loses its partitions does any of that come twice.

    (A letter comes twice as well where the broker had it, and its confirmation was lost in the crash.)
    """
    with flow.member() as member:
        assert commits_and_goes_on(flow)
        before = flow.committed()
        kafka.restart()
        flow.produce(500, seed=3)
        flow.wait_until_settled(120)
        kept = member.times("assigned") == 1 and not member.times("revoked") + member.times("lost")
        assert member.terminate() == 0
    letters = {letter.address for letter in flow.dead_letters()}
    may_repeat = {it for it in flow.produced if it.offset >= before[it.partition]}
    assert_nothing_lost(flow, may_repeat & letters if kept else may_repeat)
