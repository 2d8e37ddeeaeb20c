"""What is required of the topics at the start, before anything is read."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from consumer.errors import NoAnswer, NotPermitted, ServiceError
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.dead_letter_topic import TopicFinding
from consumer.pipeline.status_reporter import StatusReporter

log = logging.getLogger(__name__)


class StartTopics:
    """
    Nothing is read before the dead-letter topic is there. A broker that does not answer is waited for.

    `dead_letter_topic` is None if no dead letters are written. `findings` asks what its settings mean for dead letters.
    `poll_writer` takes what the client of dead letters reports meanwhile.
    """

    def __init__(
        self,
        consumer: GroupConsumer,
        dead_letter_topic: str | None,
        findings: Callable[[], Sequence[TopicFinding]],
        poll_writer: Callable[[], object],
    ) -> None:
        self._consumer, self._dead_letter_topic, self._findings = consumer, dead_letter_topic, findings
        self._poll_writer = poll_writer

    def wait(self, stop: threading.Event, reporter: StatusReporter) -> None:
        """Wait until the topics can be used, or until `stop` is set. Raises ServiceError if they never can."""
        while not stop.wait(0):
            try:
                self._require_dead_letter_topic()
                reporter.topic_unreadable(self._warn_of_topic())
                break
            except NoAnswer as error:
                log.warning("waiting for Kafka", extra={"error": str(error), "fold_by": error.condition})
                reporter.starting(str(error), time.monotonic())
                self._take_reports()
                stop.wait(1.0)
        if not stop.is_set():
            self._judge_dead_letter_topic()

    def _take_reports(self) -> None:
        """Take what the clients report. Raises BrokersForgotten."""
        self._consumer.take_admin_reports()
        self._poll_writer()
        self._consumer.known_brokers.require()

    def _require_dead_letter_topic(self) -> None:
        """Raises ServiceError if the topic cannot be used, and NoAnswer."""
        if not self._dead_letter_topic:
            return
        otherwise = "or set neither ON_REJECTED nor ON_UNKNOWN_RECORD to dead-letter"
        try:
            if not self._consumer.partition_count(self._dead_letter_topic):
                raise ServiceError(
                    f"DEAD_LETTER_TOPIC: there is no topic {self._dead_letter_topic}: create it, {otherwise}"
                )
        except NotPermitted:
            raise ServiceError(
                f"DEAD_LETTER_TOPIC: not permitted: the principal needs WRITE for topic {self._dead_letter_topic}, "
                f"{otherwise}"
            ) from None

    def _warn_of_topic(self) -> str:
        """
        Log and return why nothing will be read, "" if the topic is there. Raises NoAnswer.

        Not every client of a group says anything of that.
        """
        topic, text = self._consumer.topic, ""
        try:
            if not self._consumer.partition_count(topic):
                text = f"there is no topic {topic}: create it"
        except NotPermitted:
            text = f"not permitted: the principal needs READ for topic {topic}"
        if text:
            log.warning("topic cannot be read, waiting", extra={"error": text})
        return text

    def _judge_dead_letter_topic(self) -> None:
        """Log what the settings of the topic may cost. Raises ServiceError if they cost dead letters for certain."""
        if not self._dead_letter_topic:
            return
        findings = self._findings()
        if problems := _details(findings, "problem"):
            raise ServiceError(f"DEAD_LETTER_TOPIC: {problems}")
        if warnings := _details(findings, "warning"):
            log.warning("settings of the dead-letter topic are risky, continuing", extra={"detail": warnings})
        if notes := _details(findings, "note"):
            log.info("settings of the dead-letter topic noted, continuing", extra={"detail": notes})


def _details(findings: Sequence[TopicFinding], state: str) -> str:
    """The findings with this state in one line; "" if there are none."""
    return "; ".join(f"{finding.subject}: {finding.detail}" for finding in findings if finding.state == state)
