"""
A member of a group in a world without time: a topic, its group, Segment and a dead-letter topic that a test plays.

The ledger knows of each record whether it is settled, and in which assignment; an assertion fails the moment that a
guarantee is broken.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence, Set
from threading import Event
from typing import Any, cast

from consumer.kafka.dead_letters import DeliveryReports
from consumer.model import (
    Accepted,
    BatchRequest,
    Chunk,
    DeadLetter,
    MappedRecord,
    Misconfigured,
    Outcome,
    Pending,
    Record,
    Refused,
    Rejected,
    Retry,
    Skipped,
    TrackEvent,
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
from consumer.segment.bisection import REJECT_AFTER_SECONDS
from consumer.segment.denials import CONFIRMATIONS
from consumer.segment.send_queue import RequestLimits, SendQueue
from consumer.waits import Wait
from tests.unit.pipeline.ledger import KEYS, PipelineLedger, RecordPlace, place_of
from tests.unit.pipeline.simulated_group import SimulatedClock, SimulatedGroup

EVENTS = 4
DRAIN_SECONDS = 10.0
REJECTIONS = RejectionLimits(in_partition=1000)

clock = SimulatedClock()


class SimulatedSegment:
    """The workers: requests are in flight until they are answered, in a drain at once or never."""

    def __init__(self, ledger: PipelineLedger, buffers: PartitionBuffers) -> None:
        self.ledger, self._buffers = ledger, buffers
        self.in_flight: list[tuple[BatchRequest, list[int]]] = []
        self.answers_drains = self.recovered = False
        self.stuck_outcome: Outcome = Retry("http_500")
        self.denials: Counter[RecordPlace] = Counter()  # of events that were sent alone
        self._failing_since: dict[RecordPlace, float] = {}
        self._failed_alone: set[RecordPlace] = set()
        self._answered: list[tuple[BatchRequest, Outcome]] = []

    @property
    def free(self) -> bool:
        return len(self.in_flight) < 3

    @property
    def idle(self) -> bool:
        return not self.in_flight

    def start(self, request: BatchRequest) -> None:
        for chunk in request.chunks:
            open_chunks = self._open_chunks(chunk)
            assert open_chunks, "a chunk of a revoked assignment was sent"
            passed = self._buffers[chunk.partition].chunks._passed[chunk.key]
            assert open_chunks[passed] is chunk, "a chunk was sent before the chunks that are in front of it"
            assert all(len(denied.events) == 1 for denied in open_chunks[:passed])
            for other_request, _ in self.in_flight:
                for other in other_request.chunks:
                    if (other.partition, other.key) == (chunk.partition, chunk.key):
                        assert other not in open_chunks, "two chunks of a partition and key at a time"
        self.in_flight.append((request, [self.ledger.assignment[chunk.partition] for chunk in request.chunks]))

    def answer(self, number: int, outcome: Outcome | None = None, is_accepted: bool = False) -> None:
        """As its events deserve, if no outcome is given; `is_accepted`: they were, and the response was lost."""
        request, assignments = self.in_flight.pop(number)
        events = [
            (event, assignment)
            for chunk, assignment in zip(request.chunks, assignments, strict=True)
            for event in chunk.events
        ]
        deserved = self._deserved_outcome([event for event, _ in events])
        if outcome is None:
            outcome = deserved
        if deserved == Accepted() and (is_accepted or isinstance(outcome, Accepted)):
            for event, assignment in events:
                self.ledger.accept(event)
                if isinstance(outcome, Accepted):
                    self.ledger.settle(event.record, assignment)
        if isinstance(outcome, Misconfigured) and len(events) == 1:
            self.denials[place_of(events[0][0].record)] += 1
        if isinstance(outcome, Retry | Misconfigured):
            self._note_failed([place_of(event.record) for event, _ in events])
        self._answered.append((request, outcome))

    def _deserved_outcome(self, events: Sequence[TrackEvent]) -> Outcome:
        kinds = {self.ledger.entry(event.record).kind for event in events}
        if "denied" in kinds:  # by a firewall in front of Segment
            return Misconfigured("http_403")
        if "refused" in kinds:
            return Refused("http_400")
        if "stuck" in kinds and not self.recovered:
            return self.stuck_outcome
        return Accepted()

    def fails_alone(self, place: RecordPlace) -> bool:
        """Whether it failed with no other event beside it, and for long enough to be the cause itself."""
        return place in self._failed_alone and clock.now - self._failing_since[place] >= REJECT_AFTER_SECONDS

    def _note_failed(self, places: list[RecordPlace]) -> None:
        for place in places:
            self._failing_since.setdefault(place, clock.now)
        if len(places) == 1:
            self._failed_alone.update(places)

    def answer_all(self) -> None:
        while self.in_flight:
            self.answer(0)

    def answered(self, timeout: float = 0) -> Sequence[tuple[BatchRequest, Outcome]]:
        clock.now += timeout
        if timeout and self.answers_drains:
            self.answer_all()
        answered, self._answered = self._answered, []
        return answered

    def carries(self, partitions: Set[int]) -> bool:
        return any(chunk.partition in partitions for request, _ in self.in_flight for chunk in request.chunks)

    def _open_chunks(self, chunk: Chunk) -> list[Chunk]:
        """The open chunks of its key in the present buffer of its partition; none if the chunk is of an earlier one."""
        buffer = self._buffers.get(chunk.partition)
        open_chunks = list(buffer.chunks._queues.get(chunk.key, ())) if buffer is not None else []
        return open_chunks if chunk in open_chunks else []


class SimulatedDeadLetters:
    """The dead-letter topic. It also reports what was forgotten in the meantime."""

    waits: Sequence[Wait] = ()

    def __init__(self, ledger: PipelineLedger, segment: SimulatedSegment) -> None:
        self.ledger, self._segment = ledger, segment
        self.written: list[DeadLetter] = []
        self.open: list[tuple[DeadLetter, int]] = []
        self.allows_internal_errors = False
        self._forgotten: set[DeadLetter] = set()
        self._confirmed: list[DeadLetter] = []
        self._refused: list[tuple[DeadLetter, str]] = []

    def put(self, dead_letter: DeadLetter) -> None:
        if dead_letter.rejected.reason.startswith("stuck_"):
            is_deserved = self._segment.fails_alone(place_of(dead_letter.record))
        elif dead_letter.rejected.reason.startswith("denied_"):
            is_deserved = self._segment.denials[place_of(dead_letter.record)] >= CONFIRMATIONS
        elif dead_letter.rejected.reason == "internal_error":
            is_deserved = self.allows_internal_errors
            self.ledger.unordered.add(place_of(dead_letter.record))
        else:
            is_deserved = self.ledger.entry(dead_letter.record).kind in ("undecodable", "refused")
        assert is_deserved, "an event was rejected for others"
        self.written.append(dead_letter)
        self.open.append((dead_letter, self.ledger.assignment[dead_letter.record.partition]))

    def forget(self, partitions: Set[int]) -> None:
        self._forgotten |= {dead_letter for dead_letter, _ in self.open if dead_letter.record.partition in partitions}

    def confirm(self, most: int | None = None) -> None:
        """The first `most` that are open, or all."""
        for dead_letter, assignment in self.open[:most]:
            self._check_forgotten(dead_letter, assignment)
            self.ledger.settle(dead_letter.record, assignment)
            self._confirmed.append(dead_letter)
        del self.open[:most]

    def refuse(self) -> None:
        """For good, the first that is open: its partition waits for another member, or for ever."""
        dead_letter, assignment = self.open.pop(0)
        self._check_forgotten(dead_letter, assignment)
        self._refused.append((dead_letter, "dead_letter_too_large"))

    def advance(self, now: float, wait: float = 0) -> DeliveryReports:
        clock.now += wait
        if wait and self._segment.answers_drains:
            self.confirm()
        reports = DeliveryReports(self._confirmed, self._refused)
        self._confirmed, self._refused = [], []
        return reports

    def _check_forgotten(self, dead_letter: DeadLetter, assignment: int) -> None:
        if assignment != self.ledger.assignment[dead_letter.record.partition]:
            assert dead_letter in self._forgotten, "a dead letter of a revoked assignment would be written for ever"


class SimulatedSchemas:
    are_known = False

    waits: Sequence[Wait] = ()

    def __init__(self) -> None:
        self.lookups: Counter[str] = Counter()

    def is_pending(self, schema: object) -> bool:
        return not self.are_known


class SimulatedMember:
    """One process; another process takes over with nothing but what is committed."""

    def __init__(self, ledger: PipelineLedger, rejections: RejectionLimits = REJECTIONS) -> None:
        self.ledger, self.schemas = ledger, SimulatedSchemas()
        self.buffers = PartitionBuffers(BufferLimits(BatchLimits(EVENTS, 50_000, rejections), 10_000_000), linger=1.0)
        self.has_had_success = False
        self.group, self.segment = SimulatedGroup(ledger), SimulatedSegment(ledger, self.buffers)
        self.dead_letters = SimulatedDeadLetters(ledger, self.segment)
        processor = RecordProcessor(self._map, RejectPolicy("dead-letter", "dead-letter"))
        self.send_queue = SendQueue(KEYS, RequestLimits(2 * EVENTS, 100_000, 20), random.Random(1))
        ports = cast(Any, Ports)(
            self.group, self.schemas, {}, {}, processor, self.send_queue, self.segment, self.dead_letters
        )
        self.reporter = StatusReporter(0.0)
        self.loop = Loop(ports, self.buffers, self.reporter, DRAIN_SECONDS, clock)
        self.group.subscribe(self.loop._on_assign, self.loop._on_revoke, self.loop._on_lost)
        self.group.counts_losses_of = lambda partition: not self.buffers[partition].waits_for_restart
        for partition in ledger.topics:
            self.group.assign(partition)

    def run_once(self, seconds: float = 0.0) -> None:
        clock.now += seconds
        self.loop.run_once()
        assert self.reporter.latest().unaccounted == 0
        assert self.reporter.counters.lost_to_retention == self.group.lost

    def run_until(self, is_done: Callable[[], bool], seconds: float, most: int, before: Callable[[], None]) -> None:
        """Iterations in which nothing fails: what is in flight is answered, dead letters are confirmed."""
        for _ in range(most):
            if is_done():
                return
            before()
            self.run_once(seconds)
            self.segment.answer_all()
            self.dead_letters.confirm()
        raise AssertionError(f"committed {self.ledger.committed}, not within {most} iterations")

    def stop(self) -> None:
        """SIGTERM."""
        stop = Event()
        stop.set()
        self.loop.run(stop)
        assert self.reporter.latest().in_flight >= 0
        assert not self.send_queue._deliveries

    def _map(self, record: Record) -> MappedRecord:
        entry = self.ledger.entry(record)
        match entry.kind:
            case "undecodable":
                return Rejected("undecodable", "decoding", "")
            case "unknown" if not self.schemas.are_known:
                return Pending(7)
        self.has_had_success = True
        if entry.kind == "skip":
            return Skipped("no_user_id")
        return TrackEvent(record, entry.key, b"{}")
