"""Records of a topic for whoever only looks: from anywhere, in no group, and nothing is committed."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.errors import NoAnswer, ServiceError
from consumer.kafka.client_config import consumer_config, made
from consumer.kafka.errors import Troubles, told
from consumer.kafka.records import message_of
from consumer.model import Message

ANSWER_SECONDS = 5.0
SILENCE_SECONDS = 30.0  # between two records of a partition that is not at its end
_READ, _TICK = 1000, 0.2  # a tick is how long Ctrl-C waits at most


class Span(NamedTuple):
    """Offsets of one partition, from `begin` to before `end`."""

    begin: int
    end: int


class Reader:
    """Reads what a topic has. Each method raises ServiceError with what is wrong and where to look."""

    def __init__(self, servers: str, group: str, options: Mapping[str, Any], topic: str) -> None:
        """`group` is a name for the broker's eyes: the reader is no member of it, but may ask what it committed."""
        self._troubles = Troubles()
        config = consumer_config(servers, group, options)
        self._consumer = made(Consumer, {**config, "error_cb": self._troubles})
        self._topic = topic

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def spans(self) -> Mapping[int, Span]:
        """What each partition of the topic has now."""
        return {number: self._span(TopicPartition(self._topic, number)) for number in self._partitions()}

    def since(self, millis: int, spans: Mapping[int, Span]) -> Mapping[int, Span]:
        """The spans from their first record that is not older than `millis` (since 1970) on."""
        asked = [TopicPartition(self._topic, number, millis) for number in spans]
        found = self._asked(lambda: self._consumer.offsets_for_times(asked, timeout=ANSWER_SECONDS))
        begins = {part.partition: part.offset for part in found}
        return {
            number: Span(max(begins[number], span.begin) if begins[number] >= 0 else span.end, span.end)
            for number, span in spans.items()
        }

    def committed(self, partitions: Mapping[int, object]) -> Mapping[int, int]:
        """The group's committed offsets, -1 where there is none."""
        asked = [TopicPartition(self._topic, number) for number in partitions]
        found = self._asked(lambda: self._consumer.committed(asked, timeout=ANSWER_SECONDS))
        return {part.partition: max(part.offset, -1) for part in found}

    def read(self, spans: Mapping[int, Span]) -> Iterator[Message]:
        """The records of these spans, in the order of their offsets by partition only."""
        left = {number: span.end for number, span in spans.items() if span.begin < span.end}
        self._consumer.assign([TopicPartition(self._topic, number, spans[number].begin) for number in left])
        heard_at = time.monotonic()
        while left:
            raws: list[Any] = self._consumer.consume(_READ, _TICK)
            heard_at = time.monotonic() if raws else heard_at
            if time.monotonic() - heard_at > SILENCE_SECONDS:
                raise NoAnswer(f"topic {self._topic}: {self._troubles.why(KafkaError(KafkaError._TIMED_OUT))}")
            for raw in raws:
                yield from self._taken(raw, left)
        self._consumer.unassign()

    def _taken(self, raw: Any, left: dict[int, int]) -> Iterator[Message]:
        number, error = raw.partition(), raw.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            self._failed(error, number)
            return
        if number not in left:
            return
        if error is None and raw.offset() < left[number]:
            yield message_of(raw, time.monotonic())
        if error is not None or raw.offset() >= left[number] - 1:
            del left[number]
            self._consumer.incremental_unassign([TopicPartition(self._topic, number)])

    def _failed(self, error: KafkaError, partition: int) -> None:
        """Raise for what does not pass by itself."""
        passing = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)
        if error.code() not in passing or self._troubles.decided:
            raise ServiceError(f"topic {self._topic}, partition {partition}: {self._troubles.why(error)}")

    def _span(self, part: TopicPartition) -> Span:
        return Span(*self._asked(lambda: self._consumer.get_watermark_offsets(part, timeout=ANSWER_SECONDS)))

    def _partitions(self) -> list[int]:
        found = self._met().topics[self._topic]
        if found.error is not None:
            raise ServiceError(f"topic {self._topic}: {told(found.error)}")
        return sorted(found.partitions)

    def _met(self) -> Any:
        """The topic as the first broker that answers tells it; not waited for where waiting is of no use."""
        ends_at = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return self._asked(lambda: self._consumer.list_topics(self._topic, timeout=1.0))
            except NoAnswer:
                if self._troubles.decided or self._troubles.all_down or time.monotonic() > ends_at:
                    raise

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            answer = question()
        except KafkaException as error:
            self._consumer.poll(0)  # else the client does not say what it has met
            raise NoAnswer(f"topic {self._topic}: {self._troubles.why(error.args[0])}") from None
        if answer is None:
            raise NoAnswer(f"topic {self._topic}: {told(KafkaError(KafkaError._TIMED_OUT))}")
        return answer
