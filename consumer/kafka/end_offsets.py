"""The end offsets of paused partitions: the client reports ends of the partitions that it fetches only."""

from collections.abc import Set
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

POLL_INTERVAL = 3.0  # seconds
ANSWER_TIMEOUT = 10.0  # seconds


class EndOffsets:
    """
    Asks the broker now and then and never waits for an answer, so that the lag of a paused partition is seen to grow.

    `admin` must ask for the topic now and then: it keeps the leaders that it knows, and a leader that changed refuses
    the question.
    """

    def __init__(self, admin: AdminClient, topic: str) -> None:
        self._admin, self._topic = admin, topic
        self._answers: dict[int, Future[Any]] = {}
        self._ends: dict[int, int] = {}
        self._next_question_at = float("-inf")

    def poll(self, partitions: Set[int], now: float) -> None:
        """Apply the answers, and ask again for these partitions if it is time to. `now` is in monotonic seconds."""
        for partition, answer in list(self._answers.items()):
            if answer.done():
                del self._answers[partition]
                with suppress(KafkaException):  # the next question follows soon
                    self._ends[partition] = answer.result().offset
        if now >= self._next_question_at and not self._answers:
            self._next_question_at = now + POLL_INTERVAL
            self._ask(partitions)

    def latest(self, partition: int) -> int:
        """The partition's end in the last answer; -1 without an answer."""
        return self._ends.get(partition, -1)

    def _ask(self, partitions: Set[int]) -> None:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        questions = {TopicPartition(self._topic, partition): latest for partition in partitions}
        answers = self._admin.list_offsets(questions, request_timeout=ANSWER_TIMEOUT)
        self._answers = {topic_partition.partition: answer for topic_partition, answer in answers.items()}
