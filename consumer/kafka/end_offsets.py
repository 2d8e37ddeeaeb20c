"""The ends of partitions that are not read: while one is paused, nothing tells the consumer that its lag grows."""

from collections.abc import Mapping, Set
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumer.kafka.client_config import made

ASK_EVERY = 3.0  # seconds
TIMEOUT = 10.0


class Ends:
    """
    Asks now and then and never waits for an answer.

    With a client of its own, made when it is first needed: the consumer's calls wait, and belong to one thread.
    """

    def __init__(self, config: Mapping[str, Any], topic: str) -> None:
        self._config, self._topic = config, topic
        self._clients: list[AdminClient] = []
        self._asked: dict[int, Future[Any]] = {}
        self._known: dict[int, int] = {}
        self._ask_at = float("-inf")

    def ask(self, partitions: Set[int], now: float) -> None:
        """Take in what was answered, and ask again for these where it is time to. `now` in monotonic seconds."""
        for partition, asked in list(self._asked.items()):
            if asked.done():
                del self._asked[partition]
                with suppress(KafkaException):  # asked again soon
                    self._known[partition] = asked.result().offset
        if now >= self._ask_at and not self._asked:
            self._ask_at = now + ASK_EVERY
            self._ask(partitions)

    def last(self, partition: int) -> int:
        """Its end as last told; -1 if it was not."""
        return self._known.get(partition, -1)

    def _ask(self, partitions: Set[int]) -> None:
        if not self._clients:
            self._clients.append(made(AdminClient, self._config))
        self._clients[0].poll(0)  # serves its log lines
        wanted = {TopicPartition(self._topic, number): OffsetSpec.latest() for number in partitions}  # type: ignore[no-untyped-call]
        answers = self._clients[0].list_offsets(wanted, request_timeout=TIMEOUT)
        self._asked = {part.partition: answer for part, answer in answers.items()}
