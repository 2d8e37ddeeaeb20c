"""The topic's id: asked for in the background, and again when the client does not know whom to ask."""

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException

from consumer.kafka.topic_id import POLL_INTERVAL, TopicIdentity, TopicIdWatcher


class FakeAdmin:
    """
    Describes the topic if the client knows a controller.

    As librdkafka 2.16 does: a broker that has just started (seen with Kafka 3.3) names no controller, and after that
    only another question for the metadata makes the controller known. It gives no answer within no time.
    """

    def __init__(self) -> None:
        self.knows_controller = True
        self.answers_metadata = True
        self.questions = 0
        self.partitions: list[Any] = []

    def poll(self, timeout: float) -> None: ...

    def list_topics(self, topic: str, timeout: float) -> None:
        assert timeout == 0, "the loop stands still"
        self.knows_controller |= self.answers_metadata
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, Future[Any]]:
        self.questions += 1
        answer: Future[Any] = Future()
        if self.knows_controller:
            answer.set_result(SimpleNamespace(topic_id="id", partitions=self.partitions))
        else:
            answer.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
        return {"topic": answer}

    def cluster_id(self, timeout: float) -> str:
        return "cluster"


def watcher_of(admin: FakeAdmin, clock: Callable[[], float]) -> TopicIdWatcher:
    return TopicIdWatcher(cast(Any, admin), "topic", clock)


def test_a_client_that_lost_the_controller_asks_who_it_is() -> None:
    admin, now = FakeAdmin(), 0.0
    watcher = watcher_of(admin, lambda: now)
    admin.knows_controller = admin.answers_metadata = False
    assert watcher.wait(1) is None
    admin.answers_metadata = True
    watcher.poll()
    assert watcher.current is None
    assert admin.questions == 1  # it does not ask without a pause
    now += POLL_INTERVAL
    assert watcher.wait(1) == TopicIdentity("id", "cluster")


def test_a_known_id_costs_no_question_for_metadata() -> None:
    admin, now = FakeAdmin(), 0.0
    watcher = watcher_of(admin, lambda: now)
    assert watcher.wait(1) == TopicIdentity("id", "cluster")
    admin.list_topics = None  # type: ignore[assignment, method-assign]
    now += POLL_INTERVAL
    watcher.poll()
    watcher.poll()
    assert admin.questions == 2
    assert watcher.current == TopicIdentity("id", "cluster")


def test_an_id_that_may_have_changed_is_asked_for_at_once() -> None:
    admin = FakeAdmin()
    watcher = watcher_of(admin, lambda: 0.0)
    watcher.wait(1)
    watcher.invalidate()
    assert watcher.current is None
    assert watcher.wait(1) == TopicIdentity("id", "cluster")
    assert admin.questions == 2


def test_the_partitions_without_a_leader_are_those_of_the_last_answer() -> None:
    admin, now = FakeAdmin(), 0.0
    watcher = watcher_of(admin, lambda: now)
    leaders = [SimpleNamespace(id=1), SimpleNamespace(id=-1), None]
    admin.partitions = [SimpleNamespace(id=number, leader=leader) for number, leader in enumerate(leaders)]
    watcher.wait(1)
    assert watcher.leaderless == {1, 2}
    admin.partitions = admin.partitions[:1]
    now += POLL_INTERVAL
    watcher.poll()
    watcher.poll()
    assert not watcher.leaderless
