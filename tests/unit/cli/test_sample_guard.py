"""The guard of `produce-samples`: what a topic's oldest and newest records say about the topic."""

from collections.abc import Iterator, Mapping

import pytest

from consumer.cli.sample_guard import reasons_against
from consumer.kafka.sample_producer import SAMPLE_HEADER
from consumer.kafka.topic_reader import OffsetRange
from consumer.model import Record

SAMPLE, OTHER = ((SAMPLE_HEADER, b"1"),), ()
Headers = tuple[tuple[str, bytes], ...]


class Topic:
    """One partition whose offsets begin and end somewhere, with some records between."""

    def __init__(self, begin: int, end: int, headers: Mapping[int, Headers]) -> None:
        self._span = OffsetRange(begin, end)
        self._headers = headers

    def spans(self) -> Mapping[int, OffsetRange]:
        return {0: self._span}

    def read(self, spans: Mapping[int, OffsetRange]) -> Iterator[Record]:
        for offset in range(*spans.get(0, (0, 0))):
            if offset in self._headers:
                yield Record(0, offset, 0, None, b"", self._headers[offset])


@pytest.mark.parametrize(
    ("topic", "reasons"),
    [
        pytest.param(Topic(0, 0, {}), [], id="never had a record"),
        pytest.param(Topic(0, 2, {0: SAMPLE, 1: SAMPLE}), [], id="samples"),
        pytest.param(Topic(0, 3, {0: SAMPLE, 1: SAMPLE}), [], id="a gap at the end, as a transaction leaves it"),
        pytest.param(Topic(5, 7, {5: OTHER, 6: SAMPLE}), ["the record 0:5 is no sample"], id="the oldest is another"),
        pytest.param(Topic(5, 7, {5: SAMPLE, 6: OTHER}), ["the record 0:6 is no sample"], id="the newest is another"),
        pytest.param(Topic(9, 9, {}), ["partition 0 had records that cannot be seen any more"], id="all were deleted"),
        pytest.param(
            Topic(0, 9, {4: OTHER}), ["partition 0 had records that cannot be seen any more"], id="none can be seen"
        ),
    ],
)
def test_only_samples_or_nothing_at_all_make_a_topic_one_for_tests(topic: Topic, reasons: list[str]) -> None:
    assert list(reasons_against(topic)) == reasons  # type: ignore[arg-type]
