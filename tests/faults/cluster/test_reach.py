"""One broker of the cluster is a black hole for the members, while the brokers and the producer reach it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

import pytest

from tests.container.kafka_cluster import KafkaCluster
from tests.faults.params import ONLY_LONG
from tests.faults.proxy import Proxy
from tests.faults.scenario import Report, scenario
from tests.support import Flow, Member, wait_until


@pytest.fixture
def links(kafka: KafkaCluster, flow: Flow) -> Iterator[Mapping[int, Proxy]]:
    """The network path from the members to each broker."""
    flow.settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.announced}
    with ExitStack() as closing:
        proxies = {number: Proxy(node.announced, node.indirect) for number, node in kafka.nodes.items()}
        yield {number: closing.enter_context(proxy.running()) for number, proxy in proxies.items()}


@ONLY_LONG
def test_a_leader_that_the_members_cannot_reach_delays_only_its_partitions(
    kafka: KafkaCluster, flow: Flow, links: Mapping[int, Proxy], is_long: bool, report: Report
) -> None:
    """The leader of the dead-letter topic and the coordinator of the group are other brokers."""
    with scenario(flow) as trial:
        trial.join("one")
        trial.join("two")
        trial.progress(50)
        needed = {kafka.leaders(f"{flow.topic}.dead-letter")[0], kafka.coordinator(flow.group).number}
        number = min(kafka.nodes.keys() - needed)
        (partition, *_) = [partition for partition, leader in kafka.leaders(flow.topic).items() if leader == number]
        links[number].silence()
        behind = 1000 if is_long else 200
        wait_until(
            lambda: flow.ends[partition] - trial.watcher.committed[partition] > behind, "records to wait", seconds=120
        )
        trial.progress(200)
        links[number].forward()
        trial.fault_ended()
        report(
            trial.finish(f"leader out of reach of the members, {flow.protocol}", min_delivered=300, max_duplicates=0)
        )


def wait_for_losses(members: Sequence[Member], number: int) -> None:
    wait_until(lambda: all(member.times("lost") == number for member in members), f"loss {number} to be noticed")


@ONLY_LONG
def test_a_coordinator_that_the_members_cannot_reach_loses_nothing(
    kafka: KafkaCluster, flow: Flow, links: Mapping[int, Proxy], is_long: bool, report: Report
) -> None:
    """The broker removes both members, and both notice it. What they deliver meanwhile is sent again."""
    with scenario(flow) as trial:
        members = [trial.join("one"), trial.join("two")]
        for number_of_losses in range(1, 4 if is_long else 2):
            trial.progress(50)
            wait_until(lambda: all(member.partitions for member in members), "both members to have partitions")
            number = kafka.coordinator(flow.group).number
            with trial.duplicate_explainer.any_member_may_be_removed():
                links[number].silence()
                wait_until(lambda: kafka.members(flow.group) == 0, "the broker to remove the members")
                links[number].forward()
                wait_for_losses(members, number_of_losses)
        trial.fault_ended()
        report(
            trial.finish(
                f"coordinator out of reach of the members, {flow.protocol}", min_delivered=300, explain_all=True
            )
        )
