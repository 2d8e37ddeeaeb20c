"""What the service waits for: each thing outside that stops or slows delivery until it answers."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

MAX_NAMED = 10
"""How many partitions a text names."""


class WaitKind(StrEnum):
    """What is waited for."""

    KAFKA = "no_answer_from_kafka"
    PARTITION = "cannot_be_read"
    SEGMENT = "waiting_for_segment"
    THROTTLED = "throttled"
    REGISTRY = "waiting_for_registry"
    SCHEMA = "waiting_for_schema"
    DEAD_LETTER = "dead_letter_not_written"
    COMMIT = "commits_fail"


class Wait(NamedTuple):
    """
    One thing that is waited for. Times are in monotonic seconds.

    `subject` is the environment, the partitions, the schema or the record concerned, "" if it is everything. `since` is
    when the first of the failures in a row was seen. `next_try_at` is in the past while a try is in flight, or can
    begin at once.
    """

    kind: WaitKind
    subject: str
    since: float
    reason: str
    next_try_at: float = float("-inf")


def partition_names(partitions: Sequence[int]) -> str:
    """The partitions for people, of which the first are named; "" for none."""
    if not partitions:
        return ""
    rest = f" and {len(partitions) - MAX_NAMED} more" if len(partitions) > MAX_NAMED else ""
    noun = "partition" if len(partitions) == 1 else "partitions"
    return f"{noun} {', '.join(map(str, partitions[:MAX_NAMED]))}{rest}"
