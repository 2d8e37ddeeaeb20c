"""
A member that plays a schedule while an exception of any type is raised somewhere: at a seam, or at a line of code.

The loop really runs, from its start to its end: the steps of the schedule happen inside the reads.
"""

import dataclasses
import sys
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from threading import Event
from types import FrameType, SimpleNamespace
from typing import Any, NamedTuple

import consumer
from consumer.avro.framing import Framed
from consumer.avro.schema import AvroType, WriterSchema
from consumer.errors import DecodingError, RecordSkipped, ServiceError
from consumer.jsonio import dumps
from consumer.model import MappedRecord, Outcome, Pending, Record
from consumer.pipeline.record_mapper import DecodeStages, RecordMapper
from consumer.pipeline.write_keys import WriteKeys
from consumer.reasons import Reason
from consumer.segment.workers import Workers
from tests.unit.pipeline.ledger import KEYS, LedgerRecord, Offset, PipelineLedger
from tests.unit.pipeline.simulated_member import SimulatedMember, clock

SECRET = "data of a record"
FOR_EVER = 10**9
CALM_READS = 6

MAPPER_SEAMS = ("frame", "schema", "branch", "decode", "mapping", "environment", "body")
STATUS_SEAM = "group.end_offset"
ATTEMPT = "attempt"
LINE = "line"
"""Any line of TRACED that is executed."""
COMMIT_SEAMS = ("group.commit", "group.commit_and_wait", "buffers.committable")
"""What the last commit itself needs."""
LOOP_SEAMS = (
    STATUS_SEAM,
    "group.read",
    *COMMIT_SEAMS,
    "group.pause",
    "group.resume",
    "group.restart",
    "schemas.is_pending",
    "segment.start",
    "segment.answered",
    "segment.carries",
    "dead_letters.put",
    "dead_letters.advance",
    "dead_letters.forget",
    "send_queue.put",
    "send_queue.decide",
    "send_queue.next_request",
    "send_queue.stalled",
    "send_queue.could_send",
    "send_queue.forget",
    "buffers.assign",
    "buffers.drop",
    "buffers.full",
    "buffers.due",
    "buffers.over_limit",
    "buffers.advance",
    "reporter.answered",
    "reporter.rebalanced",
    "loop._on_assign",
    "loop._on_revoke",
    "loop._on_lost",
)
ERRORS: Sequence[type[Exception]] = (KeyError, RecursionError, MemoryError, OSError, UnicodeError)

TRACED = {
    str(Path(consumer.__file__).parent / name)
    for name in (
        "pipeline/batch.py",
        "pipeline/buffers.py",
        "pipeline/dispatcher.py",
        "pipeline/log_changes.py",
        "pipeline/loop.py",
        "pipeline/open_chunks.py",
        "pipeline/partition_buffer.py",
        "pipeline/record_mapper.py",
        "pipeline/record_processor.py",
        "pipeline/reject_policy.py",
        "pipeline/rejections.py",
        "pipeline/status_reporter.py",
        "segment/bisection.py",
        "segment/denials.py",
        "segment/key_queue.py",
        "segment/circuit_breaker.py",
        "segment/send_queue.py",
    )
}


_SCHEMA = WriterSchema("test", AvroType("record"), None, None, 1000)
_KEYS = {key.environment: key for key in KEYS}


class Fault(NamedTuple):
    """From its `first` call on, the seam fails `times` times; if `is_late`, after the call had its effect."""

    seam: str
    first: int
    times: int
    error: type[Exception]
    is_late: bool = False


class Step(NamedTuple):
    """Something that happens around the member, some seconds after the step before."""

    happen: Callable[["FaultyMember"], None]
    seconds: float = 1.0


class FaultyMember(SimulatedMember):
    """A simulated member with the real record mapper, in which a fault takes place."""

    def __init__(self, ledger: PipelineLedger, fault: Fault) -> None:
        self.fault, self.calls, self.raised = fault, 0, 0
        self.settled: dict[int, Offset] = {}
        self._assignment: dict[int, int] = {}
        self._mapper = RecordMapper(self._stages(), WriteKeys(_KEYS, lambda key: key.secret, "topic"))
        self._record = Record(0, 0, 0, None, None, ())
        super().__init__(ledger)
        self._committable = self.buffers.committable
        self.dead_letters.allows_internal_errors = fault.seam in (*MAPPER_SEAMS, LINE)
        if fault.seam in LOOP_SEAMS:
            owner, _, name = fault.seam.partition(".")
            part = getattr(self, owner)
            setattr(part, name, self._faulty(fault.seam, getattr(part, name)))

    def play(self, steps: Sequence[Step]) -> Exception | None:
        """Run until all steps are played, or until an error ends the loop; this error, if there is one."""
        stop, remaining, read = Event(), [*steps, *[Step(settle)] * CALM_READS], self.group.read

        def play_and_read(limit: int, timeout: float) -> Any:
            assert self.reporter.latest().unaccounted == 0
            self._note_settled()
            step = remaining.pop(0)
            clock.now += step.seconds
            step.happen(self)
            if not remaining:
                stop.set()
            return read(limit, timeout)

        self.group.read = play_and_read  # type: ignore[method-assign]
        if self.fault.seam == LINE:
            sys.settrace(self._trace)
        try:
            self.loop.run(stop)
        except (ServiceError, self.fault.error) as error:
            return error
        finally:
            sys.settrace(None)
        return None

    def answer(self, number: int, outcome: Outcome | None = None) -> None:
        """Segment answers a request; or the attempt of the request raises something."""
        in_flight = self.segment.in_flight
        if not in_flight:
            return
        number %= len(in_flight)
        if self.fault.seam == ATTEMPT:
            workers = Workers(self._faulty(ATTEMPT, lambda _: outcome), 1)
            workers.start(in_flight[number][0])
            ((_, outcome),) = workers.answered(10)
            workers.close()
        self.segment.answer(number, outcome, is_accepted=self.fault.is_late)

    def has_committed_what_was_settled(self) -> bool:
        """Whether everything of a present topic is committed that was settled when the last iteration began."""
        return all(
            self.ledger.committed[partition] >= to
            for partition, to in self.settled.items()
            if self.ledger.assignment[partition] == self._assignment[partition]
            and to.topic == self.ledger.topic(partition)
        )

    def _note_settled(self) -> None:
        tracing = sys.gettrace()
        sys.settrace(None)
        self._assignment = dict(self.ledger.assignment)
        self.settled = {
            partition: Offset(self.group.position[partition].topic, position.offset)
            for partition, position in self._committable(self.buffers.partitions).items()
        }
        sys.settrace(tracing)

    def _faulty(self, seam: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which fails at the calls at which the fault says so."""
        if seam != self.fault.seam:
            return function

        def call(*arguments: Any, **options: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            fails = self.fault.first <= number < self.fault.first + self.fault.times
            if fails and not self.fault.is_late:
                self._fail()
            result = function(*arguments, **options)
            if fails:
                self._fail()
            return result

        return call

    def _fail(self) -> None:
        self.raised += 1
        raise self.fault.error(SECRET)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """What Python calls for each call and each line: an error in here is an error of the line."""
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            self.calls += 1
            if self.calls > self.fault.first:
                self._fail()
        return self._trace

    def _map(self, record: Record) -> MappedRecord:
        self._record = record
        return self._mapper.map(record)

    def _stages(self) -> DecodeStages:
        frame, schema = self._faulty("frame", self._frame), self._faulty("schema", self._schema)
        branch, decode = self._faulty("branch", lambda _, start: (0, start)), self._faulty("decode", self._decode)
        environment, body = self._faulty("environment", _environment), self._faulty("body", _body)
        mapping = SimpleNamespace(environment=environment, body=body, fields=())
        return DecodeStages(frame, schema, branch, decode, self._faulty("mapping", lambda _: mapping))

    def _frame(self, record: Record) -> Framed:
        if self.ledger.entry(record).kind == "unknown":
            return Framed("unknown", 0, record.value or b"")
        return Framed(f"schema {record.partition}", 0, record.value or b"")

    def _schema(self, reference: Hashable) -> WriterSchema | Pending:
        if reference == "unknown" and not self.schemas.are_known:
            return Pending(7)
        branches = (_SCHEMA,) if reference == "schema 1" else ()
        return dataclasses.replace(_SCHEMA, branches=branches)

    def _decode(self, *_: Any) -> LedgerRecord:
        entry = self.ledger.entry(self._record)
        if entry.kind == "undecodable":
            raise DecodingError(Reason.UNDECODABLE)
        return entry


def settle(member: SimulatedMember) -> None:
    """Nothing new happens: what is in flight is answered, dead letters are confirmed."""
    assert isinstance(member, FaultyMember)
    member.schemas.are_known = member.segment.answers_drains = True
    for _ in member.segment.in_flight[:]:
        member.answer(0)
    member.dead_letters.confirm()


def _environment(entry: LedgerRecord) -> str:
    return entry.key.environment


def _body(entry: LedgerRecord, _: Record, message_id: str, _is_large: bool) -> bytes:
    if entry.kind == "skip":
        raise RecordSkipped("no_user_id")
    return dumps({"messageId": message_id})
