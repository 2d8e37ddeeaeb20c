"""Owns the fixtures of the fault tests: a Kafka with a topic, the stand-in for Segment, short and long forms."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consumer.demo.segment_server import SegmentStandIn
from tests.container.conftest import engine, kafka, product_image, topic
from tests.faults.params import LONG, SHORT
from tests.faults.scenario import Report, reporter
from tests.support import KEYS, Flow

__all__ = ["engine", "kafka", "product_image", "topic"]


@pytest.fixture(params=[pytest.param(False, id="short", marks=SHORT), pytest.param(True, id="long", marks=LONG)])
def is_long(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["consumer", "classic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    return reporter(record_property)


@pytest.fixture
def flow(kafka: Any, topic: str, protocol: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment, protocol)
