"""Which topic it is: the id that a topic gets when it is made, so that one made again is not taken for the old one."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from consumer.kafka.client_config import made, shared_config

log = logging.getLogger(__name__)

ASK_EVERY = 5.0  # seconds
ASK_TIMEOUT = 4.0
NO_ID = "A" * 22  # sixteen bytes of zero, by which the client says that a broker has no ids for topics


class Identity:
    """
    `current` is the topic's id (KIP-516) as last heard: "" before the first answer, and with brokers that have none.

    It is asked for in the background, by a client of its own, since a consumer cannot ask. Nobody waits for it but
    an assignment that finds an offset of a topic with an id.
    """

    def __init__(self, config: Mapping[str, Any], topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._admin = made(AdminClient, shared_config(config))
        self._topic = topic
        self._clock = clock
        self._ask_at = float("-inf")
        self._asked: Future[Any] | None = None
        self.current = ""

    def renew(self) -> None:
        """What was heard, or asked before now, does not count any more."""
        self.current, self._asked, self._ask_at = "", None, float("-inf")

    def look(self) -> None:
        """Take in an answer, or ask if it is time to; to be called often."""
        self._admin.poll(0)  # its log lines
        if self._asked and self._asked.done():
            self.current, self._asked = self._heard(self._asked), None
        elif not self._asked and self._clock() >= self._ask_at:
            self._ask_at = self._clock() + ASK_EVERY
            topics = TopicCollection([self._topic])
            self._asked = self._admin.describe_topics(topics, request_timeout=ASK_TIMEOUT)[self._topic]

    def known_within(self, seconds: float) -> str:
        """The topic's id, waited for where it was not heard yet; "" if it is not told in time."""
        if not self.current:
            self.look()
            if self._asked:
                wait([self._asked], seconds)
                self.look()
        return self.current

    def _heard(self, answer: Future[Any]) -> str:
        try:
            return known(str(answer.result().topic_id))
        except KafkaException as error:  # it is deleted, or the broker is away; nothing was made again by that
            log.debug("the topic's id is not known", extra={"error": error.args[0].str()})
            return ""


def known(topic_id: str) -> str:
    """The id, or "" for that of a broker without any (before Kafka 2.8)."""
    return "" if topic_id == NO_ID else topic_id
