"""What a broker says of a topic: partitions, no such topic, no right to it, or nothing certain."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.errors import NoAnswer, NotPermitted
from consumer.kafka.client_errors import ClientErrors


def partition_count(code: int | None, partitions: int = 0) -> int:
    error = None if code is None else KafkaError(code)
    metadata = SimpleNamespace(topic="answers", error=error, partitions=dict.fromkeys(range(partitions)))
    return ClientErrors({}).partition_count(metadata)


def test_a_topic_has_its_partitions_and_a_missing_one_has_none() -> None:
    assert partition_count(None, partitions=3) == 3
    assert partition_count(KafkaError.UNKNOWN_TOPIC_OR_PART) == 0


def test_a_missing_right_is_not_a_missing_topic() -> None:
    with pytest.raises(NotPermitted):
        partition_count(KafkaError.TOPIC_AUTHORIZATION_FAILED)


def test_any_other_error_says_nothing_about_the_topic() -> None:
    with pytest.raises(NoAnswer, match="topic answers: "):
        partition_count(KafkaError.LEADER_NOT_AVAILABLE)


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_client_that_is_asked_reports_before_its_first_read(is_answered: bool) -> None:
    """Its reports are kept without a bound otherwise."""
    polls: list[float] = []

    def list_topics(topic: str, timeout: float) -> Any:
        if not is_answered:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return SimpleNamespace(topics={topic: SimpleNamespace(topic=topic, error=None, partitions={0: None})})

    client: Any = SimpleNamespace(list_topics=list_topics, poll=polls.append)
    with nullcontext() if is_answered else pytest.raises(NoAnswer):
        ClientErrors({}).ask_partition_count(client, "answers")
    assert polls == [0]
