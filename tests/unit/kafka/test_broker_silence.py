"""Since when no broker answers: from the last answer, and only if the client can reach none."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.kafka.broker_silence import SILENT_SECONDS, BrokerSilence
from consumer.kafka.client_errors import ClientErrors
from consumer.waits import Wait, WaitKind
from tests.unit.kafka.test_topic_id import FakeAdmin, watcher_of

NEVER = float("-inf")


def test_the_silence_begins_with_the_last_answer_and_ends_with_the_next() -> None:
    silence = BrokerSilence(lambda: "nobody listens", 0.0)
    silence.note(100.0, 101.0, 100.0 + SILENT_SECONDS - 0.1)
    assert not silence.waits
    silence.note(100.0, 101.0, 100.0 + SILENT_SECONDS)
    assert silence.waits == [Wait(WaitKind.KAFKA, "", 100.0, "nobody listens")]
    silence.note(200.0, 101.0, 200.0)
    assert not silence.waits
    silence.note(NEVER, 101.0, 300.0)
    assert not silence.waits


def test_a_cluster_that_leaves_questions_open_and_can_be_reached_is_not_silent() -> None:
    silence = BrokerSilence(lambda: "", 0.0)
    silence.note(NEVER, NEVER, 1000.0)
    assert not silence.waits


def test_a_refusal_is_an_answer_and_no_answer_is_none() -> None:
    admin, now = FakeAdmin(), 7.0
    watcher = watcher_of(admin, lambda: now)
    admin.knows_controller = admin.answers_metadata = False
    watcher.wait(1)
    assert watcher.answered_at == NEVER
    refusal: Future[Any] = Future()
    refusal.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    watcher._answer = refusal
    watcher.poll()
    assert watcher.answered_at == now


ALL_DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
REFUSED = KafkaError(KafkaError._TRANSPORT, "kafka:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused")


@pytest.mark.parametrize(
    ("reports", "is_unreachable"), [((ALL_DOWN,), False), ((REFUSED,), False), ((REFUSED, ALL_DOWN), True)]
)
def test_no_broker_can_be_reached_if_all_are_down_and_a_connection_failed(
    reports: Sequence[KafkaError], is_unreachable: bool
) -> None:
    errors = ClientErrors({})
    for error in reports:
        errors.report(error)
    assert (errors.unreachable_at > NEVER) == is_unreachable
