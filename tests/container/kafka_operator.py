"""Owns what an operator does with the brokers: topics, rights, offsets of a group without members."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import NewPartitions, NewTopic
from docker.errors import APIError
from docker.models.containers import Container

from tests.support import wait_until


def last_lines(container: Container) -> str:
    """The state of a container and the end of its log."""
    container.reload()
    log = container.logs(tail=40, timestamps=True).decode(errors="replace")
    return f"{container.name}: {json.dumps(container.attrs['State'])}\n{log}"


def pause(container: Container) -> None:
    """Let the processes of the container stand still. On a busy machine the engine fails to freeze them at first."""

    def is_paused() -> bool:
        with contextlib.suppress(APIError):
            container.pause()
        container.reload()
        return bool(container.status == "paused")

    wait_until(is_paused, "the container to be paused")


class KafkaOperator:
    """`bootstrap` is the address that tests and members use."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._connect()
        self._topics: set[str] = set()

    def _connect(self) -> None:
        """A client that saw all brokers stop can forget them (`KnownBrokers`), so each start needs a new one."""
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})

    def create_topic(self, name: str, partitions: int = 4, replicas: Sequence[int] = (), **config: str | int) -> None:
        """
        Topic settings are written with underscores: `retention_ms=1000`.

        `replicas`: the brokers that have each partition, the preferred leader first; otherwise the cluster chooses.
        """
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        placement: dict[str, Any] = {"replica_assignment": [list(replicas)] * partitions} if replicas else {}
        topic = NewTopic(name, partitions, config=settings, **placement)
        self._admin.create_topics([topic])[name].result(30)
        self._topics.add(name)
        wait_until(lambda: name in self._admin.list_topics(timeout=5).topics, f"{name} to be known to the broker")

    def delete_topic(self, name: str) -> None:
        self._admin.delete_topics([name])[name].result(30)
        wait_until(lambda: name not in self._admin.list_topics(timeout=5).topics, f"{name} to be gone")

    def forget_topics(self, prefix: str) -> None:
        """
        Ask for the deletion of the topics whose names begin so, and wait for nothing.

        A broker with the topics of a hundred tests takes half a minute to start on a busy machine.
        """
        names = [name for name in self._topics if name.startswith(prefix)]
        self._topics.difference_update(names)
        if names:
            self._admin.delete_topics(names)

    def add_partitions(self, topic: str, total: int) -> None:
        self._admin.create_partitions([NewPartitions(topic, total)])[topic].result(30)

    def configure(self, topic: str, **config: str | int) -> None:
        entries = [ConfigEntry(name.replace("_", "."), str(value)) for name, value in config.items()]
        for entry in entries:
            entry.incremental_operation = AlterConfigOpType.SET
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        self._admin.incremental_alter_configs([resource])[resource].result(30)

    def read_only(self, topic: str) -> contextlib.AbstractContextManager[None]:
        """A block in which no client may write to the topic."""
        return self.allowing(topic, AclOperation.READ)

    @contextlib.contextmanager
    def allowing(
        self,
        name: str,
        *operations: AclOperation,
        kind: ResourceType = ResourceType.TOPIC,
        principal: str = "User:*",
    ) -> Iterator[None]:
        """
        A block in which clients may do only this with the topic, because any ACL denies what no ACL allows.

        With another `principal` clients may do nothing.
        """
        resource = (kind, name, ResourcePatternType.LITERAL)
        rules = [(*resource, principal, "*", operation, AclPermissionType.ALLOW) for operation in operations]
        for result in self._admin.create_acls([AclBinding(*rule) for rule in rules]).values():
            result.result(30)
        try:
            yield
        finally:
            for deleted in self._admin.delete_acls([AclBindingFilter(*rule) for rule in rules]).values():
                deleted.result(30)

    def commit(self, group: str, topic: str, offsets: dict[int, int]) -> None:
        """Commit offsets of a group without members. Retries, because a broker that has just started can refuse it."""
        topic_partitions = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        requested = [ConsumerGroupTopicPartitions(group, topic_partitions)]

        def is_committed() -> bool:
            answered = self._admin.alter_consumer_group_offsets(requested)[group].result(30)
            return not any(topic_partition.error for topic_partition in answered.topic_partitions)

        wait_until(is_committed, "the offsets to be committed")

    def delete_records(self, topic: str, before: dict[int, int]) -> None:
        """Delete the records below these offsets, as retention does."""
        topic_partitions = [TopicPartition(topic, partition, offset) for partition, offset in before.items()]
        for result in self._admin.delete_records(topic_partitions).values():
            result.result(30)

    def members(self, group: str) -> int:
        """How many members the group has, as the broker knows."""
        return len(self._admin.describe_consumer_groups([group])[group].result(30).members)
