"""Each error that a broker may answer a commit with, and replicas that are too few for letters: nothing is lost."""

import threading
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import KafkaError

from consumer.demo.segment_server import Segment
from tests.faults.dead_letter_checks import assert_waits, said
from tests.faults.mock_errors import OFFSET_COMMIT, PRODUCE, MockBroker, mock_broker
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.scenario import Row, trial
from tests.support import KEYS, Flow, wait_until

Record = Callable[[Row], None]

ANY = [
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.INVALID_COMMIT_OFFSET_SIZE,
    KafkaError.OFFSET_METADATA_TOO_LARGE,
    KafkaError.UNKNOWN_MEMBER_ID,
]
# Which of these a broker may answer depends on the group's protocol (KIP-848, "OffsetCommit").
OUTDATED = {
    "classic": [KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION],
    "consumer": [KafkaError.STALE_MEMBER_EPOCH],
}


@pytest.fixture
def broker() -> Iterator[MockBroker]:
    with mock_broker() as broker:
        yield broker


@pytest.fixture
def flow(broker: MockBroker, protocol: str) -> Iterator[Flow]:
    broker.create_topic("answers", 4)
    broker.create_topic("answers.dead-letter", 1)
    with Segment(KEYS.values()) as segment:
        yield Flow(broker.address, "answers", segment, protocol)


@SHORT_IN_ONE_PROTOCOL
def test_commits_that_are_refused_are_made_again(broker: MockBroker, flow: Flow, is_long: bool, record: Record) -> None:
    """In the classic protocol an unknown or outdated member joins anew, and what it had not committed is read again."""
    with trial(flow, rate=60) as it:
        it.join()
        it.progress(20)
        for code in [*ANY, *OUTDATED[flow.protocol]] * (3 if is_long else 1):
            broker.fail(OFFSET_COMMIT, [code])
            wait_until(lambda: broker.requests(OFFSET_COMMIT), "a commit to be refused")
            before = dict(it.watch.committed)
            wait_until(lambda then=before: it.watch.committed != then, "a commit after the refused one")  # type: ignore[misc]
        it.over()
        record(it.settle(f"commit errors, {flow.protocol}", floor=200, duplicates=it.at_stake))


@in_one_protocol("classic")
def test_a_commit_that_is_fenced_ends_its_member_and_nothing_is_lost(
    broker: MockBroker, flow: Flow, record: Record
) -> None:
    """To the client that is fatal: it says so, and whoever is started in its place reads again what it had."""
    with trial(flow, rate=60) as it:
        member = it.join(KAFKA_GROUP_INSTANCE_ID="same")
        it.progress(20)
        broker.fail(OFFSET_COMMIT, [KafkaError.FENCED_INSTANCE_ID])
        wait_until(lambda: member.has_ended, "the member to end")
        assert member.end() == 1
        assert "fatal error, exiting" in member.output
        it.kill()
        it.join(KAFKA_GROUP_INSTANCE_ID="same")
        it.over()
        it.progress(100)
        record(it.settle(f"fenced commit, {flow.protocol}", floor=100))


@pytest.mark.parametrize(("protocol", "times"), [("consumer", 200), ("classic", 1)], indirect=["protocol"])
def test_a_last_commit_of_an_unknown_member_keeps_nobody(
    broker: MockBroker, flow: Flow, times: int, record: Record
) -> None:
    """It ends in time, by itself and in order; the next one reads again what was not committed."""
    with trial(flow, rate=60) as it:
        it.join()
        it.progress(100)
        broker.fail(OFFSET_COMMIT, [KafkaError.UNKNOWN_MEMBER_ID] * times)
        it.leave()
        assert broker.requests(OFFSET_COMMIT)
        broker.forgive(OFFSET_COMMIT)
        it.join()
        it.over()
        it.progress(100)
        record(it.settle(f"last commit of an unknown member, {flow.protocol}", floor=100, duplicates=it.at_stake))


@in_one_protocol("consumer")
def test_letters_wait_for_replicas_that_are_down(broker: MockBroker, flow: Flow, is_long: bool, record: Record) -> None:
    """(A broker that is alone has always replicas enough, whatever min.insync.replicas says.)"""
    longer = threading.Event()
    flow.produce(300, seed=3)
    broker.fail(PRODUCE, [KafkaError.NOT_ENOUGH_REPLICAS] * 100_000)
    with trial(flow, rate=0) as it:
        it.join()
        it.progress(50)
        wait_until(lambda: broker.requests(PRODUCE) > 10, "letters to be refused")
        if is_long:
            said(it)
        longer.wait(30 if is_long else 1)
        assert_waits(it)
        broker.forgive(PRODUCE)
        it.over()
        record(it.settle("too few replicas for letters", floor=200, duplicates=0))
