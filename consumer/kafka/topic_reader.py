"""Records of a topic for commands that only read: from any offset, in no group, and nothing is committed."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.closing import close_in_time
from consumer.errors import NoAnswer, NoSuchTopic, ServiceError
from consumer.kafka.client_config import consumer_config, create_client
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.errors import describe
from consumer.kafka.records import to_record
from consumer.model import Record

ANSWER_SECONDS = 5.0
SILENCE_SECONDS = 30.0  # between two records of a partition that is not at its end
_READ_LIMIT = 1000  # records
_READ_TIMEOUT = 0.2  # seconds; Ctrl-C waits at most that long
_TRANSIENT_ERRORS = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)


class OffsetRange(NamedTuple):
    """Offsets of one partition, from `begin` to before `end`."""

    begin: int
    end: int


class TopicReader:
    """Reads what a topic has. Each method raises ServiceError with what is wrong and what to check."""

    def __init__(self, servers: str, group: str, options: Mapping[str, Any], topic: str) -> None:
        """`group`: its committed offsets can be read. The reader names it to the broker and does not join it."""
        config = consumer_config(servers, group, options)
        self._reports = ConnectionReports(config)
        self._consumer = create_client(Consumer, {**config, **self._reports.options})
        self._topic = topic

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        close_in_time(self._consumer.close)

    def spans(self) -> Mapping[int, OffsetRange]:
        """The offsets that each partition of the topic has now."""
        return {partition: self._offset_range(partition) for partition in self._partitions()}

    def since(self, millis: int, spans: Mapping[int, OffsetRange]) -> Mapping[int, OffsetRange]:
        """
        The spans from their first record on that is not older than `millis` (since 1970).

        The whole spans from a broker that looks up no times.
        """
        if not self._looks_up_times():
            return spans
        times = [TopicPartition(self._topic, partition, millis) for partition in spans]
        answers = self._answers(lambda: self._consumer.offsets_for_times(times, timeout=ANSWER_SECONDS))
        offsets = {topic_partition.partition: topic_partition.offset for topic_partition in answers}
        ranges = {}
        for partition, (begin, end) in spans.items():
            offset = offsets[partition] if offsets[partition] >= 0 else end  # -1: all records are older
            ranges[partition] = OffsetRange(max(offset, begin), end)
        return ranges

    def between(self, begin: int, end: int, spans: Mapping[int, OffsetRange]) -> Mapping[int, OffsetRange]:
        """
        The parts of the spans that have all records from `begin` to before `end`, in milliseconds since 1970.

        A part can have other records as well, because times are not in order.
        """
        later = self.since(end, spans) if self._looks_up_times() else {}
        return {
            partition: OffsetRange(first.begin, later[partition].begin if later else first.end)
            for partition, first in self.since(begin, spans).items()
        }

    def committed(self, partitions: Mapping[int, object]) -> Mapping[int, int]:
        """The group's committed offsets, -1 where there is none."""
        questions = [TopicPartition(self._topic, partition) for partition in partitions]
        answers = self._answers(lambda: self._consumer.committed(questions, timeout=ANSWER_SECONDS))
        return {answer.partition: max(answer.offset, -1) for answer in answers}

    def read(self, spans: Mapping[int, OffsetRange], silence_seconds: float = SILENCE_SECONDS) -> Iterator[Record]:
        """
        The records of these spans, in the order of their offsets by partition only.

        Raises NoAnswer if there is no further record for `silence_seconds`, and no partition has come to its end.
        """
        ends = {partition: span.end for partition, span in spans.items() if span.begin < span.end}
        self._consumer.assign([TopicPartition(self._topic, partition, spans[partition].begin) for partition in ends])
        last_message_at = time.monotonic()
        while ends:
            messages: list[Any] = self._consumer.consume(_READ_LIMIT, _READ_TIMEOUT)
            if messages:
                last_message_at = time.monotonic()
            elif time.monotonic() - last_message_at > silence_seconds:
                timeout = KafkaError(KafkaError._TIMED_OUT)
                raise NoAnswer(f"topic {self._topic}: {self._reports.explain(timeout)}")
            for message in messages:
                yield from self._records(message, ends)
        self._consumer.unassign()

    def follow(self, begins: Mapping[int, int]) -> Iterator[Sequence[Record]]:
        """
        The records from these offsets on, and then each new one, without an end. Empty while there is no new record.

        Raises ServiceError, but waits for a broker that does not answer: `outage` says so.
        """
        self._consumer.assign([TopicPartition(self._topic, partition, offset) for partition, offset in begins.items()])
        while True:
            records = []
            messages: list[Any] = self._consumer.consume(_READ_LIMIT, _READ_TIMEOUT)
            for message in messages:
                error = message.error()
                if error is None:
                    records.append(to_record(message))
                elif error.code() != KafkaError._PARTITION_EOF:
                    self._raise_if_permanent(error, message.partition())
            if records:
                self._reports.forget()
            yield records

    @property
    def outage(self) -> str:
        """Why no broker can be reached; "" if one can."""
        return self._reports.explain(KafkaError(KafkaError._ALL_BROKERS_DOWN)) if self._reports.all_down else ""

    def _records(self, message: Any, ends: dict[int, int]) -> Iterator[Record]:
        """The record of the message, if it is to be read. A partition that is read to its end leaves `ends`."""
        partition, error = message.partition(), message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            self._raise_if_permanent(error, partition)
            return
        if partition not in ends:
            return
        if error is None and message.offset() < ends[partition]:
            yield to_record(message)
        if error is not None or message.offset() >= ends[partition] - 1:
            del ends[partition]
            self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])

    def _raise_if_permanent(self, error: KafkaError, partition: int) -> None:
        if error.code() not in _TRANSIENT_ERRORS:
            explanation = self._reports.explain(error)
            raise ServiceError(f"topic {self._topic}, partition {partition}: {explanation}")

    def _offset_range(self, partition: int) -> OffsetRange:
        topic_partition = TopicPartition(self._topic, partition)
        low, high = self._answer(lambda: self._consumer.get_watermark_offsets(topic_partition, timeout=ANSWER_SECONDS))
        return OffsetRange(low, high)

    def _partitions(self) -> list[int]:
        metadata = self._topic_metadata()
        if metadata.error is not None:
            is_missing = metadata.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            error_type = NoSuchTopic if is_missing else ServiceError
            raise error_type(f"topic {self._topic}: {describe(metadata.error)}")
        return sorted(metadata.partitions)

    def _looks_up_times(self) -> bool:
        """
        False for librdkafka's own broker, which its cluster id tells (rdkafka_mock.c).

        It answers each question about a time as if all records were older (rdkafka_mock_handlers.c, ListOffsets).
        """
        metadata = self._answer(lambda: self._consumer.list_topics(self._topic, timeout=ANSWER_SECONDS))
        return not str(metadata.cluster_id).startswith("mockCluster")

    def _topic_metadata(self) -> Any:
        """The topic as the first broker that answers describes it."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return self._answer(lambda: self._consumer.list_topics(self._topic, timeout=1.0)).topics[self._topic]
            except NoAnswer:
                if self._reports.all_down or time.monotonic() > ends_at:
                    raise

    def _answers(self, call: Callable[[], Any]) -> Iterable[TopicPartition]:
        """As `_answer`, for an answer of which a part can be an error: that part has an offset that means nothing."""
        answers: list[TopicPartition] = self._answer(call)
        for topic_partition in answers:
            if topic_partition.error is not None:
                explanation = self._reports.explain(topic_partition.error)
                raise NoAnswer(f"topic {self._topic}, partition {topic_partition.partition}: {explanation}")
        return answers

    def _answer(self, call: Callable[[], Any]) -> Any:
        try:
            answer = call()
        except KafkaException as error:
            self._consumer.poll(0)  # otherwise the client does not report the errors of its connections
            raise NoAnswer(f"topic {self._topic}: {self._reports.explain(error.args[0])}") from None
        if answer is None:
            raise NoAnswer(f"topic {self._topic}: {describe(KafkaError(KafkaError._TIMED_OUT))}")
        return answer
