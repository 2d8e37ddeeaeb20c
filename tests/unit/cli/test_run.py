"""`run` starts again with new clients if the client of Kafka has forgotten all brokers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import SimpleNamespace

import pytest
from pydantic import Secret

from consumer import app
from consumer.cli import run
from consumer.errors import BrokersForgotten
from consumer.settings import Settings


class FakeService:
    """One service after another: each delivers a record, and the first one's client forgets the brokers."""

    def __init__(self) -> None:
        self.built = self.closed = 0
        self.reporter = SimpleNamespace(counters=SimpleNamespace(delivered=1))

    @contextmanager
    def build(self, *_: object, **__: object) -> Iterator["FakeService"]:
        assert self.built == self.closed
        self.built += 1
        yield self
        self.closed += 1

    def run(self, _: Event) -> None:
        if self.built == 1:
            raise BrokersForgotten


@contextmanager
def status_server(*_: object) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(url="http://127.0.0.1:8080/")


def test_a_service_whose_client_has_forgotten_all_brokers_starts_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = FakeService()
    monkeypatch.setattr(app, "build", service.build)
    monkeypatch.setattr(app, "status_server", status_server)
    settings = Settings(kafka_bootstrap_servers="kafka:9092", segment_write_key=Secret("a-write-key"))
    with caplog.at_level(logging.INFO):
        assert run._deliver(settings) == 2
    assert (service.built, service.closed) == (2, 2)
    events = [line.message for line in caplog.records]
    assert events == ["started", "starting again with new Kafka clients", "started"]
