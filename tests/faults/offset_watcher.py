"""Owns the check that no committed offset ever passes a record that is not settled, made from outside the members."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.closing import close_in_time
from consumer.demo.expected import ExpectSkipped
from consumer.demo.ledger import address_of
from consumer.kafka.topic_id import TopicIdentity, parse_metadata
from consumer.model import RecordAddress
from tests.support import Flow, wait_until

SAMPLE_INTERVAL = 0.1  # seconds, so that the samples do not take the CPU from the members
DEAD_LETTER_SECONDS = 10.0  # a new client on a busy machine takes seconds for its first records


class Sample(NamedTuple):
    """When it was taken, in seconds since the epoch; by partition the committed offset and the end of the settled."""

    at: float
    committed: Mapping[int, int]
    settled_ends: Mapping[int, int]


class OffsetWatcher:
    """
    Each sample reads the committed offsets first, and then the events at Segment and the dead-letter topic.

    So every record below a committed offset must be settled already. `passed` has the records that were not.
    `most_settled_ahead` is the largest number of records that were settled beyond the committed offsets, which is how
    many events the loss of a member can repeat. `failed_samples` counts the samples that found no broker although one
    was running.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._accepted_read = 0
        self._settled: set[RecordAddress] = set()
        self._settled_ahead: defaultdict[int, set[int]] = defaultdict(set)
        self._topics: set[TopicIdentity] = set()  # as the metadata of the committed offsets names them
        self._deleted_topics: set[TopicIdentity] = set()
        self._cut_offsets: dict[int, int] = {}  # committed before a cut that the group has not committed since
        self._connect()
        self._lock = threading.Lock()
        self._stop_requested = threading.Event()
        self.committed: dict[int, int] = {}
        self.passed: list[RecordAddress] = []
        self.steps_back = 0
        self.samples = 0
        self.history: list[Sample] = []
        self.failed_samples = 0
        self.most_settled_ahead = 0
        self._may_fail = False

    @contextmanager
    def running(self) -> Iterator["OffsetWatcher"]:
        thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop_requested.set()
            thread.join(30)
            self._close()

    @contextmanager
    def topic_recreation(self) -> Iterator[None]:
        """A block that recreates the topic: after it, the old records are forgotten and the old offsets ignored."""
        with self.broker_outage(), self._lock:
            yield
            self._deleted_topics |= self._topics - {TopicIdentity()}
            self._accepted_read = 0
            self._settled.clear()
            self._settled_ahead.clear()
            self.committed.clear()

    @contextmanager
    def log_truncation(self, ends: Mapping[int, int]) -> Iterator[None]:
        """A block in which the partitions lose all records behind `ends`: they and the old offsets are forgotten."""
        with self.broker_outage(), self._lock:
            yield
            self._accepted_read = 0
            self._settled = {address for address in self._settled if address.offset < ends[address.partition]}
            self._settled_ahead.clear()
            self._cut_offsets = dict(self.committed)
            self.committed.clear()

    @contextmanager
    def broker_outage(self) -> Iterator[None]:
        """
        A block in which samples may fail.

        It ends with the second sample after the block, because the first one can have begun inside the block.
        """
        self._may_fail = True
        yield
        samples_before = self.samples
        wait_until(lambda: self.samples > samples_before + 1, "two more samples of the committed offsets")
        self._may_fail = False

    @property
    def settled_ahead(self) -> int:
        """How many records are known to be settled beyond the committed offsets of the last sample."""
        return sum(map(len, self._settled_ahead.values()))

    def _note_settled_ahead(self) -> None:
        """
        Compare what is settled now with the offsets of the last sample, before those of this sample are taken over.

        So at no time between the two samples more records were settled ahead, however long the machine took for them.
        """
        self.most_settled_ahead = max(self.most_settled_ahead, self.settled_ahead)

    def settled_end(self, partition: int) -> int:
        """The offset behind the highest record of the partition that is known to be settled."""
        return max(self._settled_ahead[partition], default=self.committed.get(partition, 0) - 1) + 1

    def take_sample(self) -> None:
        """While no broker answers, no offset can be committed, so the offsets of the last sample remain valid."""
        with self._lock:
            try:
                offsets = self._offsets()
                self._read_accepted()
                self._read_dead_letters(offsets)
            except KafkaException:
                self._read_accepted()
                self._note_settled_ahead()
                self.failed_samples += bool(self.samples) and not self._may_fail
                self._close()
                self._connect()  # a client that lost a frozen broker can stay silent for minutes
            else:
                self._note_settled_ahead()
                self.samples += 1
                for partition, offset in offsets.items():
                    self._check(partition, offset)
                ends = {partition: self.settled_end(partition) for partition in offsets}
                self.history.append(Sample(time.time(), offsets, ends))

    def _connect(self) -> None:
        quiet = {"bootstrap.servers": self._flow.bootstrap, "log_level": 0}
        self._group = Consumer({**quiet, "group.id": self._flow.group})
        self._dead_letters = Consumer({**quiet, "group.id": "watcher", "auto.offset.reset": "earliest"})
        self._dead_letters.assign([TopicPartition(f"{self._flow.topic}.dead-letter", 0, OFFSET_BEGINNING)])
        self._dead_letters_read = 0

    def _close(self) -> None:
        close_in_time(self._group.close)
        close_in_time(self._dead_letters.close)

    def _run(self) -> None:
        while not self._stop_requested.is_set():
            self.take_sample()
            self._stop_requested.wait(SAMPLE_INTERVAL)

    def _offsets(self) -> dict[int, int]:
        """The committed offset of each partition; 0 if there is none, or if it is of a deleted topic."""
        topic_partitions = [TopicPartition(self._flow.topic, number) for number in range(self._flow.partitions)]
        answers = self._group.committed(topic_partitions, timeout=2)
        topics = {committed.partition: parse_metadata(committed.metadata) for committed in answers}
        self._topics = set(topics.values())
        offsets = {committed.partition: max(committed.offset, 0) for committed in answers}
        for partition, topic in topics.items():
            if topic in self._deleted_topics:
                offsets[partition] = 0
        for partition, before in list(self._cut_offsets.items()):
            if offsets[partition] == before:
                offsets[partition] = 0
            else:
                del self._cut_offsets[partition]
        return offsets

    def _check(self, partition: int, offset: int) -> None:
        before = self.committed.get(partition, 0)
        self.passed += self._newly_passed(partition, offset)
        self.steps_back += offset < before
        self.committed[partition] = offset
        self._settled_ahead[partition] = {number for number in self._settled_ahead[partition] if number >= offset}

    def _newly_passed(self, partition: int, offset: int) -> list[RecordAddress]:
        """The records that were committed since the last sample and are not known to be settled."""
        offsets = range(self.committed.get(partition, 0), offset)
        addresses = [RecordAddress(partition, number) for number in offsets]
        return [address for address in addresses if address not in self._settled and not self._is_skipped(address)]

    def _is_skipped(self, address: RecordAddress) -> bool:
        """Skipped records leave no trace, and neither do the markers of transactions, which no test produced."""
        return isinstance(self._flow.produced.get(address), ExpectSkipped | None)

    def _read_accepted(self) -> None:
        accepted = self._flow.segment.accepted
        end = len(accepted)
        for arrival in accepted[self._accepted_read : end]:
            if address := address_of(str(arrival.event["messageId"])):
                self._add_settled(address)
        self._accepted_read = end

    def _read_dead_letters(self, offsets: dict[int, int]) -> None:
        """Read the dead-letter topic to its end, if a committed record was not accepted. Raises KafkaException."""
        not_accepted = [
            address for partition, offset in offsets.items() for address in self._newly_passed(partition, offset)
        ]
        if not not_accepted:
            return
        topic_partition = TopicPartition(f"{self._flow.topic}.dead-letter", 0)
        _, end = self._dead_letters.get_watermark_offsets(topic_partition, timeout=5)
        ends_at = time.monotonic() + DEAD_LETTER_SECONDS
        while self._dead_letters_read < end:
            if time.monotonic() > ends_at:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            dead_letters = self._dead_letters.consume(1000, 0.1)
            for dead_letter in dead_letters:
                if dead_letter.error() is None:
                    self._add_settled(_address_in_headers(dead_letter))
                    self._dead_letters_read = (dead_letter.offset() or 0) + 1

    def _add_settled(self, address: RecordAddress) -> None:
        self._settled.add(address)
        if address.offset >= self.committed.get(address.partition, 0):
            self._settled_ahead[address.partition].add(address.offset)


def _address_in_headers(dead_letter: Message) -> RecordAddress:
    """The address of the rejected record, from the headers of its dead letter."""
    headers = dict(dead_letter.headers() or ())
    return RecordAddress(int(headers["dead-letter-partition"] or b""), int(headers["dead-letter-offset"] or b""))
