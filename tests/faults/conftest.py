"""What the trials of faults share: a Kafka with a topic, the stand-in of Segment, short and long forms, the table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consumer.demo.segment_server import Segment
from tests.container.conftest import engine, kafka, product_image, topic
from tests.faults.params import LONG, SHORT
from tests.faults.scenario import Row, recorder
from tests.support import KEYS, Flow

__all__ = ["engine", "kafka", "product_image", "topic"]


@pytest.fixture(params=[pytest.param(False, id="short", marks=SHORT), pytest.param(True, id="long", marks=LONG)])
def is_long(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["consumer", "classic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Callable[[Row], None]:
    return recorder(record_property)


@pytest.fixture
def flow(kafka: Any, topic: str, protocol: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with Segment(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment, protocol)
