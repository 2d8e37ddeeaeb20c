"""The group's consumer when its client reports an error, or a rebalance, in the middle of a read."""

from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from consumer.errors import ServiceError
from consumer.kafka import consumer as consumer_module
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.known_brokers import FORGOTTEN_REPORTS

CONFIG = {"bootstrap.servers": "127.0.0.1:9", "group.id": "group", "log_level": 0}  # where nobody listens


class ErrorMessage:
    """An error that the client reports in place of a record of partition 3."""

    def __init__(self, code: int, fatal: bool = False, topic: str | None = "topic", text: str = "reason") -> None:
        self._error, self._topic = KafkaError(code, text, fatal), topic

    def error(self) -> KafkaError:
        return self._error

    def topic(self) -> str | None:
        return self._topic

    def partition(self) -> int:
        return 3


class RecordMessage:
    """The next record of a partition."""

    def __init__(self, partition: int) -> None:
        self._partition = partition

    def error(self) -> None:
        return None

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return 7

    def timestamp(self) -> tuple[int, int]:
        return 1, 0

    def key(self) -> None:
        return None

    value = headers = leader_epoch = key


class FakeClient:
    """A consumer that reads these errors only, each once."""

    def __init__(self, errors: Sequence[ErrorMessage]) -> None:
        self._errors = list(errors)

    def __call__(self, config: Any) -> "FakeClient":
        return self

    def consume(self, limit: int, timeout: float) -> list[ErrorMessage]:
        errors, self._errors = self._errors, []
        return errors


def consumer_of(monkeypatch: pytest.MonkeyPatch, *errors: ErrorMessage) -> GroupConsumer:
    monkeypatch.setattr(consumer_module, "Consumer", FakeClient(errors))
    return GroupConsumer(CONFIG, "topic", from_beginning=True)


@pytest.mark.parametrize(
    "error",
    [ErrorMessage(KafkaError._FATAL), ErrorMessage(KafkaError.FENCED_INSTANCE_ID, fatal=True)],
    ids=["by code", "by flag"],
)
def test_a_fatal_error_of_a_partition_ends_the_service(error: ErrorMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an end the member would stay up in no group: alive, ready, and reading nothing."""
    with pytest.raises(ServiceError, match="cannot continue"):
        consumer_of(monkeypatch, error).read(10, 0.0)


def test_any_other_error_of_a_partition_is_logged_and_waited_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    result = consumer_of(monkeypatch, ErrorMessage(KafkaError._ALL_BROKERS_DOWN)).read(10, 0.0)
    assert (dict(result.records), dict(result.ends)) == ({}, {})
    assert caplog.records[0].__dict__["partition"] == 3


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            ErrorMessage(KafkaError.GROUP_AUTHORIZATION_FAILED, topic=None),
            "not permitted: the principal needs READ for this group",
        ),
        (
            ErrorMessage(KafkaError.TOPIC_AUTHORIZATION_FAILED),
            "not permitted: the principal needs a right to this topic",
        ),
        (
            ErrorMessage(KafkaError.UNKNOWN_TOPIC_OR_PART, text="Subscribed topic not available: topic: unknown"),
            "there is no such topic",
        ),
    ],
)
def test_an_error_of_the_group_or_of_the_topic_has_no_partition(
    error: ErrorMessage, text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gives such an error a partition, which is 0 and says nothing."""
    consumer_of(monkeypatch, error).read(10, 0.0)
    (line,) = caplog.records
    assert line.getMessage() == "Kafka client error, retrying"
    assert line.__dict__["error"] == text
    assert "partition" not in line.__dict__


class RebalancingClient(FakeClient):
    """A consumer that reads a record of partition 3, and then one of 4 while 3 is taken away."""

    def __init__(self, is_lost: bool) -> None:
        super().__init__([])
        self._is_lost = is_lost
        self._next_reads = iter([[RecordMessage(3)], [RecordMessage(4)], [RecordMessage(3)]])

    def subscribe(self, topics: Sequence[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self._on_removed = on_lost if self._is_lost else on_revoke

    def consume(self, limit: int, timeout: float) -> list[Any]:
        messages = next(self._next_reads, [])
        if messages and messages[0].partition() == 4:
            self._on_removed(self, [TopicPartition("topic", 3)])
        return messages


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_record_of_a_partition_that_is_revoked_during_the_read_is_dropped(
    is_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partition could be assigned again by then, from a lower offset: the record would come before those below."""
    monkeypatch.setattr(consumer_module, "Consumer", RebalancingClient(is_lost))
    consumer = GroupConsumer(CONFIG, "topic", from_beginning=True)
    removed: list[Sequence[int]] = []
    consumer.subscribe(lambda _: None, removed.append, removed.append)
    assert list(consumer.read(10, 0.1).records) == [4]
    assert removed == [[3]]
    assert list(consumer.read(10, 0.1).records) == [3]


@pytest.mark.parametrize("name", ["Consumer", "AdminClient"])
def test_each_client_says_whether_it_knows_a_broker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configs: list[dict[str, Any]] = []
    client_class = getattr(consumer_module, name)

    def connect(config: dict[str, Any]) -> Any:
        configs.append(config)
        return client_class(config)

    monkeypatch.setattr(consumer_module, name, connect)
    consumer = GroupConsumer(CONFIG, "topic", from_beginning=True)
    assert not consumer.known_brokers.are_forgotten
    for _ in range(FORGOTTEN_REPORTS):
        configs[0]["stats_cb"]("{}")
    assert consumer.known_brokers.are_forgotten
    consumer.close()
