"""What the flow tests share: members of the group as processes, records with an identity, and the account of a run."""

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
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.avro.schema import WriterSchema
from consumer.demo.expected import Fate, Skip
from consumer.demo.ledger import Address, Arrival, DeadLetter, Ledger, settle
from consumer.demo.samples import REFUSED_EMAIL, Sample, responses
from consumer.demo.segment_server import Segment
from consumer.kafka.mock_broker import records

KEYS = {"production": "test-production-key", "development": "test-development-key"}
COMMAND = str(Path(sys.executable).with_name("sprig-to-segment"))


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    """Ask again and again: other processes and the broker tell nobody when something becomes true of them."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)  # between two looks, so that asking does not take the core from whom it waits for


@dataclass
class Flow:
    """One topic with what was produced to it, the stand-in of Segment, and the members that run between them."""

    bootstrap: str
    topic: str
    segment: Segment
    protocol: str = "consumer"
    settings: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 4
    produced: dict[Address, Fate] = field(default_factory=dict)
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

    def produce(self, count: int, seed: int = 1, frame: Callable[[bytes], bytes] = bytes) -> None:
        """`count` sample responses; one visitor's stay in one partition. `frame` goes around non-empty values."""
        producer = self.producer()
        for sample in responses(count, seed):
            self.put(producer, sample, frame)
        assert producer.flush(30) == 0

    def producer(self) -> Producer:
        """Idempotent, else a retry after a broker's restart changes the order of what is on its way."""
        no_limits = {"message.timeout.ms": 0, "queue.buffering.max.messages": 0}
        options = {"enable.idempotence": True, "log_level": 0, **no_limits}
        return Producer({"bootstrap.servers": self.bootstrap, **options})

    def put(self, producer: Producer, sample: Sample, frame: Callable[[bytes], bytes] = bytes) -> None:
        """Noted before it is sent, so that nobody can meet it before it is known."""
        partition = zlib.crc32(sample.key) % self.partitions
        value = sample.payload(lambda record: decoder.encode(self.schema, record))
        self.note(partition, sample.fate)
        producer.produce(self.topic, frame(value) if value else value, sample.key, partition)

    @cached_property
    def schema(self) -> WriterSchema:
        return schema_files.raw_schema(paths.schemas())

    def note(self, partition: int, fate: Fate) -> None:
        self.produced[Address(partition, self.ends[partition])] = fate
        self.ends[partition] += 1

    @contextmanager
    def member(self, **settings: str) -> Iterator["Member"]:
        member = Member({**self.environment(), **settings})
        try:
            yield member
        finally:
            member.kill()

    def committed(self) -> dict[int, int]:
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        asked = [TopicPartition(self.topic, number) for number in range(self.partitions)]
        found: list[TopicPartition] = []

        def answers() -> bool:
            with suppress(KafkaException):  # a broker that has just started may not be the group's coordinator yet
                found[:] = consumer.committed(asked, timeout=30)
            return bool(found)

        wait_until(answers, "the group's coordinator")
        consumer.close()
        return {part.partition: max(part.offset, 0) for part in found}

    def wait_until_settled(self, seconds: float = 60.0) -> None:
        """Until the committed offsets are the partitions' ends."""
        expected = {number: self.ends[number] for number in range(self.partitions)}
        wait_until(lambda: self.committed() == expected, f"committed offsets to become {expected}", seconds)

    def account(self, skipped: Mapping[str, int] | None = None) -> Ledger:
        """Without `skipped`, skips are taken for counted: they leave no trace outside of a member."""
        environments = {key: environment for environment, key in KEYS.items()}
        arrivals = [Arrival(environments[a.key], str(a.event["messageId"])) for a in self.segment.accepted]
        expected = Counter(fate.reason for fate in self.produced.values() if isinstance(fate, Skip))
        return settle(self.produced, arrivals, self.dead_letters(), expected if skipped is None else skipped)

    def dead_letters(self) -> Sequence[DeadLetter]:
        found = []
        for record in records(self.bootstrap, f"{self.topic}.dead-letter"):
            headers = dict(record.headers())
            address = Address(int(headers["dead-letter-partition"]), int(headers["dead-letter-offset"]))
            found.append(DeadLetter(address, headers["dead-letter-reason"].decode()))
        return found


class Member:
    """A process that runs the very command; its output is kept to be shown, and searched for secrets."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [COMMAND, "run"],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

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
        """Whether it was ever given any; in the classic protocol the first assignment may be of none."""
        return self.times("assigned") > 0

    @property
    def partitions(self) -> set[int]:
        """Those that it has, with those that it hands over."""
        ours: set[int] = set()
        leaving: set[int] = set()
        for line in self.lines:
            if '"event": "partitions ' in line:
                told = json.loads(line)
                named = set(told["partitions"])
                assigned, revoked = told["event"].endswith("assigned"), told["event"].endswith("revoked")
                ours = ours | named if assigned else ours - named
                leaving = named if revoked else set()
        return ours | leaving

    def times(self, kind: str) -> int:
        """How often partitions were `assigned`, `revoked` or `lost`; never any is no assignment."""
        return len(re.findall(rf'"partitions {kind}".*"partitions": \[\d', self.output))

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def url(self) -> str:
        """Where it serves HTTP, once it has said that it has started."""
        wait_until(lambda: self.has_started, "the start to be said")
        host, port = next(told["http"] for told in map(json.loads, self.lines) if told["event"] == "started")
        return f"http://{host}:{port}"

    def terminate(self, number: int = signal.SIGTERM) -> int:
        """Ask to stop; the exit code."""
        self.ask_to_end(number)
        return self.end()

    def ask_to_end(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.end()

    def end(self, seconds: float = 30) -> int:
        """Wait for its end; the exit code."""
        code = self._process.wait(seconds)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            self.lines.extend(iter(output.readline, ""))


def metric(url: str, name: str, **labels: str) -> float:
    """The sum of the metric's samples that have these labels."""
    page = httpx.get(f"{url}/metrics", trust_env=False).text
    asked = [f'{label}="{value}"' for label, value in labels.items()]
    lines = [
        line
        for line in page.splitlines()
        if line.startswith((f"sprig_to_segment_{name} ", f"sprig_to_segment_{name}{{"))
    ]
    return sum(float(line.split()[-1]) for line in lines if all(one in line for one in asked))


def is_refused(event: Any) -> bool:
    """The one sample that the stand-in is told to refuse."""
    return bool(event["properties"].get("email") == REFUSED_EMAIL)


def guid(number: int) -> UUID:
    """The GUID of the schema with this id in `registry`."""
    return UUID(int=number)


@contextmanager
def registry(schemas: Mapping[int, str], subjects: Mapping[str, Sequence[int]] | None = None) -> Iterator[str]:
    """
    The parts of a schema registry's API that reading, `check` and Confluent's serialisers need; its address.

    `subjects`: ids by version.
    """
    known: dict[str, Any] = {f"/schemas/ids/{number}": {"schema": text} for number, text in schemas.items()}
    known |= {f"/schemas/guids/{guid(number)}": {"schema": text} for number, text in schemas.items()}
    for subject, ids in (subjects or {}).items():
        known[f"/subjects/{subject}/versions"] = list(range(1, len(ids) + 1))
        for version, number in enumerate(ids, 1):
            about = {"subject": subject, "version": version, "id": number, "guid": str(guid(number))}
            known[f"/subjects/{subject}/versions/{version}"] = {**about, "schema": schemas[number]}
        known[f"/subjects/{subject}/versions/latest"] = known[f"/subjects/{subject}/versions/{len(ids)}"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = 40401 if self.path.startswith("/subjects") else 40403
            found = known.get(self.path.partition("?")[0])
            answer = {"error_code": code, "message": "not found"} if found is None else found
            body = json.dumps(answer).encode()
            self.send_response(404 if found is None else 200)
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
