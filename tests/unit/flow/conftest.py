"""The embedded broker of the flow tests, and topics on it."""

import itertools

import pytest

from consumer.kafka.mock_broker import EmbeddedBroker

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def broker() -> EmbeddedBroker:
    return EmbeddedBroker()


@pytest.fixture
def topic(broker: EmbeddedBroker) -> str:
    """A topic that no other test has, with one for its dead letters."""
    name = f"flow-{next(NUMBERS)}"
    for one in (name, f"{name}.dead-letter"):
        broker.create_topic(one)
    return name
