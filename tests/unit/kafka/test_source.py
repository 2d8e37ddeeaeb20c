"""The group's member when its client says that it cannot go on."""

from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError

from consumer.errors import ServiceError
from consumer.kafka import source
from consumer.kafka.source import Source


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
    monkeypatch.setattr(source, "Consumer", Client(reports))
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
