"""The topic's id, which tells a recreated topic from the deleted topic of the same name."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from consumer.kafka.client_config import create_client, shared_config

log = logging.getLogger(__name__)

POLL_INTERVAL = 5.0  # seconds
ANSWER_TIMEOUT = 4.0  # seconds
NO_ID = "A" * 22  # sixteen bytes of zero: the client's id for a topic of a broker that has no topic ids


class TopicIdWatcher:
    """
    `current` is the topic's id (KIP-516) in the last answer: "" before the first answer, and if the broker has no ids.

    The watcher only reports the id; StartOffsets compares it with the ids in committed offsets. It asks in the
    background, with a client of its own, because a consumer cannot ask for the id. Only an assignment that finds a
    committed offset with a topic id waits for the answer.
    """

    def __init__(self, config: Mapping[str, Any], topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._admin = create_client(AdminClient, shared_config(config))
        self._topic = topic
        self._clock = clock
        self._next_question_at = float("-inf")
        self._answer: Future[Any] | None = None
        self.current = ""

    def invalidate(self) -> None:
        """Forget the id and drop a question that is in flight, because the topic may be another one by now."""
        self.current, self._answer, self._next_question_at = "", None, float("-inf")

    def poll(self) -> None:
        """Apply an answer, or ask if it is time to. Call this often; it never waits."""
        self._admin.poll(0)  # writes the client's log lines
        if self._answer is not None and self._answer.done():
            self.current, self._answer = _topic_id(self._answer), None
        elif self._answer is None and self._clock() >= self._next_question_at:
            self._next_question_at = self._clock() + POLL_INTERVAL
            topics = TopicCollection([self._topic])
            self._answer = self._admin.describe_topics(topics, request_timeout=ANSWER_TIMEOUT)[self._topic]

    def wait_for_id(self, seconds: float) -> str:
        """The topic's id, after at most `seconds` of waiting where it is not known yet; "" without an answer."""
        if not self.current:
            self.poll()
            if self._answer is not None:
                wait([self._answer], seconds)
                self.poll()
        return self.current


def valid_topic_id(topic_id: str) -> str:
    """The id, or "" if it is that of a broker without topic ids (before Kafka 2.8)."""
    return "" if topic_id == NO_ID else topic_id


def _topic_id(answer: Future[Any]) -> str:
    try:
        return valid_topic_id(str(answer.result().topic_id))
    except KafkaException as error:  # the topic is deleted, or no broker answers: neither recreates the topic
        log.debug("topic id not available, retrying", extra={"error": error.args[0].str()})
        return ""
