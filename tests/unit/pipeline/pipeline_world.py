"""One loop with a simulated clock, group, Segment and dead-letter topic, which a test plays."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, cast

from consumer.kafka.dead_letters import DeliveryReports
from consumer.kafka.known_brokers import KnownBrokers
from consumer.kafka.records import LogPosition, OffsetReset, Progress, ReadResult
from consumer.model import (
    Accepted,
    BatchRequest,
    DeadLetter,
    MappedRecord,
    Outcome,
    Pending,
    Record,
    Rejected,
    Skipped,
    TrackEvent,
    WriteKey,
)
from consumer.pipeline.backpressure import BufferLimits
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.dispatcher import Ports
from consumer.pipeline.loop import Loop
from consumer.pipeline.record_processor import RecordProcessor
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.pipeline.rejections import RejectionLimits
from consumer.pipeline.status_reporter import StatusReporter
from consumer.segment.send_queue import RequestLimits, SendQueue
from consumer.waits import Wait

KEY = WriteKey("", "secret")
EVENTS = 10
REJECTIONS = RejectionLimits(in_partition=1000)


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeGroup:
    """The consumer: reads what a test puts in, and keeps what is committed."""

    is_group_member = True

    def last_error(self, since: float) -> str:
        return ""

    def __init__(self) -> None:
        self.known_brokers = KnownBrokers()
        self._next = ReadResult()
        self.commits = {"ok": 0, "failed": 0}
        self.waits: Sequence[Wait] = ()
        self.commit_waits: list[float] = []
        self.kept: dict[int, Progress] = {}
        self.committed: dict[int, int] = {}
        self.blocks: dict[int, str] = {}
        self.paused: set[int] = set()
        self.restarted: list[int] = []
        self.assign: Callable[[Sequence[int]], None]
        self.revoke: Callable[[Sequence[int]], None]
        self.lose: Callable[[Sequence[int]], None]

    def subscribe(self, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.assign, self.revoke, self.lose = on_assign, on_revoke, on_lost

    def give(self, partition: int, *values: bytes, start: int = 0) -> None:
        """Let the next read bring records with these values."""
        records = [Record(partition, offset, 0, None, value, (), 100) for offset, value in enumerate(values, start)]
        self._next = replace(self._next, records={**self._next.records, partition: records})

    def reach_end(self, partition: int, end: int) -> None:
        self._next = replace(self._next, ends={**self._next.ends, partition: end})

    def reset(self, reset: OffsetReset, is_at_assignment: bool = False) -> None:
        if is_at_assignment:
            self._next = replace(self._next, start_resets=[reset])
        else:
            self._next = replace(self._next, resets=[reset])

    def fail_to_unpack(self, partition: int) -> None:
        self._next = replace(self._next, unreadable={partition: 0})

    def recreate(self, partition: int) -> None:
        self._next = replace(self._next, recreated=[partition])

    def read(self, limit: int, timeout: float) -> ReadResult:
        result, self._next = self._next, ReadResult()
        return result

    def note_blocks(self, blocks: Mapping[int, str]) -> None:
        self.blocks = dict(blocks)

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        self.commit_waits.append(0.0)
        self.committed |= {partition: position.offset for partition, position in positions.items()}

    def commit_and_wait(self, positions: Mapping[int, LogPosition], seconds: float) -> bool:
        self.commit_waits.append(seconds)
        self.committed |= {partition: position.offset for partition, position in positions.items()}
        return True

    def keep(self, progress: Mapping[int, Progress]) -> None:
        self.kept |= progress

    def pause(self, partitions: Iterable[int]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self.paused -= set(partitions)

    def restart(self, partition: int) -> None:
        self.restarted.append(partition)

    def end_offset(self, partition: int) -> int:
        return -1


class FakeWorkers:
    """Keeps requests in flight until the test answers them. In a drain it answers at once, or never."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.answers_drains = True
        self.in_flight: list[BatchRequest] = []
        self._answered: list[tuple[BatchRequest, Outcome]] = []
        self.outcome_in_drain: Outcome = Accepted()
        self.count = 1000

    @property
    def free(self) -> bool:
        return len(self.in_flight) < self.count

    @property
    def idle(self) -> bool:
        return not self.in_flight

    def start(self, request: BatchRequest) -> None:
        self.in_flight.append(request)

    def answer(self, outcome: Outcome) -> BatchRequest:
        request = self.in_flight.pop(0)
        self._answered.append((request, outcome))
        return request

    def answered(self, timeout: float = 0) -> Sequence[tuple[BatchRequest, Outcome]]:
        while timeout and self.in_flight and self.answers_drains:
            self.answer(self.outcome_in_drain)
        if not self.answers_drains:
            self._clock.now += timeout
        answered, self._answered = self._answered, []
        return answered

    def carries(self, partitions: Set[int]) -> bool:
        return any(chunk.partition in partitions for request in self.in_flight for chunk in request.chunks)


class FakeDeadLetters:
    """The dead-letter topic, which confirms when the test says so: also what the loop forgot in the meantime."""

    def __init__(self) -> None:
        self.open: list[DeadLetter] = []
        self.forgotten: list[int] = []
        self.advance_waits: list[float] = []
        self.waits: Sequence[Wait] = ()
        self.confirms_when_waited_for = False
        self._reports = DeliveryReports()

    def put(self, dead_letter: DeadLetter) -> None:
        self.open.append(dead_letter)

    def forget(self, partitions: Set[int]) -> None:
        self.forgotten += sorted(partitions)

    def confirm(self) -> None:
        self._reports, self.open = DeliveryReports(confirmed=self.open), []

    def refuse(self) -> None:
        refused = [(dead_letter, "dead_letter_too_large") for dead_letter in self.open]
        self._reports, self.open = DeliveryReports(refused=refused), []

    def advance(self, now: float, wait: float = 0) -> DeliveryReports:
        self.advance_waits.append(wait)
        if wait and self.confirms_when_waited_for:
            self.confirm()
        reports, self._reports = self._reports, DeliveryReports()
        return reports


class FakeSchemas:
    pending = True

    def __init__(self) -> None:
        self.lookups: Counter[str] = Counter()
        self.waits: Sequence[Wait] = ()

    def is_pending(self, schema: object) -> bool:
        return self.pending


class PipelineWorld:
    """One loop and everything around it."""

    def __init__(
        self,
        partitions: int = 1,
        policy: str = "dead-letter",
        unknown: str = "",
        keys: Sequence[WriteKey] = (KEY,),
        memory_bytes: int = 10_000_000,
        rejections: RejectionLimits = REJECTIONS,
    ) -> None:
        self.clock, self.dead_letters = FakeClock(), FakeDeadLetters()
        self.workers = FakeWorkers(self.clock)
        self.schemas, self.framings, self.changed_values = FakeSchemas(), Counter[str](), Counter[str]()
        self.group = FakeGroup()
        processor = RecordProcessor(self.map, RejectPolicy(policy, unknown or policy))
        self.send_queue = SendQueue(keys, RequestLimits(EVENTS, 100_000, 20), random.Random(1))
        ports = cast(Any, Ports)(
            self.group,
            self.schemas,
            self.framings,
            self.changed_values,
            processor,
            self.send_queue,
            self.workers,
            self.dead_letters,
        )
        self.buffers = PartitionBuffers(BufferLimits(BatchLimits(EVENTS, 50_000, rejections), memory_bytes), linger=1.0)
        self.reporter = StatusReporter(0.0)
        self.loop = Loop(ports, self.buffers, self.reporter, 10.0, self.clock)
        self.group.subscribe(self.loop._on_assign, self.loop._on_revoke, self.loop._on_lost)
        self.group.assign(range(partitions))

    def map(self, record: Record) -> MappedRecord:
        match record.value:
            case b"skip":
                return Skipped("no_user_id")
            case b"undecodable":
                return Rejected("undecodable", "decoding", "")
            case bytes(value) if value.startswith(b"rejected "):
                reason = value.decode().removeprefix("rejected ")
                return Rejected(reason, "mapping", f"a hint about {reason}")
            case b"defect":
                return Rejected("internal_error", "internal", "KeyError at consumer/jsonio.py:1")
            case b"unknown schema" if self.schemas.pending:
                return Pending(7)
        return TrackEvent(record, KEY, b"{}")

    def run_once(self, seconds: float = 0.0) -> None:
        """One iteration of the loop, so many seconds after the last one."""
        self.clock.now += seconds
        self.loop.run_once()
        assert self.reporter.latest().unaccounted == 0

    def start_linger(self) -> None:
        """What is read within the next second waits for the end of that second, unless a batch is full."""
        self.buffers.start_linger(self.clock.now)

    def settle(self) -> None:
        """Enough iterations for what is due to be sent, accepted and committed."""
        for _ in range(3):
            self.run_once(2.0)
            while self.workers.in_flight:
                self.workers.answer(Accepted())
            self.run_once(2.0)
