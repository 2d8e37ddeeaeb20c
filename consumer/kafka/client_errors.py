"""The errors that the group's consumer reports: logged with their cause, or kept because they end the service."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from consumer.errors import NoAnswer, NotPermitted
from consumer.kafka.client_config import is_fatal
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.errors import MISSING_TOPIC, NOT_PERMITTED, describe
from consumer.kafka.known_brokers import KnownBrokers

log = logging.getLogger(__name__)

_NOT_AVAILABLE = "Subscribed topic not available"  # rdkafka_cgrp.c: an error of the topic, which has no partition


class ClientErrors:
    """`fatal` is an error after which only a new client helps, None if there was none."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._reports = ConnectionReports(config)
        self.known_brokers = KnownBrokers()
        self.fatal: KafkaError | None = None
        self._last_text, self._last_at = "", float("-inf")

    def options(self) -> dict[str, Any]:
        """The options with which the one client reports to this object."""
        return {**self._reports.options, **self.known_brokers.options(), "error_cb": self.report}

    def report(self, error: KafkaError) -> None:
        """An error of the client, of its group or of its topic."""
        if is_fatal(error):
            self.fatal = error
            return
        self._last_text, self._last_at = describe(error), time.monotonic()
        self._reports.warn(error)

    def last_error(self, since: float) -> str:
        """What was reported last of the client, its group or its topic, if it was after `since`; else ""."""
        return self._last_text if self._last_at >= since else ""

    def report_message(self, message: Any) -> None:
        """An error that the client returns in place of a record."""
        error = message.error()
        if is_fatal(error) or not _is_of_partition(message):
            self.report(error)
        else:
            fields = {"partition": message.partition(), "error": describe(error)}
            log.warning("Kafka partition error, retrying", extra=fields)

    @property
    def unreachable_at(self) -> float:
        """When the client last reported that no broker can be reached, in monotonic seconds."""
        return self._reports.unreachable_at

    @property
    def cause(self) -> str:
        """Why no broker answers, by the client's last reports."""
        return self._reports.cause

    def ask_partition_count(self, client: Consumer, topic: str) -> int:
        """How many partitions a topic has, 0 if it does not exist. Raises NotPermitted, and NoAnswer in time."""
        try:
            metadata = client.list_topics(topic, timeout=1.0).topics[topic]  # the caller asks repeatedly
        except KafkaException as error:
            self._take_reports(client)
            raise self._no_answer(topic, error) from None
        self._take_reports(client)
        return self.partition_count(metadata)

    def _take_reports(self, client: Consumer) -> None:
        """Let the client report what it would report at the first read."""
        self.note_from(lambda: client.poll(0))

    def _no_answer(self, topic: str, error: KafkaException) -> NoAnswer:
        """Why a question about the topic has no answer."""
        text = f"no answer from Kafka about topic {topic}: {self._reports.explain(error.args[0])}"
        return NoAnswer(text, self._reports.condition(error.args[0]))

    def note_from(self, poll: Callable[[], object]) -> None:
        """Keep what the client reports in a call of `poll`. The caller logs it, so it is not logged here."""
        self._reports.is_quiet = True
        try:
            poll()
        finally:
            self._reports.is_quiet = False

    def partition_count(self, metadata: Any) -> int:
        """Of a topic that a broker described; 0 if there is no such topic. Raises NotPermitted, NoAnswer."""
        self._reports.forget()  # a broker answers
        error = metadata.error
        if error is not None and error.code() in NOT_PERMITTED:
            raise NotPermitted(describe(error))
        if error is not None and error.code() not in MISSING_TOPIC:
            raise NoAnswer(f"topic {metadata.topic}: {describe(error)}")
        return len(metadata.partitions)


def is_of_fetch(message: Any) -> bool:
    """Whether the error is why a partition cannot be read. A missing right to the topic is reported in both ways."""
    return message.topic() is not None and not message.error().str().startswith(_NOT_AVAILABLE)


def _is_of_partition(message: Any) -> bool:
    """Whether the error is about one partition. The client names partition 0 in errors of the group and the topic."""
    error = message.error()
    is_of_topic = error.code() in NOT_PERMITTED or error.str().startswith(_NOT_AVAILABLE)
    return message.topic() is not None and not is_of_topic
