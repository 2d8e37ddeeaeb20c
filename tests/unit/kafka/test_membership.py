"""When a client counts as a member of its group, and how long it stays to finish a rebalance before it leaves."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException

from consumer.kafka import membership as membership_module
from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.membership import GroupMembership
from consumer.kafka.mock_broker import MockBroker
from tests.support import wait_until

TOPIC, PARTITIONS, SPARE = "topic", 4, 1
NOBODY = "127.0.0.1:9"
STABLE, PREPARING, COMPLETING = (
    ConsumerGroupState.STABLE,
    ConsumerGroupState.PREPARING_REBALANCING,
    ConsumerGroupState.COMPLETING_REBALANCING,
)


@pytest.fixture
def consumers() -> Iterator[ExitStack]:
    with ExitStack() as closing:
        yield closing


def join(closing: ExitStack, address: str, protocol: str) -> GroupConsumer:
    config = consumer_config(address, f"group-{protocol}", {"group.protocol": protocol, "log_level": 0})
    consumer = GroupConsumer(config, TOPIC, True)
    closing.callback(consumer.close)
    consumer.subscribe(lambda _: None, lambda _: None, lambda _: None)
    return consumer


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_client_that_reaches_no_broker_is_no_member(consumers: ExitStack, protocol: str) -> None:
    """In the new protocol it has a name for itself all the same."""
    consumer = join(consumers, NOBODY, protocol)
    for _ in range(3):
        consumer.read(1, 0.05)
        assert not consumer.is_group_member


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_each_client_becomes_a_member_also_without_a_partition(consumers: ExitStack, protocol: str) -> None:
    broker = MockBroker()
    assert broker.create_topic(TOPIC) == PARTITIONS
    members = [join(consumers, broker.address, protocol) for _ in range(PARTITIONS + SPARE)]

    def are_members() -> bool:
        for member in members:
            member.read(1, 0.01)
        return all(member.is_group_member for member in members)

    wait_until(are_members, "all to be members")


class Group:
    """A group whose coordinator gives these answers, the last one again and again, and the client of a member."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.polls = self.questions = 0
        self.has_left = False

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        self.questions += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        future: Future[Any] = Future()
        if isinstance(answer, KafkaError):
            future.set_exception(KafkaException(answer))
        elif answer is not None:
            future.set_result(SimpleNamespace(state=answer))
        return dict.fromkeys(groups, future)

    def poll(self, timeout: float) -> None:
        assert not self.has_left
        self.polls += 1

    def close(self) -> None:
        self.has_left = True


def leave(group: Group, is_classic: bool = True) -> None:
    GroupMembership(group, group, "group", is_classic).leave()  # type: ignore[arg-type]
    assert group.has_left


def test_a_member_of_a_calm_group_leaves_at_once() -> None:
    leave(group := Group(STABLE))
    assert group.polls == membership_module.CALM_ANSWERS


def test_a_member_takes_part_in_the_rebalances_that_have_begun() -> None:
    leave(group := Group(PREPARING, COMPLETING, STABLE, PREPARING, COMPLETING, STABLE))
    assert group.questions == 5 + membership_module.CALM_ANSWERS


@pytest.mark.parametrize("answer", [None, KafkaError(KafkaError._TRANSPORT)], ids=["silence", "error"])
def test_without_an_answer_a_member_leaves(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership_module, "ANSWER_TIMEOUT", 0.01)
    leave(group := Group(answer))
    assert group.questions == 1


def test_a_rebalance_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership_module, "MAX_WAIT_SECONDS", 0.05)
    leave(group := Group(PREPARING))
    assert group.polls


def test_in_the_new_protocol_a_member_leaves_at_once() -> None:
    leave(group := Group(PREPARING), is_classic=False)
    assert not group.questions
