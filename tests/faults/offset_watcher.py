"""Watches a run from outside: no committed offset may ever be past a record that is not settled."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from consumer.demo.expected import Skip
from consumer.demo.ledger import Address, address_of
from tests.support import Flow, wait_until

EVERY = 0.1  # seconds from one look to the next, so that watching does not take the core from what is watched


class Watch:
    """
    At each look the committed offsets are asked for first, and then what Segment and the dead-letter topic hold.

    So what is committed must be held already. `passed` has what was not; `widest` is how much was settled beyond the
    committed offsets at most, which is what a member that is lost can make come twice. `missed` looks found no broker,
    though one was there.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._accepted_seen = 0
        self._settled: set[Address] = set()
        self._beyond: defaultdict[int, set[int]] = defaultdict(set)
        self._topics: set[str] = set()  # as the metadata of offsets names them
        self._gone: set[str] = set()
        self._connect()
        self._looking = threading.Lock()
        self._over = threading.Event()
        self.committed: dict[int, int] = {}
        self.passed: list[Address] = []
        self.steps_back = 0
        self.samples = 0
        self.missed = 0
        self.widest = 0
        self._is_blind = False

    @contextmanager
    def running(self) -> Iterator["Watch"]:
        thread = threading.Thread(target=self._run, name="watch", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join(30)
            self._close()

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """The topic is no more: its records are forgotten, and offsets that name it mean nothing."""
        with self.blind(), self._looking:
            yield
            self._gone |= self._topics - {""}
            self._accepted_seen = 0
            self._settled.clear()
            self._beyond.clear()
            self.committed.clear()

    @contextmanager
    def blind(self) -> Iterator[None]:
        """A time without looks: until the second one after the block, as the first may have begun before its end."""
        self._is_blind = True
        yield
        seen = self.samples
        wait_until(lambda: self.samples > seen + 1, "the committed offsets to be seen again")
        self._is_blind = False

    @property
    def beyond(self) -> int:
        """How many records are known to be settled beyond what was committed at the last look."""
        return sum(map(len, self._beyond.values()))

    def highest(self, partition: int) -> int:
        """The end of what is known to be settled of a partition."""
        return max(self._beyond[partition], default=self.committed.get(partition, 0) - 1) + 1

    def look(self) -> None:
        """While no broker answers, nothing new can be committed, and the offsets of the last look are still true."""
        with self._looking:
            try:
                offsets = self._offsets()
                self._see_accepted()
                self._see_letters(offsets)
            except KafkaException:
                self._see_accepted()
                self.missed += bool(self.samples) and not self._is_blind
                self._close()
                self._connect()  # a client that met a broker that stands still may stay silent for minutes
            else:
                self.samples += 1
                for partition, offset in offsets.items():
                    self._check(partition, offset)
            self.widest = max(self.widest, self.beyond)

    def _connect(self) -> None:
        quiet = {"bootstrap.servers": self._flow.bootstrap, "log_level": 0}
        self._group = Consumer({**quiet, "group.id": self._flow.group})
        self._letters = Consumer({**quiet, "group.id": "watch", "auto.offset.reset": "earliest"})
        self._letters.assign([TopicPartition(f"{self._flow.topic}.dead-letter", 0, OFFSET_BEGINNING)])
        self._letters_read = 0

    def _close(self) -> None:
        self._group.close()
        self._letters.close()

    def _run(self) -> None:
        while not self._over.is_set():
            self.look()
            self._over.wait(EVERY)

    def _offsets(self) -> dict[int, int]:
        asked = [TopicPartition(self._flow.topic, number) for number in range(self._flow.partitions)]
        found = self._group.committed(asked, timeout=2)
        self._topics = {part.metadata or "" for part in found}
        return {part.partition: 0 if part.metadata in self._gone else max(part.offset, 0) for part in found}

    def _check(self, partition: int, offset: int) -> None:
        before = self.committed.get(partition, 0)
        self.passed += self._unseen(partition, offset)
        self.steps_back += offset < before
        self.committed[partition] = offset
        self._beyond[partition] = {number for number in self._beyond[partition] if number >= offset}

    def _unseen(self, partition: int, offset: int) -> list[Address]:
        """What is committed since the last look and was not seen to be settled."""
        passed = [Address(partition, number) for number in range(self.committed.get(partition, 0), offset)]
        return [address for address in passed if address not in self._settled and not self._is_skipped(address)]

    def _is_skipped(self, address: Address) -> bool:
        """Skips leave no trace, and neither do the markers of transactions, which nobody produced."""
        return isinstance(self._flow.produced.get(address), Skip | None)

    def _see_accepted(self) -> None:
        accepted = self._flow.segment.accepted
        end = len(accepted)
        for arrival in accepted[self._accepted_seen : end]:
            if address := address_of(str(arrival.event["messageId"])):
                self._see(address)
        self._accepted_seen = end

    def _see_letters(self, offsets: dict[int, int]) -> None:
        """All that the dead-letter topic holds now, if what is committed was not accepted. Raises KafkaException."""
        unseen = [address for partition, offset in offsets.items() for address in self._unseen(partition, offset)]
        if not unseen:
            return
        topic = TopicPartition(f"{self._flow.topic}.dead-letter", 0)
        _, end = self._letters.get_watermark_offsets(topic, timeout=5)
        while self._letters_read < end:
            letters = self._letters.consume(1000, 0.5)
            if not letters:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            for letter in letters:
                if letter.error() is None:
                    headers = dict(letter.headers() or ())
                    self._see(
                        Address(*(int(headers[f"dead-letter-{name}"] or b"") for name in ("partition", "offset")))
                    )
                    self._letters_read = (letter.offset() or 0) + 1

    def _see(self, address: Address) -> None:
        self._settled.add(address)
        if address.offset >= self.committed.get(address.partition, 0):
            self._beyond[address.partition].add(address.offset)
