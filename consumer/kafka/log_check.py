"""Whether the brokers still have the log that was read up to an offset, or lost or deleted a part of it."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo

from consumer.closing import close_in_time
from consumer.kafka.client_config import create_client, shared_config
from consumer.kafka.connection_reports import with_explained_log
from consumer.kafka.log_offsets import EARLIEST, LATEST, ask_for_offsets, offset_answer
from consumer.kafka.records import LogPosition

POLL_TIMEOUT = 0.1
CLOSE_SECONDS = 1.0

# A client that only looks where a log continues. After a truncation it begins at the end of what is left; if the
# brokers do not know the epoch any more, it begins at the end.
_PROBE_OPTIONS = {
    "auto.offset.reset": "latest",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "isolation.level": "read_uncommitted",
    "fetch.wait.max.ms": 10,
    "max.partition.fetch.bytes": 1024,
    "queued.min.messages": 1,
    "fetch.queue.backoff.ms": 1,  # all partitions share the queue, and each would wait a second for the one before
    "log_level": 2,  # it would warn of each truncation, and name a policy that is not the service's
}


class LogExtent(NamedTuple):
    """The brokers have the log that was read from `low` to before `end`; what they have behind `end` was never read."""

    low: int
    end: int


class LogCheck:
    """
    Compares positions with the logs of the brokers (KIP-320).

    A log can end below a position. It can also have other records below the position: a leader that did not have the
    newest records (an unclean election, a restored volume) writes new ones at their offsets. A consumer with a
    subscription does not notice that. A new client that is assigned an offset with its leader epoch does.
    """

    def __init__(self, config: Mapping[str, Any], admin: AdminClient, topic: str) -> None:
        """`admin` must have asked for the topic a short time ago, as for `ask_for_offsets`."""
        self._probe_config = {**shared_config(config), **_PROBE_OPTIONS, "group.id": config["group.id"]}
        self._admin, self._topic = admin, topic

    def extents(self, positions: Mapping[int, LogPosition], seconds: float) -> Mapping[int, LogExtent]:
        """The extent of each partition, without those that no broker answered for. Waits at most `seconds`."""
        ends_at = time.monotonic() + seconds
        questions = [ask_for_offsets(self._admin, self._topic, positions, spec) for spec in (EARLIEST, LATEST)]
        wait([future for futures in questions for future in futures.values()], seconds)
        earliest, latest = map(_answers, questions)
        suspects = {
            partition: position
            for partition, position in positions.items()
            if partition in latest and _may_differ(position, latest[partition])
        }
        begins = self._probe(suspects, ends_at) if suspects else {}
        extents = {}
        for partition in latest.keys() & earliest.keys():
            end = latest[partition].offset
            if partition in suspects:
                if partition not in begins:
                    continue
                if begins[partition] < positions[partition].offset:
                    end = begins[partition]
            extents[partition] = LogExtent(earliest[partition].offset, end)
        return extents

    def _probe(self, positions: Mapping[int, LogPosition], ends_at: float) -> Mapping[int, int]:
        """Where each log goes on: at the position, or below it where the records of another leader begin."""
        consumer = create_client(Consumer, with_explained_log(self._probe_config))
        consumer.assign(
            [
                TopicPartition(self._topic, partition, position.offset, "", position.leader_epoch)
                for partition, position in positions.items()
            ]
        )
        begins: dict[int, int] = {}
        while len(begins) < len(positions) and time.monotonic() < ends_at:
            message: Any = consumer.poll(POLL_TIMEOUT)
            if message is not None and _is_at_record_or_end(message):
                begins.setdefault(message.partition(), message.offset())
        close_in_time(consumer.close, CLOSE_SECONDS)
        return begins


def _answers(futures: Mapping[int, Future[Any]]) -> Mapping[int, ListOffsetsResultInfo]:
    answers = {partition: offset_answer(future) for partition, future in futures.items()}
    return {partition: answer for partition, answer in answers.items() if answer is not None}


def _is_at_record_or_end(message: Any) -> bool:
    error = message.error()
    return error is None or error.code() == KafkaError._PARTITION_EOF


def _may_differ(position: LogPosition, end: ListOffsetsResultInfo) -> bool:
    """Whether the log may have other records below the position: only a later leader can have written them."""
    return position.leader_epoch >= 0 and position.leader_epoch != end.leader_epoch and position.offset <= end.offset
