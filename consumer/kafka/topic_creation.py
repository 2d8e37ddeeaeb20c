"""Creates the topics of a test cluster."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from consumer.errors import ServiceError
from consumer.kafka.client_config import create_client, shared_config
from consumer.kafka.connection_reports import ConnectionReports

ANSWER_SECONDS = 20.0
PARTITIONS = 4
_TRY_SECONDS = 1.0


class TopicCreator:
    """Each method raises ServiceError with what is wrong and what to check."""

    def __init__(self, servers: str, options: Mapping[str, Any]) -> None:
        config = {**shared_config(options), "bootstrap.servers": servers}
        self._reports = ConnectionReports(config)
        self._admin = create_client(AdminClient, {**config, **self._reports.options})

    def missing(self, topics: Sequence[str]) -> Sequence[str]:
        """
        Those of the topics that do not exist.

        The list of all topics is asked for: a question about one topic creates it where brokers are so configured.
        """
        existing = self._existing()
        return [topic for topic in topics if topic not in existing]

    def _existing(self) -> Mapping[str, Any]:
        """The topics of the first broker that answers; stops waiting once waiting is of no use."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return dict(self._admin.list_topics(timeout=_TRY_SECONDS).topics)
            except KafkaException as error:
                self._admin.poll(0.1)  # otherwise the client does not report the errors of its connections
                if self._reports.all_down or time.monotonic() > ends_at:
                    raise ServiceError(self._reports.explain(error.args[0])) from None

    def create(self, topics: Sequence[str]) -> None:
        """Create topics with PARTITIONS partitions, and the defaults of the cluster for everything else."""
        if not topics:
            return
        new_topics = [NewTopic(topic, PARTITIONS) for topic in topics]
        for topic, created in self._admin.create_topics(new_topics, request_timeout=ANSWER_SECONDS).items():
            try:
                created.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise ServiceError(f"topic {topic}: {self._reports.explain(error.args[0])}") from None
