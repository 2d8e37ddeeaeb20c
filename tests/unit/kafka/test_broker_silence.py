"""Since when no broker answers: from the last answer, and only if the client can reach none."""

from collections.abc import Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.kafka.broker_silence import SILENT_SECONDS, BrokerSilence
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.topic_id import POLL_INTERVAL
from consumer.waits import Wait, WaitKind
from tests.unit.kafka.test_topic_id import FakeAdmin, watcher_of

NEVER = float("-inf")


def test_the_silence_begins_with_the_last_answer_and_ends_with_the_next() -> None:
    silence = BrokerSilence(lambda: "nobody listens", 0.0)
    silence.note(100.0, 101.0, 100.0 + SILENT_SECONDS - 0.1)
    assert not silence.waits
    silence.note(100.0, 101.0, 100.0 + SILENT_SECONDS)
    assert silence.waits == [Wait(WaitKind.KAFKA, "", 100.0, "nobody listens")]
    silence.note(200.0, 101.0, 200.0)
    assert not silence.waits
    silence.note(NEVER, 101.0, 300.0)
    assert not silence.waits


def test_a_cluster_that_leaves_questions_open_and_can_be_reached_is_not_silent() -> None:
    silence = BrokerSilence(lambda: "", 0.0)
    silence.note(NEVER, NEVER, 1000.0)
    assert not silence.waits


class OpenAdmin(FakeAdmin):
    """The questions stay open until the test answers them."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Future[Any]] = []

    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, Future[Any]]:
        self.answers.append(Future())
        return {"topic": self.answers[-1]}


class World:
    """A watcher whose questions the test answers, at a time that the test sets."""

    def __init__(self) -> None:
        self.now, self.admin = 0.0, OpenAdmin()
        self.watcher = watcher_of(self.admin, lambda: self.now)

    def ask(self, code: int | None, seconds: float = 0.0) -> None:
        """Ask and answer with this error after so many seconds; without an error if it is None."""
        self.watcher.poll()
        self.now += seconds
        if code is None:
            self.admin.answers[-1].set_result(SimpleNamespace(topic_id="id", partitions=[]))
        else:
            self.admin.answers[-1].set_exception(KafkaException(KafkaError(code)))

    def apply(self) -> None:
        """The loop looks at the answer, and the next question may be asked."""
        self.watcher.poll()
        self.now += POLL_INTERVAL


@pytest.mark.parametrize(
    ("code", "is_answer"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, True),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, True),
        (KafkaError._TIMED_OUT, False),
        (KafkaError._AUTHENTICATION, False),
        (KafkaError._DESTROY, False),
        (KafkaError._FAIL, False),
    ],
)
def test_what_a_broker_refuses_is_an_answer_and_what_the_client_says_is_none(code: int, is_answer: bool) -> None:
    world = World()
    world.now = 7.0
    world.ask(code)
    assert world.watcher.answered_at == (7.0 if is_answer else NEVER)


def test_an_answer_has_the_time_at_which_it_came_and_not_at_which_the_loop_saw_it() -> None:
    world = World()
    world.ask(None, seconds=2.0)
    world.now = 60.0
    world.apply()
    assert world.watcher.answered_at == 2.0


def test_two_questions_in_a_row_without_an_answer_are_silence_and_one_is_not() -> None:
    world = World()
    world.ask(None)
    world.apply()
    world.ask(KafkaError._TIMED_OUT, seconds=4.0)
    world.apply()
    assert world.watcher.unanswered_at == NEVER
    world.ask(KafkaError._TIMED_OUT, seconds=4.0)
    assert world.watcher.unanswered_at == POLL_INTERVAL
    silence = BrokerSilence(lambda: "", 0.0)
    silence.note(world.watcher.answered_at, world.watcher.unanswered_at, world.now)
    assert silence.waits
    silence.note(world.now - 1, world.watcher.unanswered_at, world.now + SILENT_SECONDS)  # a record came later
    assert not silence.waits
    world.apply()
    world.ask(None)
    assert world.watcher.unanswered_at == NEVER


def test_a_cluster_that_never_answers_this_question_is_not_silent() -> None:
    world = World()
    for _ in range(3):
        world.ask(KafkaError._TIMED_OUT, seconds=4.0)
        world.apply()
    assert world.watcher.unanswered_at == NEVER


ALL_DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
REFUSED = KafkaError(KafkaError._TRANSPORT, "kafka:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused")


@pytest.mark.parametrize(
    ("reports", "is_unreachable"), [((ALL_DOWN,), False), ((REFUSED,), False), ((REFUSED, ALL_DOWN), True)]
)
def test_no_broker_can_be_reached_if_all_are_down_and_a_connection_failed(
    reports: Sequence[KafkaError], is_unreachable: bool
) -> None:
    errors = ClientErrors({})
    for error in reports:
        errors.report(error)
    assert (errors.unreachable_at > NEVER) == is_unreachable
