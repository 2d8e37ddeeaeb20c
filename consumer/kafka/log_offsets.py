"""Asks the brokers where the logs of partitions begin or end."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

# Seconds. If a question times out while the client is about to send it, the client frees memory twice, and the process
# crashes or waits without end (librdkafka 2.16, ListOffsets; seen with a timeout of 5 ms). So the timeout is far above
# any time that the service itself waits for an answer.
ANSWER_TIMEOUT = 60.0

EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


def ask_for_offsets(
    admin: AdminClient, topic: str, partitions: Iterable[int], spec: OffsetSpec
) -> Mapping[int, Future[Any]]:
    """
    The coming answer for each partition; see `offset_answer`. It never waits.

    `admin` must ask for the topic now and then: it keeps the leaders that it knows, and a leader that changed refuses
    the question.
    """
    questions = {TopicPartition(topic, partition): spec for partition in partitions}
    if not questions:
        return {}
    answers = admin.list_offsets(questions, request_timeout=ANSWER_TIMEOUT)
    return {topic_partition.partition: answer for topic_partition, answer in answers.items()}


def offset_answer(answer: Future[Any]) -> ListOffsetsResultInfo | None:
    """
    The offset and its leader epoch; None without an answer so far, and after an error.

    If the leader does not answer in time, the client reports success with OFFSET_INVALID (confluent-kafka 2.16).
    """
    if not answer.done() or answer.exception() is not None:
        return None
    offsets: ListOffsetsResultInfo = answer.result()
    return offsets if offsets.offset >= 0 else None
