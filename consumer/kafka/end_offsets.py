"""The end offsets of paused partitions: the client reports ends of the partitions that it fetches only."""

from collections.abc import Mapping, Set
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumer.kafka.client_config import create_client

POLL_INTERVAL = 3.0  # seconds
ANSWER_TIMEOUT = 10.0  # seconds


class EndOffsets:
    """
    Asks the broker now and then and never waits for an answer, so that the lag of a paused partition is seen to grow.

    It has a client of its own, which is created at the first question, because the consumer's calls wait for their
    answer and belong to one thread.
    """

    def __init__(self, config: Mapping[str, Any], topic: str) -> None:
        self._config, self._topic = config, topic
        self._admin: AdminClient | None = None
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
        if self._admin is None:
            self._admin = create_client(AdminClient, self._config)
        self._admin.poll(0)  # writes the client's log lines
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        questions = {TopicPartition(self._topic, partition): latest for partition in partitions}
        answers = self._admin.list_offsets(questions, request_timeout=ANSWER_TIMEOUT)
        self._answers = {topic_partition.partition: answer for topic_partition, answer in answers.items()}
