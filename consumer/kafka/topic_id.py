"""Which topic an offset is of: a recreated topic has another id, and a mirrored one another cluster."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from enum import Enum, auto
from typing import Any, NamedTuple

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from consumer.kafka.errors import UNREACHABLE

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
        self.answered_at = float("-inf")
        """When a broker answered last, whatever its answer was, in monotonic seconds."""

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

    def _identity(self, answer: Future[Any]) -> TopicIdentity | None:
        try:
            topic_id = str(answer.result().topic_id)
            self.answered_at = self._clock()
        except KafkaException as error:  # the topic is deleted, or no broker answers: neither recreates the topic
            if error.args[0].code() not in UNREACHABLE:
                self.answered_at = self._clock()
            log.debug("topic id not available, retrying", extra={"error": error.args[0].str()})
            return None
        return TopicIdentity("" if topic_id == NO_ID else topic_id, str(self._admin.cluster_id(timeout=0) or ""))


class TopicMatch(Enum):
    """What the metadata of a committed offset says of its topic, compared with the present one."""

    PRESENT = auto()
    """The present one, as far as is known: other clients commit without the id."""
    RECREATED = auto()
    """A deleted topic of the same name, so the offset means nothing."""
    FOREIGN = auto()
    """A topic of another cluster: tools that mirror a cluster translate offsets and copy their metadata."""


class PartitionTopics:
    """The topic that each partition is read from: until it is known, the one that the committed offset names."""

    def __init__(self, watcher: TopicIdWatcher) -> None:
        self._watcher = watcher
        self._topics: dict[int, TopicIdentity] = {}

    @property
    def answered_at(self) -> float:
        """When a broker answered the question for the topic's id last, in monotonic seconds."""
        return self._watcher.answered_at

    def metadata(self, partition: int) -> str:
        """What is committed with an offset of the partition; "" if its topic is not known yet."""
        return self._topics.get(partition, TopicIdentity()).metadata

    def begin(self, partition: int, committed_metadata: str, seconds: float = 0.0) -> TopicMatch:
        """
        Compare the topic that a committed offset names with the present one, and use the present one from now on.

        Waits at most `seconds` for the id if it is needed: without it, a recreated topic would be read from the offset
        of the deleted one until the id is known.
        """
        topic = self._topics[partition] = parse_metadata(committed_metadata)
        if not topic.topic_id:
            return TopicMatch.PRESENT
        current = self._watcher.wait(seconds)
        if current is None or not current.topic_id:
            return TopicMatch.PRESENT
        self._topics[partition] = current
        if topic.is_recreated_as(current):
            return TopicMatch.RECREATED
        return TopicMatch.PRESENT if topic.topic_id == current.topic_id else TopicMatch.FOREIGN

    def forget(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._topics.pop(partition, None)

    def refresh(self) -> None:
        """Ask for the present id again when it is needed next, because it may be another one by now."""
        self._watcher.invalidate()

    def is_known(self, seconds: float) -> bool:
        """Whether the broker has answered. Waits at most `seconds` for the answer."""
        return self._watcher.wait(seconds) is not None

    def recreated(self) -> Sequence[int]:
        """
        The partitions whose topic was recreated; it never waits.

        Until `begin` is called for them, offsets are committed for the old topic, of which they are.
        """
        self._watcher.poll()
        current = self._watcher.current
        if current is None or not current.topic_id:
            return ()
        recreated = [partition for partition, topic in self._topics.items() if topic.is_recreated_as(current)]
        self._topics |= dict.fromkeys(self._topics.keys() - recreated, current)
        return recreated
