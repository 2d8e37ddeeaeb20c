"""The start of the service: what the settings of the dead-letter topic mean is logged, or ends the start."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from consumer.app import Service
from consumer.closing import MARGIN_SECONDS, BoundedCloser
from consumer.errors import BrokersForgotten, NoAnswer, NotPermitted, ServiceError
from consumer.kafka.dead_letter_topic import TopicFinding
from consumer.kafka.known_brokers import FORGOTTEN_REPORTS, KnownBrokers
from consumer.pipeline.start_topics import StartTopics
from consumer.pipeline.status_reporter import StatusReporter


class FakeLoop:
    """Notes that it ran."""

    def __init__(self) -> None:
        self.has_run = False

    def run(self, stop: threading.Event) -> None:
        self.has_run = True


class FakeConsumer:
    """Reads the topic `answers`. Each topic has one partition, except for those in `other_topics`."""

    topic = "answers"

    def __init__(self, other_topics: Mapping[str, int | ServiceError]) -> None:
        self._other_topics = other_topics
        self.known_brokers = KnownBrokers()
        self._note = self.known_brokers.listener()

    def take_admin_reports(self) -> None:
        self._note("{}")  # that the client knows no broker

    def partition_count(self, topic: str) -> int:
        answer = self._other_topics.get(topic, 1)
        if isinstance(answer, ServiceError):
            raise answer
        return answer


def started(
    findings: Sequence[TopicFinding] = (),
    topic: str | None = "dead-letters",
    other_topics: Mapping[str, int | ServiceError] | None = None,
    poll_writer: Callable[[], object] = lambda: None,
) -> FakeLoop:
    """The loop of a service that was started with these findings about its dead-letter topic."""
    loop = FakeLoop()
    reporter, consumer = StatusReporter(time.monotonic()), cast(Any, FakeConsumer(other_topics or {}))
    topics = StartTopics(consumer, topic, lambda: findings, poll_writer)
    service = Service(cast(Any, loop), consumer, reporter, topics)
    service.run(threading.Event())
    return loop


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, cast(Any, record).detail) for record in caplog.records if hasattr(record, "detail")]


OK = TopicFinding("ok", "cleanup", "delete")
NOTES = [TopicFinding("note", "settings of topic", "not seen"), TopicFinding("note", "size", "small")]
WARNINGS = [TopicFinding("warning", "retention", "short"), TopicFinding("warning", "replicas", "few")]
PROBLEM = TopicFinding("problem", "cleanup", "compact")


def test_risks_are_one_warning_and_notes_one_line_and_the_service_runs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert started([OK, *NOTES, *WARNINGS]).has_run
    assert logged(caplog) == [
        ("WARNING", "retention: short; replicas: few"),
        ("INFO", "settings of topic: not seen; size: small"),
    ]


def test_a_topic_without_risks_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert started([OK]).has_run
        assert started([]).has_run
        assert started([PROBLEM], topic=None).has_run  # no dead letter is written
    assert not caplog.records


def test_a_topic_that_costs_dead_letters_for_certain_ends_the_start(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ServiceError, match="DEAD_LETTER_TOPIC: cleanup: compact"):
        started([OK, *WARNINGS, PROBLEM])
    assert not caplog.records


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (0, "DEAD_LETTER_TOPIC: there is no topic dead-letters: create it, or set neither"),
        (
            NotPermitted(),
            "DEAD_LETTER_TOPIC: not permitted: the principal needs WRITE for topic dead-letters, or set neither",
        ),
    ],
)
def test_a_missing_right_is_not_a_missing_topic(answer: int | ServiceError, text: str) -> None:
    """An operator would create a topic that is there."""
    with pytest.raises(ServiceError, match=text):
        started(other_topics={"dead-letters": answer})
    assert started(topic=None, other_topics={"dead-letters": answer}).has_run


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (0, "there is no topic answers: create it"),
        (NotPermitted(), "not permitted: the principal needs READ for topic answers"),
    ],
)
def test_a_topic_that_cannot_be_read_is_a_warning_because_it_may_come(
    answer: int | ServiceError, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert started(other_topics={"answers": answer}).has_run
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()) == ("WARNING", "topic cannot be read, waiting")
    assert cast(Any, line).error == text


def test_clients_that_do_not_close_leave_the_process_the_time_to_end() -> None:
    closer, released = BoundedCloser(components=2), threading.Event()

    def wait() -> None:
        released.wait()

    deadline = time.monotonic() + MARGIN_SECONDS + 1
    closer.deadline = lambda: deadline
    closer.close("consumer", wait)
    assert time.monotonic() < deadline - MARGIN_SECONDS - 0.3  # the second one has a part of the time
    closer.close("consumer", wait)
    assert time.monotonic() < deadline
    released.set()


def test_a_client_that_forgets_all_brokers_while_it_waits_for_kafka_ends_the_service() -> None:
    polls: list[str] = []
    with pytest.raises(BrokersForgotten):
        started(other_topics={"dead-letters": NoAnswer("no broker")}, poll_writer=lambda: polls.append("polled"))
    assert len(polls) == FORGOTTEN_REPORTS  # the reports of a client that is not polled are kept without a bound
