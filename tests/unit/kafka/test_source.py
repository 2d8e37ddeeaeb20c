"""The group's member when its client says that it cannot go on."""

from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from consumer.errors import ServiceError
from consumer.kafka import consumer as consumer_module
from consumer.kafka.consumer import Source


class Report:
    """An error that the client reports in place of a record of partition 3."""

    def __init__(self, code: int, fatal: bool = False) -> None:
        self._error = KafkaError(code, "reason", fatal)

    def error(self) -> KafkaError:
        return self._error

    def partition(self) -> int:
        return 3


class Client:
    """A consumer that reads nothing but these reports, each once."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self._reports = list(reports)

    def __call__(self, config: Any) -> "Client":
        return self

    def consume(self, limit: int, timeout: float) -> list[Report]:
        reports, self._reports = self._reports, []
        return reports


def member(monkeypatch: pytest.MonkeyPatch, *reports: Report) -> Source:
    monkeypatch.setattr(consumer_module, "Consumer", Client(reports))
    return Source({}, "topic", from_beginning=True)


@pytest.mark.parametrize(
    "report", [Report(KafkaError._FATAL), Report(KafkaError.FENCED_INSTANCE_ID, fatal=True)], ids=["by code", "by flag"]
)
def test_a_fatal_error_of_a_partition_ends_the_service(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an end the member would go on in no group: alive, ready, and reading nothing."""
    with pytest.raises(ServiceError, match="cannot go on"):
        member(monkeypatch, report).read(10, 0.0)


def test_any_other_error_of_a_partition_is_said_and_waited_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = member(monkeypatch, Report(KafkaError._ALL_BROKERS_DOWN)).read(10, 0.0)
    assert (dict(read.messages), dict(read.ends)) == ({}, {})
    assert caplog.records[0].__dict__["partition"] == 3


class Record:
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

    value = headers = key


class Rebalancing(Client):
    """A consumer that reads a record of partition 3, and then one of 4 while 3 is taken away."""

    def __init__(self, lost: bool) -> None:
        super().__init__([])
        self._lost, self._reads = lost, 0

    def subscribe(self, topics: Sequence[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self._taken = on_lost if self._lost else on_revoke

    def consume(self, limit: int, timeout: float) -> list[Any]:
        self._reads += 1
        if self._reads == 1:
            return [Record(3)]
        if self._reads == 2:
            self._taken(self, [TopicPartition("topic", 3)])
            return [Record(4)]
        return [Record(3)] if self._reads == 3 else []


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_taken_away_while_records_are_gathered_is_not_brought(
    lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be ours again by then, from a lower offset: the record would come before those below it."""
    monkeypatch.setattr(consumer_module, "Consumer", Rebalancing(lost))
    ours = Source({}, "topic", from_beginning=True)
    taken: list[Sequence[int]] = []
    ours.subscribe(lambda _: None, taken.append, taken.append)
    assert list(ours.read(10, 0.1).messages) == [4]
    assert taken == [[3]]
    assert list(ours.read(10, 0.1).messages) == [3]
