"""The demo's stage: a broker in this process, a stand-in of Segment, the service between them, and the account."""

import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import consumer.settings
from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.cli.run import Service, service
from consumer.demo import fault_scripts, inbox, ledger
from consumer.demo.expected import Fate
from consumer.demo.ledger import Address, Arrival, DeadLetter, Ledger
from consumer.demo.samples import REFUSED_EMAIL, Sample
from consumer.demo.segment_server import Segment
from consumer.jsonio import dumps
from consumer.kafka.mock_broker import EmbeddedBroker, committed, records
from consumer.settings import Settings

TOPIC = "sprig.responses"
DEAD_LETTERS = f"{TOPIC}.dead-letter"
KEYS = {"production": "demo-production-key", "development": "demo-development-key"}
SOURCES = {key: environment for environment, key in KEYS.items()}
THROTTLED = range(3, 6)  # the requests that the stand-in asks to wait


@dataclass(frozen=True, slots=True)
class Story:
    """
    What happened. `offsets_committed`: the group's committed offsets are the partitions' ends.

    `left`: records without a trace that the group would read next, so they are not lost.
    """

    ledger: Ledger
    left: int
    seconds: float
    requests: int
    throttled: int
    dropped: Mapping[str, int]
    offsets_committed: bool
    sample: Mapping[str, Any]
    interrupted: bool

    @property
    def good(self) -> bool:
        return self.ledger.even and self.offsets_committed and not self.dropped

    @property
    def lost(self) -> int:
        return len(self.ledger.lost) - self.left


class Topic:
    """The topic that is read, and each record's address, which is its identity, with what must become of it."""

    def __init__(self) -> None:
        self._broker = EmbeddedBroker()
        self._broker.create_topic(DEAD_LETTERS)
        self._partitions = self._broker.create_topic(TOPIC)
        self._schema = schema_files.raw_schema(paths.schemas())
        self.address = self._broker.address
        self.produced: dict[Address, Fate] = {}
        self.ends: Counter[int] = Counter()

    def produce(self, sample: Sample) -> None:
        partition = zlib.crc32(sample.key) % self._partitions  # a visitor's answers keep their order
        payload = sample.payload(lambda record: decoder.encode(self._schema, record))
        self._broker.produce(TOPIC, partition, sample.key, payload)
        self.produced[Address(partition, self.ends[partition])] = sample.fate
        self.ends[partition] += 1

    def flush(self) -> None:
        self._broker.flush()


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that plays; its topic is produced to before the service runs."""

    topic: Topic
    segment: Segment
    settings: Settings
    service: Service
    began: float

    @property
    def committed(self) -> bool:
        """Whether the group's committed offsets are the partitions' ends."""
        return self._offsets() == dict(self.topic.ends)

    def _offsets(self) -> Mapping[int, int]:
        return committed(self.topic.address, self.settings.kafka_group_id, TOPIC, len(self.topic.ends))

    def account(self, interrupted: bool) -> Story:
        """What was produced against what arrived, was skipped and was set aside."""
        segment, counts = self.segment, self.service.status.counts
        arrivals = [Arrival(SOURCES[a.key], str(a.event["messageId"])) for a in segment.accepted]
        books = ledger.settle(self.topic.produced, arrivals, _dead_letters(self.topic.address), counts.skipped)
        offsets = self._offsets()
        return Story(
            books,
            sum(address.offset >= offsets[address.partition] for address in books.lost),
            time.monotonic() - self.began,
            segment.requests,
            counts.requests["throttled"],
            Counter(reason for reason, _ in [*segment.dropped, *segment.breaches]),
            offsets == dict(self.topic.ends),
            next((a.event for a in segment.accepted if a.event["properties"]["questionType"] == "matrix"), {}),
            interrupted,
        )


@contextmanager
def staged() -> Iterator[Stage]:
    """The stage, with a stand-in that throttles for a spell, refuses one event, and has an inbox for people."""
    topic, began = Topic(), time.monotonic()
    with Segment(KEYS.values()) as segment:
        segment.script = fault_scripts.first(_throttling_spell, fault_scripts.refuse(_is_refused))
        segment.pages = inbox.pages(segment, SOURCES)
        settings = consumer.settings.load(environ=_environment(topic.address, segment.url))
        with service(settings) as it:
            yield Stage(topic, segment, settings, it, began)


def _environment(kafka: str, segment: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "KAFKA_TOPIC": TOPIC,
        "KAFKA_CONFIG": '{"group.protocol": "consumer"}',
        "SEGMENT_ENDPOINT": segment,
        "SEGMENT_WRITE_KEYS": dumps(KEYS).decode(),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        "BATCH_LINGER_SECONDS": "0.2",
    }


def _throttling_spell(received: fault_scripts.Received) -> fault_scripts.Answer | None:
    return fault_scripts.problem(429, "slow down", {"Retry-After": "1"}) if received.number in THROTTLED else None


def _is_refused(event: Any) -> bool:
    return bool(event["properties"].get("email") == REFUSED_EMAIL)


def _dead_letters(address: str) -> list[DeadLetter]:
    letters = []
    for record in records(address, DEAD_LETTERS):
        headers = {name: value.decode() for name, value in record.headers() if name.startswith("dead-letter-")}
        place = Address(int(headers["dead-letter-partition"]), int(headers["dead-letter-offset"]))
        letters.append(DeadLetter(place, headers["dead-letter-reason"]))
    return letters
