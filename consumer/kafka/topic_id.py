"""Which topic an offset is of: a recreated topic has another id, and a mirrored one another cluster."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

POLL_INTERVAL = 5.0  # seconds
ANSWER_TIMEOUT = 4.0  # seconds
NO_ID = "A" * 22  # sixteen bytes of zero: the client's id for a topic of a broker that has no topic ids
_CLUSTER_PREFIX, _TOPIC_PREFIX = "cluster-id:", "topic-id:"


class TopicIdentity(NamedTuple):
    """The id of a topic (KIP-516) and of its cluster; "" where it is not known."""

    topic_id: str = ""
    cluster_id: str = ""

    @property
    def metadata(self) -> str:
        """The text that is committed with each offset; "" if the topic's id is not known."""
        if not self.topic_id:
            return ""
        return f"{_CLUSTER_PREFIX}{self.cluster_id} {_TOPIC_PREFIX}{self.topic_id}"

    def is_recreated_as(self, current: "TopicIdentity") -> bool:
        """Whether it is proved that `current` is another topic, which replaced this one in the same cluster."""
        ids = (self.topic_id, current.topic_id)
        return all((*ids, self.cluster_id)) and self.cluster_id == current.cluster_id and ids[0] != ids[1]


def parse_metadata(metadata: str | None) -> TopicIdentity:
    """The identity in the metadata of a committed offset; nothing is known of one that another client committed."""
    cluster_id = topic_id = ""
    for word in (metadata or "").split():
        if word.startswith(_CLUSTER_PREFIX):
            cluster_id = word.removeprefix(_CLUSTER_PREFIX)
        elif word.startswith(_TOPIC_PREFIX):
            topic_id = word.removeprefix(_TOPIC_PREFIX)
    return TopicIdentity("" if topic_id == NO_ID else topic_id, cluster_id)


class TopicIdWatcher:
    """
    `current` is the topic's identity in the last answer, None before the first answer. A broker may have no topic ids.

    It asks in the background, because a consumer cannot ask for the id.
    """

    def __init__(self, admin: AdminClient, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._admin, self._topic, self._clock = admin, topic, clock
        self._next_question_at = float("-inf")
        self._answer: Future[Any] | None = None
        self.current: TopicIdentity | None = None
        self.leaderless: frozenset[int] = frozenset()
        """The partitions that have no leader, by the last description of the topic."""
        self.answered_at = float("-inf")
        """When a broker answered last, whatever its answer was, in monotonic seconds."""
        self._unanswered: list[float] = []

    def invalidate(self) -> None:
        """Forget the id and drop a question that is in flight, because the topic may be another one by now."""
        self.current, self._answer, self._next_question_at = None, None, float("-inf")

    def poll(self) -> None:
        """Apply an answer, or ask if it is time to. Call this often; it never waits."""
        self._admin.poll(0)  # writes the client's log lines
        if self._answer is not None and self._answer.done():
            self.current, self._answer = self._identity(self._answer), None
        elif self._answer is None and self._clock() >= self._next_question_at:
            self._next_question_at = self._clock() + POLL_INTERVAL
            if self.current is None:
                self._ask_for_controller()
            topics = TopicCollection([self._topic])
            self._answer = self._admin.describe_topics(topics, request_timeout=ANSWER_TIMEOUT)[self._topic]
            self._answer.add_done_callback(partial(self._note_answer, self._clock()))

    def wait(self, seconds: float) -> TopicIdentity | None:
        """The topic's identity, after at most `seconds` where it is not known yet; None without an answer."""
        if self.current is None:
            self.poll()
            if self._answer is not None:
                wait([self._answer], seconds)
                self.poll()
        return self.current

    def _ask_for_controller(self) -> None:
        """
        Let the client ask for the brokers, their controller and the topic's leaders, without waiting for the answer.

        The client sends the question for the id to the controller. A broker that has just started names none, and the
        client would not ask again for minutes.
        """
        with suppress(KafkaException):  # it always reports that there is no answer after no time
            self._admin.list_topics(self._topic, timeout=0)

    @property
    def unanswered_at(self) -> float:
        """
        When the last but one question was asked, if it and the last one got no answer; in monotonic seconds.

        It does not count before the first answer: a cluster without a controller never answers this question.
        """
        return self._unanswered[-2] if len(self._unanswered) > 1 else float("-inf")

    def _note_answer(self, asked_at: float, answer: Future[Any]) -> None:
        """Called on the client's thread, so that the time is right also if the loop looks at the answer late."""
        error = answer.exception()
        if error is None or (
            isinstance(error, KafkaException) and error.args[0].code() > 0
        ):  # 0 and below: the client's
            self.answered_at, self._unanswered = self._clock(), []
        elif self.answered_at > float("-inf"):
            self._unanswered = [*self._unanswered[-1:], asked_at]

    def _identity(self, answer: Future[Any]) -> TopicIdentity | None:
        try:
            description = answer.result()
        except KafkaException as error:  # the topic is deleted, or no broker answers: neither recreates the topic
            log.debug("topic id not available, retrying", extra={"error": error.args[0].str()})
            return None
        topic_id = str(description.topic_id)
        self.leaderless = frozenset(part.id for part in description.partitions if _has_no_leader(part))
        return TopicIdentity("" if topic_id == NO_ID else topic_id, str(self._admin.cluster_id(timeout=0) or ""))


def _has_no_leader(partition: Any) -> bool:
    return partition.leader is None or partition.leader.id < 0
