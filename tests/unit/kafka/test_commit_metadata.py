"""The metadata of a committed offset: it is read back as it was written, and foreign texts say nothing."""

import pytest

from consumer.kafka.commit_metadata import CommitMetadata, CommitNotes
from consumer.kafka.topic_id import TopicIdentity, parse_metadata

TOPIC = TopicIdentity("topic", "cluster")


@pytest.mark.parametrize("moved_at", [None, 0, 1_796_114_710_708])
@pytest.mark.parametrize("topic", [TopicIdentity(), TOPIC], ids=repr)
@pytest.mark.parametrize("reason", ["", "http_401"])
def test_metadata_is_read_as_it_was_written(moved_at: int | None, topic: TopicIdentity, reason: str) -> None:
    notes = CommitNotes(lambda partition: topic.metadata)
    notes.blocks = {0: reason} if reason else {}
    metadata = CommitMetadata(notes.of_partition(0), moved_at)
    assert CommitMetadata.parse(metadata.text) == metadata
    assert parse_metadata(metadata.text) == topic
    if metadata.text:
        assert metadata.block == reason


def test_a_block_is_noted_with_its_partition_alone() -> None:
    notes = CommitNotes(lambda partition: TOPIC.metadata)
    notes.blocks = {1: "http_401"}
    assert CommitMetadata(notes.of_partition(0), 1).block == ""
    assert CommitMetadata(notes.of_partition(1), 1).block == "http_401"


@pytest.mark.parametrize(
    "text",
    [None, "", "NO_METADATA", "a blocked b", "committed-at: 5", "committed-at:x", "COMMITTED-AT:5", "\x00 \ud7ff"],
)
def test_of_metadata_of_another_client_nothing_is_known(text: str | None) -> None:
    metadata = CommitMetadata.parse(text)
    assert metadata.moved_at is None
    assert metadata.block is None


@pytest.mark.parametrize("digits", ["", "-1", "1.5", "٣", "1" * 16, "0x1"])
def test_a_time_that_is_no_number_is_not_known(digits: str) -> None:
    metadata = CommitMetadata.parse(f"{TOPIC.metadata} committed-at:{digits}")
    assert metadata == CommitMetadata(TOPIC.metadata, None)
    assert metadata.block == ""
