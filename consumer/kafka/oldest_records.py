"""The time of the oldest record that waits in each partition, read from the log."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.closing import close_in_time
from consumer.errors import NotPermitted
from consumer.kafka.client_config import consumer_config, create_client
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.errors import NOT_PERMITTED

_READ_LIMIT = 1000  # records
_READ_TIMEOUT = 0.1  # seconds
# Of each partition one record is needed: the client fetches little, and nothing more before that is read.
_SMALL_FETCHES = {"max.partition.fetch.bytes": 16_384, "queued.min.messages": 1, "queued.max.messages.kbytes": 1024}


class OldestTimes(NamedTuple):
    """
    The times of the first records by partition, in ms since 1970, without records that have no time.

    `unanswered` are the partitions of which no record came in time.
    """

    times: Mapping[int, int]
    unanswered: frozenset[int]


class OldestRecords:
    """Reads the first record behind each committed offset. It joins no group and commits nothing."""

    def __init__(self, servers: str, group: str, options: Mapping[str, Any], topic: str) -> None:
        config = {**consumer_config(servers, group, options), **_SMALL_FETCHES}
        self._consumer = create_client(Consumer, {**config, **ConnectionReports(config).options})
        self._topic = topic

    def read(self, offsets: Mapping[int, int], seconds: float) -> OldestTimes:
        """The first record at each offset or behind it, by partition, within `seconds`. Raises NotPermitted."""
        unread, times = set(offsets), dict[int, int]()
        ends_at = time.monotonic() + seconds
        self._consumer.assign([TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()])
        try:
            while unread and time.monotonic() < ends_at:
                for message in self._consume():
                    partition = message.partition()
                    if _is_answer(message) and partition in unread:
                        unread.discard(partition)
                        self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
                        if message.error() is None and message.timestamp()[1] >= 0:
                            times[partition] = message.timestamp()[1]
        finally:
            self._consumer.unassign()
        return OldestTimes(times, frozenset(unread))

    def close(self) -> None:
        close_in_time(self._consumer.close)

    def _consume(self) -> list[Any]:
        try:
            return self._consumer.consume(_READ_LIMIT, _READ_TIMEOUT)
        except KafkaException:  # such as a fatal error of the client: the times stay unknown
            return []


def _is_answer(message: Any) -> bool:
    """Whether the message is a record, or says that there is none. Raises NotPermitted."""
    error = message.error()
    if error is not None and error.code() in NOT_PERMITTED:
        raise NotPermitted(error.str())
    return error is None or error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET)
