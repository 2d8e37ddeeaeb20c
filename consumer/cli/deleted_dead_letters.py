"""The dead letters that are gone, because Kafka deleted the first offsets of the dead-letter topic."""

from collections.abc import Mapping

from consumer.cli.output import counted
from consumer.kafka.topic_reader import OffsetRange

DELETED = "deleted_offsets"
"""The key in JSON."""


def deleted_offsets(spans: Mapping[int, OffsetRange]) -> Mapping[str, int]:
    """How many offsets were deleted, by partition (a text, as in JSON), without partitions that still have them all."""
    return {str(partition): span.begin for partition, span in sorted(spans.items()) if span.begin > 0}


def describe_deleted(deleted: Mapping[str, int]) -> list[str]:
    """A line for people; none if nothing was deleted."""
    if not deleted:
        return []
    begins = ", ".join(f"{partition}:{begin}" for partition, begin in deleted.items())
    offsets = counted(sum(deleted.values()), "offset")
    return [f"Earlier dead letters are gone: Kafka deleted {offsets}, and the dead-letter topic begins at {begins}."]
