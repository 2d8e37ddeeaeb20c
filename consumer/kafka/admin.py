"""What brokers tell and do for an operator: topics, rights, and groups as they are seen from outside."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from consumer.errors import NoAnswer, ServiceError
from consumer.kafka.client_config import SHARED, made
from consumer.kafka.errors import Troubles

ANSWER_SECONDS = 5.0
_LARGEST = "max.message.bytes"


class Group(NamedTuple):
    """A group as its coordinator describes it; `rights` are what the principal may do, as Kafka's ACLs name it."""

    there: bool
    members: int
    rights: frozenset[str]


class Admin:
    """Each raises ServiceError with what is wrong and where to look, and NoAnswer if nobody answers."""

    def __init__(self, servers: str, options: Mapping[str, Any]) -> None:
        self._troubles = Troubles()
        shared = {name: value for name, value in options.items() if name.startswith(SHARED)}
        self._admin = made(AdminClient, {**shared, "bootstrap.servers": servers, "error_cb": self._troubles})

    def brokers(self) -> int:
        """How many brokers the cluster has. To be asked first, as it does not wait where that is of no use."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return len(self._asked(lambda: self._admin.list_topics(timeout=1.0)).brokers)
            except NoAnswer:
                if self._troubles.decided or self._troubles.all_down or time.monotonic() > ends_at:
                    raise

    def partitions(self, topic: str) -> int:
        """Asked of the list of all topics: asking for one makes it, where brokers are so configured."""
        every = self._asked(lambda: self._admin.list_topics(timeout=ANSWER_SECONDS)).topics
        return len(every[topic].partitions if topic in every else self._described(topic).partitions)

    def rights(self, topic: str) -> frozenset[str]:
        """What the principal may do with the topic."""
        return _rights(self._described(topic))

    def _described(self, topic: str) -> Any:
        asked = self._admin.describe_topics(
            TopicCollection([topic]), include_authorized_operations=True, request_timeout=ANSWER_SECONDS
        )[topic]
        return self._asked(asked.result)

    def largest(self, topic: str) -> int:
        """The size in bytes of the largest batch that the topic takes, which a record may fill."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        (asked,) = self._admin.describe_configs([resource], request_timeout=ANSWER_SECONDS).values()
        return int(self._asked(asked.result)[_LARGEST].value)

    def group(self, group: str) -> Group | None:
        """None from a broker that describes no groups, as librdkafka's own."""
        asked = self._admin.describe_consumer_groups(
            [group], include_authorized_operations=True, request_timeout=ANSWER_SECONDS
        )[group]
        try:
            found = asked.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError._UNSUPPORTED_FEATURE:
                return None
            raise ServiceError(self._troubles.why(error.args[0])) from None
        return Group(found.state.name not in ("DEAD", "UNKNOWN"), len(found.members), _rights(found))

    def groups(self, prefix: str) -> list[str]:
        """The groups whose name begins so, of those that the principal may see."""
        found = self._asked(lambda: self._admin.list_consumer_groups(request_timeout=ANSWER_SECONDS).result())
        for error in found.errors:
            if error.code() != KafkaError._UNSUPPORTED_FEATURE:  # of librdkafka's own broker
                raise ServiceError(self._troubles.why(error))
        return sorted(group.group_id for group in found.valid if group.group_id.startswith(prefix))

    def move(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Commit in the name of a group without members; the broker refuses it while there is one."""
        parts = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        asked = self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, parts)], request_timeout=ANSWER_SECONDS
        )[group]
        for part in self._asked(asked.result).topic_partitions:
            if part.error is not None:
                raise ServiceError(f"group {group}: {self._troubles.why(part.error)}")

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except KafkaException as error:
            self._admin.poll(0.1)  # else the client does not say what it has met
            why, code = self._troubles.why(error.args[0]), error.args[0].code()
            raise (NoAnswer if code in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT) else ServiceError)(why) from None


def _rights(found: Any) -> frozenset[str]:
    return frozenset(operation.name for operation in found.authorized_operations or ())
