"""Owns a cluster of brokers in containers: who leads what, and when all of it is in order again."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import MappingProxyType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata
from testcontainers.core.network import Network

from tests.container.kafka_node import DATA, KafkaNode, host_name
from tests.container.kafka_operator import KafkaOperator, last_lines
from tests.container.small_disk import SmallDisk
from tests.support import wait_until

# As in production: three copies of everything, and two of them confirm a write.
_SETTINGS: Mapping[str, object] = {
    "offsets.topic.num.partitions": 6,
    "auto.create.topics.enable": "false",
    # A dead broker is noticed soon, and a broker that comes back may join soon.
    "broker.session.timeout.ms": 4000,
    "broker.heartbeat.interval.ms": 500,
    "replica.lag.time.max.ms": 4000,
    # In the new group protocol the broker sets the session timeout of the members.
    **{f"group.consumer.{name}session.timeout.ms": 6000 for name in ("", "min.")},
    **{f"group.consumer.{name}heartbeat.interval.ms": 1000 for name in ("", "min.")},
}


class KafkaCluster(KafkaOperator):
    """`nodes` are the brokers, by number from 1. Everything has as many copies as there are brokers, up to three."""

    def __init__(self, nodes: Mapping[int, KafkaNode]) -> None:
        super().__init__(",".join(node.address for node in nodes.values()))
        self.nodes = nodes

    @property
    def announced(self) -> str:
        """The address of clients whose traffic goes through proxies."""
        return ",".join(f"127.0.0.1:{node.announced}" for node in self.nodes.values())

    def leaders(self, topic: str) -> dict[int, int]:
        """The number of the broker that leads each partition; -1 if none does."""
        partitions = self._admin.list_topics(timeout=10).topics[topic].partitions
        return {number: partition.leader for number, partition in partitions.items()}

    def in_sync(self, topic: str) -> dict[int, set[int]]:
        """By partition, the numbers of the brokers that have all of its records."""
        partitions = self._admin.list_topics(timeout=10).topics[topic].partitions
        return {number: set(partition.isrs) for number, partition in partitions.items()}

    def coordinator(self, group: str) -> KafkaNode:
        """
        The broker that keeps the group's members and its committed offsets.

        A client that knows a coordinator which has ended asks that broker for another minute, so this is a new one.
        """
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})
        return self.nodes[admin.describe_consumer_groups([group])[group].result(30).coordinator.id]

    def controller(self) -> KafkaNode:
        """The controller that leads the others, as a running one of them knows."""
        running = next(node for node in self.nodes.values() if node.is_running)
        state = json.loads(running.read_file(f"{DATA}/__cluster_metadata-0/quorum-state"))
        return self.nodes[state["leaderId"]]

    def wait_for_other_leaders(self, topic: str, killed: KafkaNode) -> None:
        """Wait until other brokers lead all partitions."""
        wait_until(lambda: not {killed.number, -1} & set(self.leaders(topic).values()), f"other leaders of {topic}")

    def wait_for_one_copy(self, topic: str, node: KafkaNode) -> None:
        """Wait until no other broker than this one is in sync."""
        wait_until(lambda: set().union(*self.in_sync(topic).values()) == {node.number}, f"one copy of {topic} in sync")

    def last_lines(self) -> str:
        """The states of the containers and the ends of their logs, for the report of a test that failed."""
        return "\n".join(last_lines(node.container) for node in self.nodes.values())

    def heal(self) -> None:
        """Start the brokers that ended, and wait until every copy of every partition is in sync."""
        for node in self.nodes.values():
            if not node.is_running:
                node.start()
        self.wait_until_in_sync()

    def wait_until_in_sync(self) -> None:
        wait_until(self._is_in_sync, "every copy of every partition to be in sync", 120)

    def _is_in_sync(self) -> bool:
        with suppress(KafkaException):
            metadata = self._admin.list_topics(timeout=1)
            if metadata.brokers:
                return self._are_in_sync(metadata)
        self._connect()
        return False

    def _are_in_sync(self, metadata: ClusterMetadata) -> bool:
        partitions = [partition for topic in metadata.topics.values() for partition in topic.partitions.values()]
        return len(metadata.brokers) == len(self.nodes) and all(
            partition.leader >= 0 and set(partition.isrs) == set(partition.replicas) for partition in partitions
        )


@contextmanager
def running_cluster(
    image: str, size: int, disks: Mapping[int, SmallDisk] = MappingProxyType({})
) -> Iterator[KafkaCluster]:
    """A cluster of `size` brokers; `disks` are those of the brokers that have one of their own."""
    copies = min(size, 3)
    replicated = {
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "min.insync.replicas": max(copies - 1, 1),
    }
    voters = ",".join(f"{number}@{host_name(number)}:9094" for number in range(1, size + 1))
    with ExitStack() as closing:
        network = closing.enter_context(Network())
        nodes: dict[int, KafkaNode] = {}
        for number in range(1, size + 1):
            nodes[number] = KafkaNode(number, image, network, voters, {**_SETTINGS, **replicated})
            if number in disks:
                nodes[number].keep_data_on(disks[number])
            closing.callback(nodes[number].remove)
            nodes[number].create()
        cluster = KafkaCluster(nodes)
        cluster.wait_until_in_sync()
        yield cluster
