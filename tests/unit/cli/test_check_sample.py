"""The sample of `check`: which records it has, what it notes of them, and that it ends."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import consumer.settings
from consumer.avro.auto_framing import framing
from consumer.cli import check_sample as module
from consumer.cli.check_sample import check_sample, newest
from consumer.cli.topic_sample import TopicSample
from consumer.jsonio import dumps
from consumer.kafka.topic_reader import OffsetRange
from consumer.model import MappedRecord, Record, Rejected, Skipped, TrackEvent, WriteKey

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SPANS = st.dictionaries(
    st.integers(0, 20),
    st.builds(lambda begin, size: OffsetRange(begin, begin + size), st.integers(0, 1000), st.integers(0, 300)),
    max_size=12,
)


@given(SPANS, st.integers(1, 500))
def test_the_newest_records_of_each_partition_are_looked_at_and_no_more_than_asked(
    spans: dict[int, OffsetRange], count: int
) -> None:
    ranges = newest(spans, count)
    sizes = {partition: end - begin for partition, (begin, end) in ranges.items()}
    assert sum(sizes.values()) == min(count, sum(end - begin for begin, end in spans.values()))
    for partition, (begin, end) in ranges.items():
        assert spans[partition].begin <= begin <= end == spans[partition].end
    cut = [partition for partition, (begin, _) in ranges.items() if begin > spans[partition].begin]
    if cut:  # as evenly as the partitions allow
        largest = max(sizes.values())
        assert all(sizes[partition] >= largest - 1 for partition in cut)


def event(**properties: Any) -> Callable[[Record], TrackEvent]:
    return lambda record: TrackEvent(record, WriteKey("", "w"), dumps({"type": "track", **properties}), "7")


def sample_of(configured: str, *records: tuple[bytes | None, MappedRecord | Callable[[Record], TrackEvent]]) -> Any:
    sample = TopicSample(configured, framing(configured, ()))
    for offset, (value, mapped) in enumerate(records):
        record = Record(0, offset, 0, None, value, ())
        sample.add(record, mapped(record) if callable(mapped) else mapped, NOW)
    return sample.as_dict()


def test_records_are_counted_by_what_they_become_with_the_first_address() -> None:
    undecodable = Rejected("undecodable", "decoding", "the value ends inside the record", "7")
    report = sample_of(
        "confluent",
        (b"\0\0\0\0\7a", event(a="x")),
        (b"\0\0\0\0\7b", undecodable),
        (b"\0\0\0\0\7c", undecodable),
        (b"\0\0\0\0\7d", Rejected("undecodable", "decoding", "a text is not UTF-8", "7")),
        (None, Skipped("tombstone")),
        (b"\0\0\0\0\10e", event(a="xxx")),
    )
    assert (report["records"], report["delivered"]) == (6, 2)
    assert report["skipped"] == [{"reason": "tombstone", "records": 1, "partition": 0, "offset": 4}]
    assert report["rejected"] == [
        {"reason": "undecodable", "detail": undecodable.detail, "records": 2, "partition": 0, "offset": 1},
        {"reason": "undecodable", "detail": "a text is not UTF-8", "records": 1, "partition": 0, "offset": 3},
    ]
    assert report["framings"] == {"confluent": 5}
    assert report["schemas"] == {"7": 4, "8": 1}
    assert report["largest_event_bytes"] == len(b'{"type":"track","a":"xxx"}')


def test_implausible_times_are_counted_once_for_each_record() -> None:
    old = "1970-01-21T12:20:42.000Z"
    report = sample_of("raw", (b"a", event(timestamp=old)), (b"b", event(timestamp=old, answers=[old, old])))
    assert report["implausible_times"] == [
        {
            "pointer": "/timestamp",
            "year": 1970,
            "problem": "before 2000",
            "records": 2,
            "partition": 0,
            "offset": 0,
        },
        {
            "pointer": "/answers/*",
            "year": 1970,
            "problem": "before 2000",
            "records": 1,
            "partition": 0,
            "offset": 1,
        },
    ]


NOT_FRAMED = Rejected("not_framed", "framing", "")
UNDECODABLE = Rejected("undecodable", "decoding", "")
GLUE = b"\3\5" + bytes(range(16))


@pytest.mark.parametrize(
    ("configured", "value", "mapped", "name"),
    [
        ("confluent", b"\0\0\0\0\7a", event(), "confluent"),
        ("confluent", b"\0\x7f\0\0\7a", UNDECODABLE, "confluent"),
        ("confluent", GLUE, NOT_FRAMED, "glue"),
        ("confluent", b"\xc3\x01" + bytes(9), NOT_FRAMED, "single-object"),
        ("confluent", b"?", NOT_FRAMED, "not recognised"),
        ("raw", b"\0\0\0\0\7a", event(), "raw"),
        ("raw", b"\0\0\0\0\7a", Skipped("no_user_id"), "raw"),
        ("raw", b"\0\0\0\0\7a", UNDECODABLE, "confluent"),
        ("raw", b"?", UNDECODABLE, "raw"),
        ("auto", b"\0\0\0\0\7a", event(), "confluent"),
        ("auto", GLUE, NOT_FRAMED, "glue"),
        ("auto", b"\xc3\x01" + bytes(9), Rejected("unknown_schema", "framing", ""), "single-object"),
    ],
)
def test_the_framings_of_the_values_are_counted(configured: str, value: bytes, mapped: Any, name: str) -> None:
    assert sample_of(configured, (value, mapped))["framings"] == {name: 1}


def test_a_value_of_no_bytes_has_no_framing() -> None:
    empty = Rejected("empty_value", "framing", "")
    assert not sample_of("confluent", (b"", empty), (None, Skipped("tombstone")))["framings"]


@pytest.mark.parametrize(
    ("records", "ended_early", "state"), [(0, True, "warning"), (3, True, "problem"), (0, False, "note")]
)
def test_a_sample_without_a_record_is_no_problem(
    records: int, ended_early: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a topic with very many partitions no record may come in time, which says nothing against the settings."""
    sample = TopicSample("raw", framing("raw", ()), records=records, ended_early=ended_early)
    monkeypatch.setattr(module, "_take_sample", lambda *_: sample)
    settings = consumer.settings.load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY": "key"})
    assert check_sample(settings, 200, []).results[0].state == state
