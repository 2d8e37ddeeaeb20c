"""A client that has forgotten all brokers is noticed by its statistics."""

import time

import pytest
from confluent_kafka import Consumer

from consumer.errors import BrokersForgotten
from consumer.kafka.known_brokers import FORGOTTEN_REPORTS, KnownBrokers
from consumer.kafka.mock_broker import MockBroker
from tests.ports import free_port

SECONDS = 20.0

WITHOUT_BROKERS = '{ "name": "rdkafka#consumer-1", "brokers":{ }, "topics":{ } }'
COORDINATOR = '"GroupCoordinator": { "name":"GroupCoordinator", "source":"logical", "state":"TRY_CONNECT" }'
ONLY_COORDINATOR = f'{{ "brokers":{{ {COORDINATOR} }}, "topics":{{ }} }}'
UNREACHABLE = '{ "brokers":{ "kafka:9092/bootstrap": { "source":"configured", "state":"DOWN" } } }'
LEARNED = f'{{ "brokers":{{ "kafka:9092/1": {{ "source":"learned", "state":"UP" }}, {COORDINATOR} }} }}'


@pytest.mark.parametrize("statistics", [WITHOUT_BROKERS, ONLY_COORDINATOR])
def test_a_client_without_brokers_in_several_reports_has_lost_them(statistics: str) -> None:
    brokers = KnownBrokers()
    note, note_other_client = brokers.listener(), brokers.listener()
    for _ in range(FORGOTTEN_REPORTS - 1):
        note(statistics)
        brokers.require()
    note_other_client(statistics)
    brokers.require()
    note(statistics)
    with pytest.raises(BrokersForgotten):
        brokers.require()


@pytest.mark.parametrize("statistics", [UNREACHABLE, LEARNED])
def test_a_client_that_knows_a_broker_has_lost_none(statistics: str) -> None:
    brokers = KnownBrokers()
    note = brokers.listener()
    for report in [ONLY_COORDINATOR, statistics] * FORGOTTEN_REPORTS:
        note(report)
        assert not brokers.are_forgotten


def lost_brokers(bootstrap: str) -> bool:
    """Whether a real client reports by its statistics that it knows no broker."""
    brokers, reports = KnownBrokers(), list[str]()
    note = brokers.listener()

    def keep(statistics: str) -> None:
        reports.append(statistics)
        note(statistics)

    options = {**brokers.options(), "statistics.interval.ms": 50, "stats_cb": keep}
    consumer = Consumer({**options, "bootstrap.servers": bootstrap, "group.id": "answers", "log_level": 0})
    consumer.subscribe(["answers"])
    ends_at = time.monotonic() + SECONDS
    while len(reports) < 3 * FORGOTTEN_REPORTS:
        assert time.monotonic() < ends_at, reports
        consumer.poll(0.05)
    consumer.close()
    return brokers.are_forgotten


def test_a_real_client_is_told_by_its_statistics() -> None:
    broker = MockBroker()
    broker.create_topic("answers")
    assert lost_brokers("")
    assert not lost_brokers(f"127.0.0.1:{free_port()}")
    assert not lost_brokers(broker.address)
