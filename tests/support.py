"""Owns the helpers of tests that run members as processes: the flow of records, its members and its ledger."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.avro.schema import WriterSchema
from consumer.demo.expected import ExpectedOutcome, ExpectSkipped
from consumer.demo.ledger import Arrival, Ledger, LedgerDeadLetter, balance
from consumer.demo.samples import REFUSED_EMAIL, Sample, responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import records
from consumer.model import RecordAddress

KEYS = {"production": "test-production-key", "development": "test-development-key"}
FORGOTTEN = "the Kafka client has forgotten all brokers"
COMMAND = str(Path(sys.executable).with_name("sprig-to-segment"))


def wait_until(condition: Callable[[], Any], description: str, seconds: float = 60.0) -> None:
    """Poll the condition, because other processes and the broker do not notify the test. `description` names it."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not within {seconds:.0f} s: {description}"
        time.sleep(0.02)  # so that polling does not take the CPU from the processes that the test waits for


class SampleSink(Protocol):
    """`Producer`, or one that outlasts its client."""

    def produce(self, topic: str, value: bytes | None, key: bytes, partition: int, /) -> None: ...


@dataclass
class Flow:
    """
    One topic with the records that were produced to it, the stand-in for Segment, and the settings of the members.

    `produced` maps each record to its expected outcome. `ends` has the end offset of each partition.
    """

    bootstrap: str
    topic: str
    segment: SegmentStandIn
    protocol: str = "consumer"
    settings: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 4
    produced: dict[RecordAddress, ExpectedOutcome] = field(default_factory=dict)
    ends: Counter[int] = field(default_factory=Counter)

    @property
    def group(self) -> str:
        return f"{self.topic}.group"

    def environment(self) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "KAFKA_TOPIC": self.topic,
            "KAFKA_GROUP_ID": self.group,
            "KAFKA_CONFIG": json.dumps({"group.protocol": self.protocol, **self.timeouts()}),
            "SEGMENT_ENDPOINT": self.segment.url,
            "SEGMENT_WRITE_KEYS": json.dumps(KEYS),
            "BATCH_MAX_EVENTS": "50",
            "BATCH_LINGER_SECONDS": "0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": "0",
            **self.settings,
        }

    def timeouts(self) -> dict[str, int]:
        return {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000} if self.protocol == "classic" else {}

    def produce(
        self,
        count: int,
        seed: int = 1,
        frame: Callable[[bytes], bytes] = bytes,
        producer: Producer | None = None,
    ) -> None:
        """
        Produce `count` sample responses. All samples of one visitor go to one partition.

        `frame` adds the framing to each value that is not empty. `producer`: one that has written before.
        """
        producer = producer or self.producer()
        for sample in responses(count, seed):
            self.produce_sample(producer, sample, frame)
        assert producer.flush(30) == 0

    def producer(self, **further_options: Any) -> Producer:
        """An idempotent producer: with any other, a retry after a broker's restart can change the order of records."""
        no_limits = {"message.timeout.ms": 0, "queue.buffering.max.messages": 0}
        options = {"enable.idempotence": True, "log_level": 0, **no_limits, **further_options}
        return Producer({"bootstrap.servers": self.bootstrap, **options})

    def produce_sample(self, producer: SampleSink, sample: Sample, frame: Callable[[bytes], bytes] = bytes) -> None:
        """Note the sample and then produce it, so that a reader of the topic never finds an unknown record."""
        partition = zlib.crc32(sample.key) % self.partitions
        value = sample.payload(lambda record: decoder.encode(self.schema, record))
        self.note_produced(partition, sample.expected)
        producer.produce(self.topic, frame(value) if value else value, sample.key, partition)

    @cached_property
    def schema(self) -> WriterSchema:
        return schema_files.raw_schema(paths.schemas())

    def note_produced(self, partition: int, expected: ExpectedOutcome) -> None:
        """Note that the next record of this partition was produced, and its expected outcome."""
        self.produced[RecordAddress(partition, self.ends[partition])] = expected
        self.ends[partition] += 1

    @contextmanager
    def member(self, **settings: str) -> Iterator["Member"]:
        member = Member({**self.environment(), **settings})
        try:
            yield member
        finally:
            member.kill()

    def committed(self) -> dict[int, int]:
        """The committed offset of each partition; 0 if there is none."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        topic_partitions = [TopicPartition(self.topic, number) for number in range(self.partitions)]
        committed: list[TopicPartition] = []

        def is_answered() -> bool:
            with suppress(KafkaException):  # after its start, the broker is not the group's coordinator for a while
                committed[:] = consumer.committed(topic_partitions, timeout=30)
            return bool(committed)

        wait_until(is_answered, "the group's coordinator to answer")
        consumer.close()
        return {topic_partition.partition: max(topic_partition.offset, 0) for topic_partition in committed}

    def wait_until_settled(self, seconds: float = 60.0) -> None:
        """Wait until the committed offset of each partition is its end offset."""
        expected = {number: self.ends[number] for number in range(self.partitions)}
        wait_until(lambda: self.committed() == expected, f"the committed offsets to become {expected}", seconds)

    def ledger(self) -> Ledger:
        """The ledger of the run. Expected skips count as done, because a skip leaves no trace outside of a member."""
        environments = {key: environment for environment, key in KEYS.items()}
        arrivals = [
            Arrival(environments[accepted.key], str(accepted.event["messageId"])) for accepted in self.segment.accepted
        ]
        skipped = Counter(expected.reason for expected in self.produced.values() if isinstance(expected, ExpectSkipped))
        return balance(self.produced, arrivals, self.dead_letters(), skipped)

    def dead_letters(self) -> Sequence[LedgerDeadLetter]:
        dead_letters = []
        for record in records(self.bootstrap, f"{self.topic}.dead-letter"):
            headers = dict(record.headers())
            address = RecordAddress(int(headers["dead-letter-partition"]), int(headers["dead-letter-offset"]))
            dead_letters.append(LedgerDeadLetter(address, headers["dead-letter-reason"].decode()))
        return dead_letters


class Member:
    """
    A process that runs the `run` command. `lines` holds its whole output, which failed tests print.

    If a client has forgotten all brokers, the process ends, and is started again as a platform does. `restarts` counts
    that.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self.restarts = 0
        self._environment = {"PATH": os.environ["PATH"], **environment}
        self._was_asked_to_end = False
        self._process = self._start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, "run"], env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_started(self) -> bool:
        return '"event": "started"' in self.output

    @property
    def has_partitions(self) -> bool:
        """Whether the member ever got partitions; in the classic protocol its first assignment can be empty."""
        return self.times("assigned") > 0

    @property
    def partitions(self) -> set[int]:
        """The partitions that the member owns, and those that it is draining."""
        owned: set[int] = set()
        draining: set[int] = set()
        for line in self.lines:
            if '"event": "partitions ' in line:
                event_line = json.loads(line)
                changed = set(event_line["partitions"])
                draining = set()
                if event_line["event"].endswith("assigned"):
                    owned |= changed
                else:
                    owned -= changed
                if event_line["event"].endswith("revoked"):
                    draining = changed
        return owned | draining

    def times(self, kind: str) -> int:
        """How often partitions were `assigned`, `revoked` or `lost`. An empty assignment does not count."""
        return len(re.findall(rf'"partitions {kind}".*"partitions": \[\d', self.output))

    def losses(self) -> list[tuple[float, list[int]]]:
        """When the member logged that it lost partitions, in seconds since the epoch, and which."""
        losses, assigned = list[tuple[float, list[int]]](), set[int]()
        for line in map(json.loads, filter(_is_of_partitions, self.lines)):
            at = datetime.fromisoformat(line["timestamp"]).timestamp()
            if line["event"] == "partitions assigned":
                assigned.update(line["partitions"])
            elif line["event"] == "partitions lost":
                losses.append((at, line["partitions"]))
            elif FORGOTTEN in line.get("error", ""):  # perhaps without a commit
                losses.append((at, sorted(assigned)))
        return losses

    @property
    def has_ended(self) -> bool:
        return not self._reader.is_alive()

    @property
    def url(self) -> str:
        """The address at which the member serves HTTP. Waits until the member has logged its start."""
        wait_until(lambda: self.has_started, "the start to be logged")
        *_, address = [line["http"] for line in map(json.loads, self.lines) if line["event"] == "started"]
        if isinstance(address, list):  # the previous version logs host and port
            return f"http://127.0.0.1:{address[1]}"
        return str(address).rstrip("/")

    def terminate(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end of the process, and return its exit code."""
        self.ask_to_end(number)
        return self.end()

    def ask_to_end(self, number: int = signal.SIGTERM) -> None:
        self._was_asked_to_end = True
        self._process.send_signal(number)

    def kill(self) -> None:
        self._was_asked_to_end = True
        if self._process.poll() is None:
            self._process.kill()
        self.end()

    def end(self, seconds: float = 30) -> int:
        """Wait for the end of the process, and return its exit code."""
        self._reader.join(seconds)
        return self._process.wait(5)

    def _read(self) -> None:
        while True:
            assert self._process.stdout
            with self._process.stdout as output:
                self.lines.extend(iter(output.readline, ""))
            self._process.wait()
            if self._was_asked_to_end or not self.lines or FORGOTTEN not in self.lines[-1]:
                return
            self.restarts += 1
            self._process = self._start()


def _is_of_partitions(line: str) -> bool:
    return '"event": "partitions ' in line or FORGOTTEN in line


def metric(url: str, name: str, **labels: str) -> float:
    """The sum of the metric's samples with these labels, read from the member at `url`."""
    page = httpx.get(f"{url}/metrics", trust_env=False).text
    selectors = [f'{label}="{value}"' for label, value in labels.items()]
    lines = [
        line
        for line in page.splitlines()
        if line.startswith((f"sprig_to_segment_{name} ", f"sprig_to_segment_{name}{{"))
    ]
    return sum(float(line.split()[-1]) for line in lines if all(label in line for label in selectors))


def is_refused(event: Any) -> bool:
    """Whether the event is of the one sample that the stand-in for Segment refuses."""
    return bool(event["properties"].get("email") == REFUSED_EMAIL)


def guid(number: int) -> UUID:
    """The GUID of the schema with this id in `registry`."""
    return UUID(int=number)


@contextmanager
def registry(schemas: Mapping[int, str], subjects: Mapping[str, Sequence[int]] | None = None) -> Iterator[str]:
    """
    Serve the API of a schema registry, as far as `run`, `check` and Confluent's serialisers need it; its address.

    `schemas`: text by id. `subjects`: the ids of a subject's versions, from version 1.
    """
    responses: dict[str, Any] = {f"/schemas/ids/{number}": {"schema": text} for number, text in schemas.items()}
    responses |= {f"/schemas/guids/{guid(number)}": {"schema": text} for number, text in schemas.items()}
    for subject, ids in (subjects or {}).items():
        responses[f"/subjects/{subject}/versions"] = list(range(1, len(ids) + 1))
        for version, number in enumerate(ids, 1):
            version_info = {"subject": subject, "version": version, "id": number, "guid": str(guid(number))}
            responses[f"/subjects/{subject}/versions/{version}"] = {**version_info, "schema": schemas[number]}
        responses[f"/subjects/{subject}/versions/latest"] = responses[f"/subjects/{subject}/versions/{len(ids)}"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = 40401 if self.path.startswith("/subjects") else 40403
            status, response = 200, responses.get(self.path.partition("?")[0])
            if response is None:
                status, response = 404, {"error_code": code, "message": "not found"}
            self._send(status, response)

        def do_POST(self) -> None:
            """Register a schema, which must be one of those that are served."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted = json.loads(body["schema"])
            ids = [number for number, text in schemas.items() if json.loads(text) == posted]
            self._send(200 if ids else 409, {"id": ids[0]} if ids else {"error_code": 409, "message": "incompatible"})

        def _send(self, status: int, response: Any) -> None:
            body = json.dumps(response).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
