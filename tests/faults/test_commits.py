"""Each error with which a broker can refuse a commit, and too few replicas for dead letters: nothing is lost."""

import threading
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from consumer.demo.segment_server import SegmentStandIn
from tests.failing_broker import OFFSET_COMMIT, PRODUCE, FailingBroker, failing_broker
from tests.faults.dead_letter_checks import assert_offsets_wait, wait_for_retries
from tests.faults.params import SHORT_IN_ONE_PROTOCOL, in_one_protocol
from tests.faults.scenario import Report, scenario
from tests.support import KEYS, Flow, wait_until

FOR_BOTH_PROTOCOLS = [
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
# The error for an outdated member depends on the group protocol (KIP-848, "OffsetCommit").
FOR_OUTDATED_MEMBERS = {
    "classic": [KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION],
    "consumer": [KafkaError.STALE_MEMBER_EPOCH],
}


@pytest.fixture
def broker() -> Iterator[FailingBroker]:
    with failing_broker() as broker:
        yield broker


@pytest.fixture
def flow(broker: FailingBroker, protocol: str) -> Iterator[Flow]:
    broker.create_topic("answers", 4)
    broker.create_topic("answers.dead-letter", 1)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, "answers", segment, protocol)


@SHORT_IN_ONE_PROTOCOL
def test_refused_commits_are_retried(broker: FailingBroker, flow: Flow, is_long: bool, report: Report) -> None:
    """In the classic protocol, an unknown or outdated member joins again and reads its uncommitted records again."""
    with scenario(flow, rate=60) as trial:
        trial.join()
        trial.progress(20)
        for code in [*FOR_BOTH_PROTOCOLS, *FOR_OUTDATED_MEMBERS[flow.protocol]] * (3 if is_long else 1):
            broker.fail(OFFSET_COMMIT, [code])
            wait_until(lambda: broker.requests(OFFSET_COMMIT), "a commit to be refused")
            before = dict(trial.watcher.committed)
            wait_until(lambda earlier=before: trial.watcher.committed != earlier, "a commit after the refused one")  # type: ignore[misc]
        trial.fault_ended()
        report(
            trial.finish(f"commit errors, {flow.protocol}", min_delivered=200, max_duplicates=trial.possible_duplicates)
        )


@in_one_protocol("classic")
def test_a_commit_that_is_fenced_ends_its_member_and_nothing_is_lost(
    broker: FailingBroker, flow: Flow, report: Report
) -> None:
    """The error is fatal for the client, so the member logs it and ends. The next member reads its records again."""
    with scenario(flow, rate=60) as trial:
        member = trial.join(KAFKA_GROUP_INSTANCE_ID="same")
        trial.progress(20)
        broker.fail(OFFSET_COMMIT, [KafkaError.FENCED_INSTANCE_ID])
        wait_until(lambda: member.has_ended, "the member to end")
        assert member.end() == 1
        assert "fatal error, exiting" in member.output
        trial.kill()
        trial.join(KAFKA_GROUP_INSTANCE_ID="same")
        trial.fault_ended()
        trial.progress(100)
        report(trial.finish(f"fenced commit, {flow.protocol}", min_delivered=100))


@pytest.mark.parametrize(("protocol", "times"), [("consumer", 200), ("classic", 1)], indirect=["protocol"])
def test_a_last_commit_of_an_unknown_member_does_not_delay_shutdown(
    broker: FailingBroker, flow: Flow, times: int, report: Report
) -> None:
    """The member ends in time, with exit code 0. The next member reads the uncommitted records again."""
    with scenario(flow, rate=60) as trial:
        trial.join()
        trial.progress(100)
        broker.fail(OFFSET_COMMIT, [KafkaError.UNKNOWN_MEMBER_ID] * times)
        trial.leave()
        assert broker.requests(OFFSET_COMMIT)
        broker.clear_errors(OFFSET_COMMIT)
        trial.join()
        trial.fault_ended()
        trial.progress(100)
        report(
            trial.finish(
                f"last commit of an unknown member, {flow.protocol}",
                min_delivered=100,
                max_duplicates=trial.possible_duplicates,
            )
        )


@in_one_protocol("consumer")
def test_offsets_wait_while_the_dead_letter_topic_has_too_few_replicas(
    broker: FailingBroker, flow: Flow, is_long: bool, report: Report
) -> None:
    """(A single broker always has enough replicas, whatever min.insync.replicas is, so a mock gives this error.)"""
    never = threading.Event()
    flow.produce(300, seed=3)
    broker.fail(PRODUCE, [KafkaError.NOT_ENOUGH_REPLICAS] * 100_000)
    with scenario(flow, rate=0) as trial:
        trial.join()
        trial.progress(50)
        wait_until(lambda: broker.requests(PRODUCE) > 10, "dead letters to be refused")
        if is_long:
            wait_for_retries(trial)
        never.wait(30 if is_long else 1)
        assert_offsets_wait(trial)
        broker.clear_errors(PRODUCE)
        trial.fault_ended()
        report(trial.finish("too few replicas for dead letters", min_delivered=200, max_duplicates=0))
