"""Where a partition is read from: at its start, after the broker has lost its offset, in a topic made again."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from consumer.kafka.topic_id import Identity, known

log = logging.getLogger(__name__)

ASK_TIMEOUT = 5.0  # seconds for a question to the broker, asked at a rebalance and after a reset only
TOPIC_ID = "topic-id:"  # how the metadata of a committed offset begins


@dataclass(frozen=True, slots=True)
class Reset:
    """
    The broker has no record at `expected`, the group's offset (-1: it has none at all).

    What is left is from `low` to before `high`; whether the partition `goes_on` at `low` or is not read any more.
    """

    partition: int
    expected: int
    low: int
    high: int
    goes_on: bool


class Positions:
    """
    The reset policy, which the client would follow in silence: it applies where the group has no offset.

    A partition whose offset is lost stays in here until the broker has said what is left of it. Each committed offset
    says of which topic it is, by the topic's id in its metadata: in a topic that was made again it means nothing, even
    if there is a record at it.
    """

    def __init__(self, consumer: Consumer, identity: Identity, topic: str, from_beginning: bool) -> None:
        self._consumer, self._identity = consumer, identity
        self._topic, self._from_beginning = topic, from_beginning
        self._lost: set[int] = set()
        self._topic_ids: dict[int, str] = {}  # "": not known yet
        self._unasked: set[int] = set()  # whose committed offsets the broker has not told yet

    def starts(self, parts: list[TopicPartition]) -> list[TopicPartition]:
        """Where to read from: a group's own offset, or from the beginning where it has none and that is wanted."""
        self._identity.renew()
        self._topic_ids |= {part.partition: "" for part in parts}
        self._unasked.update(part.partition for part in parts)
        if not parts:
            return parts
        try:
            committed = self._committed(parts)
        except KafkaException as error:
            log.warning("committed offsets not known yet", extra={"error": error.args[0].str()})
            return parts  # the client asks again, and a reset tells if there are none
        for part in committed:
            if self._from_beginning and part.offset < 0 and part.error is None:
                part.offset = OFFSET_BEGINNING
            if self._is_of_another_topic(part.partition):
                log.warning(
                    "topic recreated, reading the partition from its start", extra={"partition": part.partition}
                )
                part.offset = OFFSET_BEGINNING
        return committed

    def _is_of_another_topic(self, partition: int) -> bool:
        """Whether the committed offset is; waits for the topic's id, lest the new one be read from there meanwhile."""
        if not (before := self._topic_ids[partition]) or not (current := self._identity.known_within(ASK_TIMEOUT)):
            return False
        self._topic_ids[partition] = current
        return before != current

    def _committed(self, parts: list[TopicPartition]) -> list[TopicPartition]:
        """The group's offsets, from which it is known of which topic they are. Raises KafkaException."""
        committed = self._consumer.committed(parts, timeout=ASK_TIMEOUT)
        self._topic_ids |= {part.partition: _topic_id(part.metadata or "") for part in committed}
        self._unasked.difference_update(part.partition for part in committed)
        return committed

    def offset(self, partition: int, offset: int) -> TopicPartition:
        """An offset to commit, which says of which topic it is."""
        topic_id = self._topic_ids.get(partition, "")
        return TopicPartition(self._topic, partition, offset, TOPIC_ID + topic_id if topic_id else "")

    def remade(self) -> Sequence[int]:
        """Partitions of a topic that was made again since their offset was committed: read from its beginning now."""
        self._identity.look()
        if not (current := self._identity.current):
            return ()
        if self._unasked and not self._ask_again():
            return ()
        others = {partition: topic_id for partition, topic_id in self._topic_ids.items() if topic_id != current}
        if not others:
            return ()
        assigned = {part.partition for part in self._consumer.assignment()}
        remade = [partition for partition, topic_id in others.items() if topic_id and partition in assigned]
        self._topic_ids = dict.fromkeys(self._topic_ids, current)
        for partition in remade:
            self._move(partition, OFFSET_BEGINNING)
        return remade

    def _ask_again(self) -> bool:
        try:
            self._committed([TopicPartition(self._topic, partition) for partition in sorted(self._unasked)])
        except KafkaException:
            self._identity.renew()  # so that the next question is not asked before a broker answers another one
        return not self._unasked

    def begin_again(self, partition: int) -> None:
        """What comes is known to be of another topic, whatever its id."""
        if partition in self._topic_ids:
            self._topic_ids[partition] = ""

    def lose(self, partition: int) -> None:
        """The client says that the partition's offset cannot be read from."""
        self._lost.add(partition)

    def forget(self, partitions: Iterable[int]) -> None:
        """They are no longer ours."""
        gone = set(partitions)
        self._lost -= gone
        self._unasked -= gone
        self._topic_ids = {partition: known for partition, known in self._topic_ids.items() if partition not in gone}

    def resets(self) -> Sequence[Reset]:
        """What is left of the partitions whose offset was lost, each told once, when the broker has said so."""
        resets: list[Reset] = []
        if not self._lost:
            return resets
        try:
            self._lost &= {part.partition for part in self._consumer.assignment()}
            for partition in sorted(self._lost):
                resets.append(self._reset(TopicPartition(self._topic, partition)))  # noqa: PERF401 - keeps what is known
        except KafkaException as error:  # the rest is asked at the next read: the loop must turn
            log.warning("offsets not known yet", extra={"error": error.args[0].str()})
        self._lost.difference_update(reset.partition for reset in resets)
        return resets

    def _reset(self, part: TopicPartition) -> Reset:
        """Ask what is left of the partition and, where that is wanted, go on there. Raises KafkaException."""
        before = self._topic_ids.get(part.partition, "")
        (committed,) = self._committed([part])
        marks = self._consumer.get_watermark_offsets(part, timeout=ASK_TIMEOUT)
        if marks is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        low, high = marks
        # The topic itself may be another one by now: until that is known, what is settled is of the one from before.
        self._topic_ids[part.partition] = before or self._topic_ids[part.partition]
        self._identity.renew()
        if self._from_beginning:
            self._move(part.partition, low)
        return Reset(part.partition, max(committed.offset, -1), low, high, self._from_beginning)

    def _move(self, partition: int, offset: int) -> None:
        self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
        self._consumer.incremental_assign([TopicPartition(self._topic, partition, offset)])


def _topic_id(metadata: str) -> str:
    """The topic's id in a committed offset's metadata, "" if somebody else committed it."""
    return known(metadata.removeprefix(TOPIC_ID)) if metadata.startswith(TOPIC_ID) else ""
