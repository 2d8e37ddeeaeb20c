"""What the service waits for: each thing outside that stops or slows delivery until it answers."""

from enum import StrEnum
from typing import NamedTuple


class WaitKind(StrEnum):
    """What is waited for."""

    KAFKA = "no_answer_from_kafka"
    SEGMENT = "waiting_for_segment"
    THROTTLED = "throttled"
    REGISTRY = "waiting_for_registry"
    SCHEMA = "waiting_for_schema"
    DEAD_LETTER = "dead_letter_not_written"
    COMMIT = "commits_fail"


class Wait(NamedTuple):
    """
    One thing that is waited for. Times are in monotonic seconds.

    `subject` is the environment, the schema or the record concerned, "" if it is everything. `since` is when the first
    of the failures in a row was seen. `next_try_at` is in the past while a try is in flight, or can begin at once.
    """

    kind: WaitKind
    subject: str
    since: float
    reason: str
    next_try_at: float = float("-inf")
