"""What a broker says of a topic: partitions, no such topic, no right to it, or nothing certain."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError

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
