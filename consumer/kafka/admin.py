"""What an operator asks the brokers, and what brokers do for an operator: topics, rights, and groups from outside."""

import time
from collections.abc import Callable, Mapping, Sequence
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

from consumer.errors import NoAnswer, NotPermitted, ServiceError
from consumer.kafka.client_config import create_client, shared_config
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.dead_letter_topic import TopicSettings, UnseenSettings
from consumer.kafka.errors import NOT_PERMITTED

ANSWER_SECONDS = 5.0
RETRY_INTERVAL = 0.2  # seconds
# Milliseconds, below ANSWER_SECONDS: an address that takes connections and answers nothing is reported in time.
_CONNECTION_TIMEOUTS = {"socket.connection.setup.timeout.ms": 4000, "api.version.request.timeout.ms": 4000}
_NO_COORDINATOR_YET = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)


class GroupDescription(NamedTuple):
    """A group as its coordinator describes it; `rights` are what the principal may do, in the words of Kafka's ACLs."""

    there: bool
    members: int
    rights: frozenset[str]


class KafkaAdmin:
    """Each method raises ServiceError with what is wrong and what to check, and NoAnswer if no broker answers."""

    def __init__(self, servers: str, options: Mapping[str, Any]) -> None:
        config = {**_CONNECTION_TIMEOUTS, **shared_config(options), "bootstrap.servers": servers}
        self._reports = ConnectionReports(config)
        self._admin = create_client(AdminClient, {**config, **self._reports.options})

    def brokers(self) -> int:
        """How many brokers the cluster has. Call this first, because it stops waiting once waiting is of no use."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                brokers = self._answer(lambda: self._admin.list_topics(timeout=1.0)).brokers
                self._reports.forget()
                return len(brokers)
            except NoAnswer:
                if self._reports.all_down or time.monotonic() > ends_at:
                    raise

    def partitions(self, topic: str) -> int:
        """
        How many partitions the topic has.

        The list of all topics is asked for: a question about one topic creates it where brokers are so configured.
        """
        topics = self._answer(lambda: self._admin.list_topics(timeout=ANSWER_SECONDS)).topics
        if topic in topics:
            return len(topics[topic].partitions)
        return len(self._describe(topic).partitions)

    def rights(self, topic: str) -> frozenset[str]:
        """What the principal may do with the topic."""
        return _rights(self._describe(topic))

    def _describe(self, topic: str) -> Any:
        description = self._admin.describe_topics(
            TopicCollection([topic]), include_authorized_operations=True, request_timeout=ANSWER_SECONDS
        )[topic]
        return self._answer(description.result)

    def topic_settings(self, topics: Sequence[str]) -> Mapping[str, TopicSettings | UnseenSettings]:
        """The settings of those topics that exist, within ANSWER_SECONDS; none if the broker describes no settings."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        try:
            metadata = self._answer(lambda: self._admin.list_topics(timeout=ANSWER_SECONDS))
        except ServiceError as error:
            return dict.fromkeys(topics, UnseenSettings(str(error)))
        resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics if topic in metadata.topics]
        # librdkafka's own broker describes no settings. It has no controller, for which the client would wait.
        if not resources or metadata.controller_id not in metadata.brokers:
            return {}
        timeout = max(ends_at - time.monotonic(), 0.1)
        answers = self._admin.describe_configs(resources, request_timeout=timeout).items()
        return {topic.name: self._settings(metadata.topics[topic.name], config.result) for topic, config in answers}

    def _settings(self, topic: Any, describe: Callable[[], Any]) -> TopicSettings | UnseenSettings:
        """The settings of `topic`, which is described in the client's metadata."""
        try:
            config = {name: entry.value for name, entry in describe().items()}
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                return UnseenSettings("not permitted: the principal needs DESCRIBE_CONFIGS")
            return UnseenSettings(self._reports.explain(error.args[0]))
        replicas = min(len(partition.replicas) for partition in topic.partitions.values())
        return TopicSettings.parse(topic.topic, config, replicas)

    def group(self, group: str) -> GroupDescription | None:
        """The group, or None from a broker that describes no groups, such as librdkafka's own."""
        try:
            description = self._describe_group(group)
        except KafkaException as error:
            if error.args[0].code() == KafkaError._UNSUPPORTED_FEATURE:
                return None
            raise self._service_error(error.args[0]) from None
        is_there = description.state.name not in ("DEAD", "UNKNOWN")
        return GroupDescription(is_there, len(description.members), _rights(description))

    def _describe_group(self, group: str) -> Any:
        """The client's description. A fresh cluster has no coordinator for a while. Raises KafkaException."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return self._admin.describe_consumer_groups(
                    [group], include_authorized_operations=True, request_timeout=ANSWER_SECONDS
                )[group].result()
            except KafkaException as error:
                if error.args[0].code() not in _NO_COORDINATOR_YET or time.monotonic() > ends_at:
                    raise
            time.sleep(RETRY_INTERVAL)  # only `check` asks, and the cluster does not say when it has a coordinator

    def groups(self, prefix: str) -> list[str]:
        """The names of the groups that begin with `prefix`, among those that the principal may see."""
        listing = self._answer(lambda: self._admin.list_consumer_groups(request_timeout=ANSWER_SECONDS).result())
        for error in listing.errors:
            if error.code() != KafkaError._UNSUPPORTED_FEATURE:  # librdkafka's own broker answers with this
                raise ServiceError(self._reports.explain(error))
        return sorted(group.group_id for group in listing.valid if group.group_id.startswith(prefix))

    def commit_offsets(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Commit offsets, by partition, for a group without members; the broker refuses if the group has a member."""
        topic_partitions = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        future = self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, topic_partitions)], request_timeout=ANSWER_SECONDS
        )[group]
        for topic_partition in self._answer(future.result).topic_partitions:
            if topic_partition.error is not None:
                raise ServiceError(f"group {group}: {self._reports.explain(topic_partition.error)}")

    def _answer(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except KafkaException as error:
            self._admin.poll(0.1)  # otherwise the client does not report the errors of its connections
            raise self._service_error(error.args[0]) from None

    def _service_error(self, error: KafkaError) -> ServiceError:
        explanation = self._reports.explain(error)
        if error.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
            return NoAnswer(explanation)
        if error.code() in NOT_PERMITTED:
            return NotPermitted(explanation)
        return ServiceError(explanation)


def _rights(description: Any) -> frozenset[str]:
    return frozenset(operation.name for operation in description.authorized_operations or ())
