"""The offsets that the dead-letter topic lacks, in words and numbers."""

from consumer.cli.deleted_dead_letters import deleted_offsets, describe_deleted
from consumer.kafka.topic_reader import OffsetRange


def test_each_partition_that_lacks_offsets_is_named() -> None:
    deleted = deleted_offsets({2: OffsetRange(7, 7), 0: OffsetRange(0, 9), 1: OffsetRange(1200, 1300)})
    assert deleted == {"1": 1200, "2": 7}
    assert describe_deleted(deleted) == [
        "Earlier dead letters are gone: Kafka deleted 1,207 offsets, and the dead-letter topic begins at 1:1200, 2:7."
    ]


def test_nothing_is_said_of_a_topic_that_has_all_offsets() -> None:
    assert describe_deleted(deleted_offsets({0: OffsetRange(0, 0), 1: OffsetRange(0, 5)})) == []
