"""The environment of the demo: a broker in this process, a stand-in for Segment, and the service between them."""

import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import consumer.settings
from consumer import app, paths
from consumer.avro import decoder, schema_files
from consumer.demo import fault_scripts, ledger
from consumer.demo.demo_segment import KEYS, SOURCES, demo_segment
from consumer.demo.expected import ExpectedOutcome
from consumer.demo.ledger import Arrival, Ledger, LedgerDeadLetter
from consumer.demo.samples import Sample
from consumer.demo.segment_server import SegmentStandIn
from consumer.jsonio import dumps
from consumer.kafka.mock_broker import MockBroker, committed, records
from consumer.model import RecordAddress
from consumer.observability.http_server import StatusServer
from consumer.settings import Settings

TOPIC = "sprig.responses"
DEAD_LETTERS = f"{TOPIC}.dead-letter"
THROTTLED_REQUESTS = range(3, 6)  # by their numbers


class DemoEnd(Enum):
    """Why a run of the demo ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    TOO_SLOW = "too slow"


@dataclass(frozen=True, slots=True)
class DemoReport:
    """
    What happened in a run of the demo.

    `offsets_committed`: the group's committed offsets are the partitions' ends. `unread`: records that left no trace
    because the group would read them next; they are not lost.
    """

    ledger: Ledger
    unread: int
    seconds: float
    requests: int
    throttled: int
    dropped: Mapping[str, int]
    offsets_committed: bool
    sample: Mapping[str, Any]
    end: DemoEnd

    @property
    def ok(self) -> bool:
        return self.ledger.even and self.offsets_committed and not self.dropped

    @property
    def lost(self) -> int:
        return len(self.ledger.lost) - self.unread


class DemoTopic:
    """The topic that the service reads, with the expected outcome of each record by the record's address."""

    def __init__(self) -> None:
        self._broker = MockBroker()
        self._broker.create_topic(DEAD_LETTERS)
        self._partitions = self._broker.create_topic(TOPIC)
        self._schema = schema_files.raw_schema(paths.schemas())
        self.bootstrap_servers = self._broker.address
        self.produced: dict[RecordAddress, ExpectedOutcome] = {}
        self.ends: Counter[int] = Counter()

    def produce_all(self, samples: Iterable[Sample]) -> None:
        """Produce the samples and wait until they are written."""
        for sample in samples:
            self._produce(sample)
        self._broker.flush()

    def _produce(self, sample: Sample) -> None:
        partition = zlib.crc32(sample.key) % self._partitions  # keeps a visitor's answers in order
        payload = sample.payload(lambda record: decoder.encode(self._schema, record))
        self._broker.produce(TOPIC, partition, sample.key, payload)
        self.produced[RecordAddress(partition, self.ends[partition])] = sample.expected
        self.ends[partition] += 1


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """Everything that takes part in a run. `variables` are the settings; `started_at` is in seconds since 1970."""

    topic: DemoTopic
    segment: SegmentStandIn
    variables: Mapping[str, str]
    settings: Settings
    service: app.Service
    server: StatusServer
    started_at: float

    @property
    def all_committed(self) -> bool:
        """Whether the group's committed offsets are the partitions' ends."""
        return self._committed_offsets() == dict(self.topic.ends)

    def report(self, end: DemoEnd) -> DemoReport:
        """What was produced, compared with what arrived, was skipped or was rejected."""
        segment, counters = self.segment, self.service.reporter.counters
        arrivals = [Arrival(SOURCES[event.key], str(event.event["messageId"])) for event in segment.accepted]
        dead_letters = _dead_letters(self.topic.bootstrap_servers)
        balance = ledger.balance(self.topic.produced, arrivals, dead_letters, counters.skipped)
        offsets = self._committed_offsets()
        return DemoReport(
            ledger=balance,
            unread=sum(address.offset >= offsets[address.partition] for address in balance.lost),
            seconds=time.time() - self.started_at,
            requests=segment.requests,
            throttled=counters.requests["throttled"],
            dropped=Counter(reason for reason, _ in [*segment.dropped, *segment.breaches]),
            offsets_committed=offsets == dict(self.topic.ends),
            sample=_sample_event(segment),
            end=end,
        )

    def _committed_offsets(self) -> Mapping[int, int]:
        group, partitions = self.settings.kafka_group_id, len(self.topic.ends)
        return committed(self.topic.bootstrap_servers, group, TOPIC, partitions)


@contextmanager
def demo_environment() -> Iterator[DemoEnvironment]:
    """A new environment. The stand-in throttles for a while, refuses one event, and serves an inbox page."""
    topic, started_at = DemoTopic(), time.time()
    with demo_segment(_throttle) as segment:
        variables = _environment_variables(topic.bootstrap_servers, segment.url)
        settings = consumer.settings.load(environ=variables)
        with app.build(settings, app.normal(settings)) as service, app.status_server(settings, service) as server:
            yield DemoEnvironment(topic, segment, variables, settings, service, server, started_at)


def _environment_variables(bootstrap_servers: str, segment_url: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "KAFKA_TOPIC": TOPIC,
        "KAFKA_CONFIG": '{"group.protocol": "consumer"}',
        "SEGMENT_ENDPOINT": segment_url,
        "SEGMENT_WRITE_KEYS": dumps(KEYS).decode(),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        "BATCH_LINGER_SECONDS": "0.2",
    }


def _throttle(batch: fault_scripts.ReceivedBatch) -> fault_scripts.ScriptedResponse | None:
    if batch.number in THROTTLED_REQUESTS:
        return fault_scripts.problem(429, "slow down", {"Retry-After": "1"})
    return None


def _sample_event(segment: SegmentStandIn) -> Mapping[str, Any]:
    """An accepted event whose answer is an object, {} if there is none."""
    events = (accepted.event for accepted in segment.accepted)
    return next((event for event in events if event["properties"]["questionType"] == "matrix"), {})


def _dead_letters(bootstrap_servers: str) -> list[LedgerDeadLetter]:
    dead_letters = []
    for record in records(bootstrap_servers, DEAD_LETTERS):
        headers = {name: value.decode() for name, value in record.headers() if name.startswith("dead-letter-")}
        address = RecordAddress(int(headers["dead-letter-partition"]), int(headers["dead-letter-offset"]))
        dead_letters.append(LedgerDeadLetter(address, headers["dead-letter-reason"]))
    return dead_letters
