"""What a replay of addresses would do with each address, and from where to where it reads the topic."""

from collections.abc import Iterator, Mapping

import pytest

from consumer.cli import replay_addresses
from consumer.cli.replay_addresses import AddressFilter, TopicProgress
from consumer.cli.replay_summary import ABSENT, GONE, NOT_SELECTED, REPLAYED, WAITING, ReplaySummary
from consumer.kafka.topic_reader import OffsetRange
from consumer.model import Record, RecordAddress, Rejected, Skipped
from consumer.settings import Settings

SPANS = {0: OffsetRange(100, 200), 1: OffsetRange(0, 50)}
COMMITTED = {0: 180, 1: 50}


@pytest.mark.parametrize(
    ("address", "obstacle"),
    [
        (RecordAddress(0, 150), ""),
        (RecordAddress(0, 100), ""),
        (RecordAddress(0, 99), GONE),
        (RecordAddress(0, 179), ""),
        (RecordAddress(0, 180), WAITING),
        (RecordAddress(0, 199), WAITING),
        (RecordAddress(0, 200), ABSENT),
        (RecordAddress(2, 0), ABSENT),
    ],
)
@pytest.mark.parametrize("replayed", [{}, {0: 150, 1: -1}, {0: 1000, 1: 1000, 2: 1000}], ids=str)
def test_an_address_is_passed_over_for_a_reason_whatever_was_replayed(
    address: RecordAddress, obstacle: str, replayed: dict[int, int]
) -> None:
    assert TopicProgress(SPANS, COMMITTED, replayed).obstacle(address) == obstacle


class Topic:
    """Has a record at each of these offsets of partition 0."""

    def __init__(self, *offsets: int) -> None:
        self._offsets = offsets

    def read(self, spans: Mapping[int, OffsetRange]) -> Iterator[Record]:
        begin, end = spans[0]
        return (Record(0, offset, 0, None, b"", ()) for offset in self._offsets if begin <= offset < end)


def test_only_a_record_that_is_there_was_replayed_before() -> None:
    """The topic was compacted, before or after the first replay."""
    plan = replay_addresses._TopicPlan(to_send={RecordAddress(0, offset) for offset in (120, 130, 150, 160)})
    progress = TopicProgress(SPANS, COMMITTED, {0: 151})
    plan.read(Topic(120, 125, 150, 160), OtherMapper(), progress)  # type: ignore[arg-type]
    assert plan.to_send == {RecordAddress(0, 160)}
    assert plan.unsendable == {RecordAddress(0, 130)}
    assert plan.summary.passed_over == {REPLAYED: 2, ABSENT: 1}
    assert plan.summary.rejected == {"undecodable": 1}


def test_without_a_committed_offset_the_service_will_send_the_record() -> None:
    assert TopicProgress(SPANS, {0: -1, 1: -1}, {}).obstacle(RecordAddress(0, 150)) == WAITING


class OtherMapper:
    """Rejects each record."""

    def map(self, _record: Record) -> Rejected:
        return Rejected("undecodable", "decoding", "")


def test_a_record_between_two_addresses_is_not_sent() -> None:
    map_record = AddressFilter(frozenset([RecordAddress(0, 150)])).map_record(OtherMapper())  # type: ignore[arg-type]
    record = Record(0, 150, 0, None, b"", ())
    assert map_record(record) == Rejected("undecodable", "decoding", "")
    assert map_record(record._replace(offset=151)) == Skipped(NOT_SELECTED)
    assert map_record(record._replace(partition=1)) == Skipped(NOT_SELECTED)


def offsets_read(
    replayed: dict[int, int], *addresses: RecordAddress, committed: Mapping[int, int] = COMMITTED
) -> tuple[object, object]:
    """Where the group of a replay is put, and before which offsets the replay stops."""
    settings = Settings.model_construct(kafka_topic="answers")
    plan = replay_addresses._TopicPlan(ReplaySummary(), set(addresses))
    progress = TopicProgress(SPANS, committed, replayed)
    topic_pass = replay_addresses._topic_pass(settings, "group", plan, progress)
    return topic_pass.begins, topic_pass.ends


def test_a_replay_reads_from_the_first_to_the_last_address() -> None:
    begins, ends = offsets_read({}, RecordAddress(0, 150), RecordAddress(0, 120))
    assert (begins, ends) == ({0: 120, 1: 50}, {0: 151, 1: 50})


@pytest.mark.parametrize(("committed", "begin"), [(-1, 0), (0, 0), (30, 30), (50, 50), (70, 50)])
def test_a_record_that_waits_in_another_partition_stays_ahead_of_the_group(committed: int, begin: int) -> None:
    """A later replay of the same addresses can send the record, when the service has come to it."""
    begins, ends = offsets_read({}, RecordAddress(0, 150), committed={0: 180, 1: committed})
    assert (begins, ends) == ({0: 150, 1: begin}, {0: 151, 1: begin})


def test_a_replay_that_was_begun_continues_where_its_group_is() -> None:
    """The broker refuses to move a group as long as it knows a member, also one that crashed."""
    begins, ends = offsets_read({0: 130, 1: 50}, RecordAddress(0, 150))
    assert (begins, ends) == ({}, {0: 151, 1: 50})
    begins, ends = offsets_read({0: 50, 1: 7}, RecordAddress(1, 9))  # retention deleted more than was replayed
    assert (begins, ends) == ({}, {0: 100, 1: 10})
    begins, _ = offsets_read({0: 130, 1: -1}, RecordAddress(0, 150))  # a partition was added since then
    assert begins == {0: 150, 1: 50}
