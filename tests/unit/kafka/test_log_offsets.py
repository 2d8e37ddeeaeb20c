"""No answer about the log of a partition is never taken for an answer."""

from collections.abc import Iterator
from concurrent.futures import Future, wait
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.errors import NoAnswer
from consumer.kafka import log_offsets, topic_reader
from consumer.kafka.end_offsets import EndOffsets
from consumer.kafka.log_check import LogCheck, LogExtent
from consumer.kafka.log_offsets import LATEST, ask_for_offsets, offset_answer
from consumer.kafka.records import LogPosition
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from tests.failing_broker import LIST_OFFSETS, FailingBroker, failing_broker
from tests.support import wait_until

TOPIC, PARTITIONS, RECORDS = "topic", 2, 3
REFUSED = 29  # TOPIC_AUTHORIZATION_FAILED: the client does not try again


@pytest.fixture
def broker() -> Iterator[FailingBroker]:
    with failing_broker() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
        for number in range(RECORDS * PARTITIONS):
            producer.produce(TOPIC, b"a record", partition=number % PARTITIONS)
        assert producer.flush(10) == 0
        yield broker


@pytest.fixture
def admin(broker: FailingBroker) -> AdminClient:
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    admin.list_topics(TOPIC, timeout=10)
    wait(ask_for_offsets(admin, TOPIC, [0], LATEST).values(), 10)  # the client is connected
    return admin


def slow(broker: FailingBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer comes in time. With so short a timeout, the client reports what it does after a long one."""
    broker.delay(seconds=1)
    monkeypatch.setattr(log_offsets, "ANSWER_TIMEOUT", 0.3)


def test_offsets_of_partitions_that_answer(admin: AdminClient) -> None:
    answers = ask_for_offsets(admin, TOPIC, range(PARTITIONS), LATEST)
    wait(answers.values(), 10)
    offsets = [answer and answer.offset for answer in map(offset_answer, answers.values())]
    assert offsets == [RECORDS] * PARTITIONS


def test_no_partition_is_no_question(admin: AdminClient) -> None:
    assert ask_for_offsets(admin, TOPIC, [], LATEST) == {}


def test_a_leader_that_does_not_answer_gives_no_offset(
    admin: AdminClient, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client calls that a success, with an offset below zero."""
    slow(broker, monkeypatch)
    (answer,) = ask_for_offsets(admin, TOPIC, [0], LATEST).values()
    assert offset_answer(answer) is None, "no answer yet"
    wait([answer], 10)
    assert answer.exception() is None
    assert offset_answer(answer) is None


def test_a_refused_question_gives_no_offset(admin: AdminClient, broker: FailingBroker) -> None:
    broker.fail(LIST_OFFSETS, [REFUSED])
    (answer,) = ask_for_offsets(admin, TOPIC, [0], LATEST).values()
    wait([answer], 10)
    assert answer.exception() is not None
    assert offset_answer(answer) is None


def test_a_log_whose_leader_does_not_answer_is_not_taken_for_truncated(
    admin: AdminClient, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an assignment while one broker hangs would read partitions from their start again."""
    log_check = LogCheck({"bootstrap.servers": broker.address, "group.id": "group"}, admin, TOPIC)
    positions = dict.fromkeys(range(PARTITIONS), LogPosition(RECORDS, -1))
    assert log_check.extents(positions, 10) == dict.fromkeys(range(PARTITIONS), LogExtent(0, RECORDS))
    slow(broker, monkeypatch)
    assert log_check.extents(positions, 10) == {}


def test_the_end_of_a_paused_partition_stays_known_while_its_leader_does_not_answer(
    admin: AdminClient, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, seconds = EndOffsets(admin, TOPIC), iter(range(0, 10_000, 10))

    def are_known() -> bool:
        ends.poll(set(range(PARTITIONS)), next(seconds))
        return all(ends.latest(partition) == RECORDS for partition in range(PARTITIONS))

    wait_until(are_known, "the ends of the partitions")
    slow(broker, monkeypatch)
    ends.poll({0}, next(seconds))
    wait(ends._answers.values(), 10)
    ends.poll(set(), next(seconds))
    assert ends.latest(0) == RECORDS


def test_a_question_is_not_asked_twice_and_delays_no_other_partition() -> None:
    admin = AskedAdmin()
    ends = EndOffsets(admin, TOPIC)  # type: ignore[arg-type]
    ends.poll({0}, 0)
    ends.poll({0, 1}, 10)
    assert admin.asked == [[0], [1]]


class AskedAdmin:
    """An admin client whose brokers never answer."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def list_offsets(self, questions: Any, request_timeout: float) -> Any:
        assert request_timeout > 30
        self.asked.append([topic_partition.partition for topic_partition in questions])
        return {topic_partition: Future() for topic_partition in questions}


class RefusedPart:
    """A client for which the leader of partition 1 refused the question."""

    def __init__(self, _options: object) -> None: ...

    def answer(self, questions: list[TopicPartition], timeout: float) -> list[SimpleNamespace]:
        assert timeout < 30
        errors = {1: KafkaError(REFUSED)}
        return [SimpleNamespace(partition=part, offset=-1, error=errors.get(part)) for part in range(len(questions))]

    offsets_for_times = committed = answer

    def list_topics(self, _topic: str, timeout: float) -> SimpleNamespace:
        assert timeout < 30
        return SimpleNamespace(cluster_id="a real one")

    def close(self) -> None: ...


def test_a_reader_takes_no_error_for_an_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition whose question was refused would look as if it had no record of that time, or no offset."""
    monkeypatch.setattr(topic_reader, "Consumer", RefusedPart)
    spans = {partition: OffsetRange(0, RECORDS) for partition in range(PARTITIONS)}
    with TopicReader("127.0.0.1:1", "group", {}, TOPIC) as reader:
        for question in (lambda: reader.since(0, spans), lambda: reader.committed(spans)):
            with pytest.raises(NoAnswer, match="partition 1"):
                question()
