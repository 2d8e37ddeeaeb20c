"""Brokers of a cluster end, in order and not: one after the other, the one that matters most, two at once."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.container.kafka_cluster import KafkaCluster
from tests.container.kafka_node import KafkaNode
from tests.faults.params import LONG, SHORT, SHORT_IN_ONE_PROTOCOL
from tests.faults.scenario import FaultResult, Report, Scenario, scenario
from tests.support import Flow

BROKERS: Mapping[str, Callable[[KafkaCluster, Flow], KafkaNode]] = {
    "leader": lambda kafka, flow: kafka.nodes[kafka.leaders(flow.topic)[0]],
    "coordinator": lambda kafka, flow: kafka.coordinator(flow.group),
    "controller": lambda kafka, _: kafka.controller(),
}

# The group protocols differ in how a member finds its next coordinator.
ROLES = {"leader": "consumer", "controller": "classic", "coordinator": "consumer"}
SHORT_FORMS = (("leader", "consumer"), ("coordinator", "consumer"))
KILLED = pytest.mark.parametrize(
    ("role", "protocol", "is_long"),
    [
        pytest.param(role, protocol, is_long, id=f"{role}-{protocol}-{form}", marks=marks)
        for role, protocol in (*ROLES.items(), ("coordinator", "classic"))
        for is_long, form, marks in ((False, "short", SHORT), (True, "long", LONG))
        if is_long or (role, protocol) in SHORT_FORMS
    ],
    indirect=["protocol", "is_long"],
)


@contextmanager
def outage(trial: Scenario) -> Iterator[None]:
    """A block in which brokers end. What is not committed at its beginning may be repeated, for two reasons."""
    with trial.duplicate_explainer.any_member_may_be_removed(), trial.broker_outage():
        yield


def finish(trial: Scenario, fault: str) -> FaultResult:
    """
    Each repeat must be explained by an outage.

    An event is repeated only if the brokers removed a member. A dead letter is repeated as well if its broker ended
    before it could answer.
    """
    result = trial.finish(f"{fault}, {trial.flow.protocol}", min_delivered=300, explain_all=True)
    assert trial.lost_partitions() or not trial.flow.segment.duplicates
    return result


@SHORT_IN_ONE_PROTOCOL
def test_a_rolling_restart_of_the_brokers_loses_nothing(
    kafka: KafkaCluster, flow: Flow, is_long: bool, report: Report
) -> None:
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        for node in list(kafka.nodes.values()) * (3 if is_long else 1):
            trial.progress(50)
            with outage(trial):
                node.stop()
                node.start()
                kafka.wait_until_in_sync()
        trial.fault_ended()
        report(finish(trial, "rolling restart of three brokers"))


@KILLED
def test_a_broker_that_is_killed_loses_nothing(
    kafka: KafkaCluster, flow: Flow, role: str, is_long: bool, report: Report
) -> None:
    """The other two go on, without the broker that was killed."""
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        for _ in range(3 if is_long else 1):
            trial.progress(50)
            with outage(trial):
                killed = BROKERS[role](kafka, flow)
                killed.kill()
                kafka.wait_for_other_leaders(flow.topic, killed)
                trial.progress(200)
                kafka.heal()
        trial.fault_ended()
        report(finish(trial, f"{role} of three brokers killed"))


@SHORT_IN_ONE_PROTOCOL
def test_two_of_three_brokers_killed_at_once_lose_nothing(
    kafka: KafkaCluster, flow: Flow, is_long: bool, report: Report
) -> None:
    """The one that is left may neither elect nor confirm anything."""
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        for first in (1, 2, 3) if is_long else (1,):
            trial.progress(50)
            with outage(trial):
                for number in (first, first % 3 + 1):
                    kafka.nodes[number].kill()
                kafka.heal()
        trial.fault_ended()
        report(finish(trial, "two of three brokers killed"))
