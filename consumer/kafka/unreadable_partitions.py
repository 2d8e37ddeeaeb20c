"""Which assigned partitions cannot be read now: since when, and why."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from consumer.kafka.partition_topics import PartitionTopics
from consumer.kafka.start_offsets import StartOffsets
from consumer.waits import Wait, WaitKind, partition_names

QUESTION_SECONDS = 5.0
"""How long a question of an assignment may stay open before it is shown. Most are answered within milliseconds."""
RECHECK_SECONDS = 30.0
NO_LEADER = "the partition has no leader: a broker is down"


class _Unreadable(NamedTuple):
    """Why a partition cannot be read, and since when, in monotonic seconds."""

    reason: str
    since: float


class UnreadablePartitions:
    """
    A partition cannot be read from an error or an open question until its next record or its end is read.

    The client reports an error of a partition once. It also reports the end of a partition once: a partition without
    new records would look unreadable after the cause has ended. So its fetch begins anew every RECHECK_SECONDS.
    """

    def __init__(self, start_offsets: StartOffsets, topics: PartitionTopics) -> None:
        self._start_offsets, self._topics = start_offsets, topics
        self._errors: dict[int, _Unreadable] = {}
        self._questions: dict[int, _Unreadable] = {}
        self._readable: set[int] = set()
        self._recheck_at: dict[int, float] = {}

    def note_error(self, partition: int, reason: str, now: float) -> None:
        """The client cannot fetch the partition, if it is an assigned one."""
        if not self._start_offsets.assigned({partition: reason}):
            return
        former = self._errors.get(partition)
        self._errors[partition] = _Unreadable(reason, former.since if former else now)
        self._recheck_at[partition] = now + RECHECK_SECONDS
        self._readable.discard(partition)

    def note_stopped(self, partition: int) -> None:
        """The client does not read the partition until a question is answered."""
        self._readable.discard(partition)

    def update(self, read: Iterable[int], paused: Set[int], now: float) -> None:
        """Apply what the last read gave, and what the brokers have not answered. Call this after each read."""
        leaderless = self._start_offsets.assigned(dict.fromkeys(self._topics.leaderless, NO_LEADER))
        self._readable.difference_update(leaderless)
        self._note_read(read)
        self._note_questions({**self._start_offsets.questions, **leaderless}, now)
        for partition in [due for due, at in self._recheck_at.items() if now >= at and due not in paused]:
            self._recheck_at[partition] = now + RECHECK_SECONDS
            self._start_offsets.refetch(partition)

    def forget(self, partitions: Iterable[int]) -> None:
        """These partitions were revoked."""
        self._note_read(partitions)
        for partition in partitions:
            self._questions.pop(partition, None)
            self._readable.discard(partition)

    def waits(self, now: float) -> Sequence[Wait]:
        """The partitions that cannot be read, together if the reason is the same."""
        by_reason: dict[str, dict[int, float]] = {}
        late = {
            partition: cause for partition, cause in self._questions.items() if now - cause.since >= QUESTION_SECONDS
        }
        for partition, cause in {**late, **self._errors}.items():
            by_reason.setdefault(cause.reason, {})[partition] = cause.since
        return [
            Wait(WaitKind.PARTITION, partition_names(sorted(since)), min(since.values()), reason)
            for reason, since in by_reason.items()
        ]

    def _note_read(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._readable.add(partition)
            self._errors.pop(partition, None)
            self._recheck_at.pop(partition, None)

    def _note_questions(self, reasons: Mapping[int, str], now: float) -> None:
        self._questions = {
            partition: _Unreadable(reason, self._questions.get(partition, _Unreadable(reason, now)).since)
            for partition, reason in reasons.items()
            if partition not in self._readable
        }
