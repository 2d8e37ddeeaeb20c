"""The embedded broker of the flow tests, and topics on it."""

import itertools

import pytest

from consumer.kafka.mock_broker import MockBroker

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def broker() -> MockBroker:
    return MockBroker()


@pytest.fixture
def topic(broker: MockBroker) -> str:
    """A new topic, and its dead-letter topic."""
    name = f"flow-{next(NUMBERS)}"
    broker.create_topic(name)
    broker.create_topic(f"{name}.dead-letter")
    return name
