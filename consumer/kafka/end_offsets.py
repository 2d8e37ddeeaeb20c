"""The end offsets of paused partitions: the client reports ends of the partitions that it fetches only."""

from collections.abc import Set
from concurrent.futures import Future
from typing import Any

from confluent_kafka.admin import AdminClient

from consumer.kafka.log_offsets import LATEST, ask_for_offsets, offset_answer

POLL_INTERVAL = 3.0  # seconds


class EndOffsets:
    """
    Asks the brokers now and then and never waits for an answer, so that the lag of a paused partition is seen to grow.

    A partition whose leader does not answer delays no other partition.
    """

    def __init__(self, admin: AdminClient, topic: str) -> None:
        """`admin` must ask for the topic now and then, as for `ask_for_offsets`."""
        self._admin, self._topic = admin, topic
        self._answers: dict[int, Future[Any]] = {}
        self._ends: dict[int, int] = {}
        self._next_question_at = float("-inf")

    def poll(self, partitions: Set[int], now: float) -> None:
        """Apply the answers, and ask again for these partitions if it is time to. `now` is in monotonic seconds."""
        for partition, answer in list(self._answers.items()):
            if answer.done():
                del self._answers[partition]
                end = offset_answer(answer)
                if end is not None:  # else the next question follows soon
                    self._ends[partition] = end.offset
        if now >= self._next_question_at:
            self._next_question_at = now + POLL_INTERVAL
            unasked = partitions - self._answers.keys()
            self._answers |= ask_for_offsets(self._admin, self._topic, unasked, LATEST)

    def latest(self, partition: int) -> int:
        """The partition's end in the last answer; -1 without an answer."""
        return self._ends.get(partition, -1)
