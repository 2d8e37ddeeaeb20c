"""What a replay of addresses would do with each address, and from where to where it reads the topic."""

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
    ("address", "replayed", "obstacle"),
    [
        (RecordAddress(0, 150), {}, ""),
        (RecordAddress(0, 100), {}, ""),
        (RecordAddress(0, 99), {}, GONE),
        (RecordAddress(0, 179), {}, ""),
        (RecordAddress(0, 180), {}, WAITING),
        (RecordAddress(0, 199), {}, WAITING),
        (RecordAddress(0, 200), {}, ABSENT),
        (RecordAddress(2, 0), {}, ABSENT),
        (RecordAddress(0, 150), {0: 150, 1: -1}, ""),
        (RecordAddress(0, 149), {0: 150, 1: -1}, REPLAYED),
        (RecordAddress(0, 50), {0: 150, 1: -1}, REPLAYED),  # and deleted since then
        (RecordAddress(1, 0), {0: 150, 1: -1}, ""),
    ],
)
def test_an_address_is_passed_over_for_a_reason(
    address: RecordAddress, replayed: dict[int, int], obstacle: str
) -> None:
    assert TopicProgress(SPANS, COMMITTED, replayed).obstacle(address) == obstacle


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


def offsets_read(replayed: dict[int, int], *addresses: RecordAddress) -> tuple[object, object]:
    """Where the group of a replay is put, and before which offsets the replay stops."""
    settings = Settings.model_construct(kafka_topic="answers")
    plan = replay_addresses._TopicPlan(ReplaySummary(), set(addresses))
    progress = TopicProgress(SPANS, COMMITTED, replayed)
    topic_pass = replay_addresses._topic_pass(settings, "group", plan, progress)
    return topic_pass.begins, topic_pass.ends


def test_a_replay_reads_from_the_first_to_the_last_address() -> None:
    begins, ends = offsets_read({}, RecordAddress(0, 150), RecordAddress(0, 120))
    assert (begins, ends) == ({0: 120, 1: 50}, {0: 151, 1: 50})


def test_a_replay_that_was_begun_continues_where_its_group_is() -> None:
    """The broker refuses to move a group as long as it knows a member, also one that crashed."""
    begins, ends = offsets_read({0: 130, 1: 50}, RecordAddress(0, 150))
    assert (begins, ends) == ({}, {0: 151, 1: 50})
    begins, ends = offsets_read({0: 50, 1: 7}, RecordAddress(1, 9))  # retention deleted more than was replayed
    assert (begins, ends) == ({}, {0: 100, 1: 10})
    begins, _ = offsets_read({0: 130, 1: -1}, RecordAddress(0, 150))  # a partition was added since then
    assert begins == {0: 150, 1: 50}
