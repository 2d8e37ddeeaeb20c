"""Owns Kafka in a pod of the cluster, its topics, and its outages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.cluster.addresses import BROKER
from tests.cluster.offsets import end_offsets
from tests.cluster.release import Release
from tests.support import wait_until

TOPIC, DEAD_LETTER_TOPIC = "sprig.responses", "sprig.responses.dead-letter"
PARTITIONS = 12


class Broker:
    def __init__(self, release: Release, image: str, folder: Path) -> None:
        self._release = release
        text = (Path(__file__).parent / "kafka.yaml").read_text()
        manifests = release.folder / "kafka.yaml"
        manifests.write_text(text.replace("KAFKA_IMAGE", image).replace("KAFKA_DATA", str(folder / "kafka-data")))
        release.must("kubectl apply --filename=kafka.yaml")
        self._wait_until_ready()
        self._admin = AdminClient({"bootstrap.servers": BROKER, "log_level": 0})
        self.create_topic(TOPIC, PARTITIONS)
        self.create_topic(DEAD_LETTER_TOPIC, 3)

    def create_topic(self, name: str, partitions: int) -> None:
        self._admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
        wait_until(lambda: name in self._admin.list_topics(timeout=10).topics, f"the topic {name}")

    def delete_topic(self, name: str) -> None:
        self._admin.delete_topics([name])[name].result(30)
        wait_until(lambda: name not in self._admin.list_topics(timeout=10).topics, f"no topic {name}")

    def records(self, topic: str) -> int:
        """How many records the topic has."""
        return sum(end_offsets(topic).values())

    @contextmanager
    def outage(self) -> Iterator[None]:
        """A block in which there is no broker. Its data is kept."""
        self._scale(0)
        try:
            yield
        finally:
            self._scale(1)
            self._wait_until_ready()

    def _scale(self, replicas: int) -> None:
        self._release.must(f"kubectl --namespace kafka scale deployment/kafka --replicas={replicas}")
        if not replicas:
            self._release.must("kubectl --namespace kafka wait --for=delete pod --selector=app=kafka --timeout=60s")

    def _wait_until_ready(self) -> None:
        self._release.must("kubectl --namespace kafka rollout status deployment/kafka --timeout=180s")

        def answers() -> bool:
            try:
                return bool(AdminClient({"bootstrap.servers": BROKER, "log_level": 0}).list_topics(timeout=2).brokers)
            except KafkaException:
                return False

        wait_until(answers, "the broker to answer")
