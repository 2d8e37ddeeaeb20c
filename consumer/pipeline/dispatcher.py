"""Opens the batches of the buffers, sends them on their way, and applies the outcomes to the buffers."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from consumer.avro.schema_cache import SchemaCache
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.dead_letters import DeliveryReports
from consumer.model import Blocked, Chunk, DeadLetter, Skipped
from consumer.pipeline.batch import make_batch
from consumer.pipeline.blocks import log_block
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.record_processor import RecordProcessor
from consumer.pipeline.reject_policy import Discarded
from consumer.pipeline.rejections import MemberRejections, Rejections
from consumer.pipeline.status_reporter import PortReports, StatusReporter
from consumer.reasons import BlockReason
from consumer.segment.bisection import (
    ChunkDecision,
    ChunkPassed,
    ChunkRejected,
    ChunkReturned,
    ChunkSettled,
    ChunkSplit,
)
from consumer.segment.send_queue import SendQueue
from consumer.segment.workers import Workers
from consumer.waits import Wait

log = logging.getLogger(__name__)


class DeadLetterSink(Protocol):
    """Keeps dead letters and confirms each of them: `DeadLetterWriter`, or a sink that writes nothing."""

    @property
    def waits(self) -> Sequence[Wait]: ...
    def put(self, dead_letter: DeadLetter) -> None: ...
    def forget(self, partitions: Set[int]) -> None: ...
    def advance(self, now: float, wait: float = 0) -> DeliveryReports: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the loop talks to, in the order in which a record meets it."""

    consumer: GroupConsumer
    schemas: SchemaCache
    framings: Mapping[str, int]
    """How often each framing was seen under AVRO_FRAMING=auto."""
    changed_values: Mapping[str, int]
    """How often a value was not sent as it is, by what was done."""
    processor: RecordProcessor
    send_queue: SendQueue
    workers: Workers
    dead_letters: DeadLetterSink

    def reports(self, blocks: Mapping[int, str]) -> PortReports:
        """What the ports counted, and what stops or slows delivery outside. `blocks` are reported with it."""
        waiting = self.consumer, self.schemas, self.send_queue, self.dead_letters
        waits = [wait for port in waiting for wait in port.waits]
        lookups = self.schemas.lookups
        return PortReports(self.consumer.commits, lookups, self.framings, self.changed_values, waits, blocks)


class Dispatcher:
    """
    Applies each outcome to the buffer of its partition once, and never after the partition was given up.

    It belongs to the loop's thread, like the buffers.
    """

    def __init__(
        self,
        ports: Ports,
        buffers: PartitionBuffers,
        reporter: StatusReporter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ports, self._buffers, self._reporter, self._clock = ports, buffers, reporter, clock
        self._rejections = MemberRejections()

    def open_batch(self, buffer: PartitionBuffer) -> bool:
        """Make the partition's next batch, send its chunks and dead letters on their way; whether it has events."""
        limits = self._buffers.batch_limits(buffer)
        process = self._ports.processor.process
        batch = make_batch(buffer.waiting_records, process, limits, Rejections(buffer.rejections, self._rejections))
        for chunk in buffer.open(batch, limits, self._clock()):
            self._ports.send_queue.put(chunk)
        self._rejections = batch.rejections.of_member
        self._buffers.move_to_end(buffer.partition)
        self._reporter.counters.skipped.update(batch.skipped)
        for dead_letter in batch.dead_letters:
            self._ports.dead_letters.put(dead_letter)
        if isinstance(batch.blocked, Blocked):
            log_block(buffer.partition, batch.blocked)
        return bool(batch.events)

    def resume(self) -> None:
        """Let the partitions go on that were blocked for rejected records, if another partition had a success."""
        for partition, blocked in self._buffers.resume(self._rejections).items():
            log.info("delivery resumed", extra={"partition": partition, "reason": blocked.reason})

    def apply_outcomes(self, timeout: float = 0) -> None:
        """Apply the outcomes and confirmations that came in. Waits at most `timeout` seconds for the first of them."""
        for request, outcome in self._ports.workers.answered(timeout):
            now = self._clock()
            self._reporter.answered(request, outcome, now)
            for decision in self._ports.send_queue.decide(request, outcome, now):
                self._apply(decision)
        reports = self._ports.dead_letters.advance(self._clock(), timeout if self._ports.workers.idle else 0)
        for dead_letter in reports.confirmed:
            self._confirm(dead_letter)
        for dead_letter, reason in reports.refused:
            self._refuse(dead_letter, reason)

    @property
    def block_reasons(self) -> Mapping[int, str]:
        """Why partitions are blocked: by themselves, or by a write key for which they have events."""
        keys = {key: breaker.block_reason for key, breaker in self._ports.send_queue.breakers.items()}
        blocked_keys = {key: reason for key, reason in keys.items() if reason}
        reasons: dict[int, str] = {}
        for buffer in self._buffers:
            for key in blocked_keys.keys() & buffer.chunks.keys:
                reasons[buffer.partition] = blocked_keys[key]
            if buffer.block is not None:
                reasons[buffer.partition] = buffer.block.reason
        return reasons

    def block(self, buffer: PartitionBuffer, blocked: Blocked) -> None:
        """Do not let the partition pass the record that blocks it, and log that."""
        buffer.blocked = blocked
        log_block(buffer.partition, blocked)

    def note_unreadable(self, buffer: PartitionBuffer, offset: int) -> None:
        """Nothing more is read from this partition until an operator acts; what was read of it is delivered."""
        if buffer.unreadable_at is None:
            buffer.unreadable_at = offset if buffer.position is None else buffer.position
            log_block(buffer.partition, Blocked(BlockReason.UNREADABLE_BATCH, offset=buffer.unreadable_at))

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget everything of these partitions, because another member owns them now."""
        forgotten = frozenset(partitions)
        self._reporter.counters.released += self._buffers.drop(forgotten)
        self._ports.send_queue.forget(forgotten)
        self._ports.dead_letters.forget(forgotten)

    def _apply(self, decision: ChunkDecision) -> None:
        buffer = self._buffers[decision.chunk.partition]
        match decision:
            case ChunkSettled(chunk):
                self._reporter.counters.delivered += len(chunk.events)
                self._send_next(buffer.settle(chunk))
            case ChunkSplit(chunk, halves):
                buffer.split(chunk, halves)
                self._send_next(halves[0])
            case ChunkPassed(chunk):
                self._send_next(buffer.chunks.pass_over(chunk))
            case ChunkReturned(chunk):
                self._send_next(buffer.chunks.return_passed(chunk.key))
            case ChunkRejected():
                self._reject(buffer, decision)

    def _reject(self, buffer: PartitionBuffer, decision: ChunkRejected) -> None:
        chunk, reason, attempts = decision
        (event,) = chunk.events
        rejected = self._ports.processor.reject_event(event, reason, attempts)
        match rejected:
            case DeadLetter():
                self._send_next(buffer.reject(chunk, rejected))
                self._ports.dead_letters.put(rejected)
            case Discarded() | Skipped():
                self._reporter.counters.skipped[reason] += 1
                self._send_next(buffer.settle(chunk))
            case Blocked():
                self.block(buffer, rejected)

    def _send_next(self, chunk: Chunk | None) -> None:
        if chunk is not None:
            self._ports.send_queue.put(chunk)

    def _confirm(self, dead_letter: DeadLetter) -> None:
        buffer = self._buffers.get(dead_letter.record.partition)
        if buffer is not None and buffer.confirm(dead_letter):
            self._reporter.counters.dead_lettered[dead_letter.rejected.reason] += 1

    def _refuse(self, dead_letter: DeadLetter, reason: str) -> None:
        buffer = self._buffers.get(dead_letter.record.partition)
        if buffer is not None and buffer.refuse(dead_letter, reason):
            log_block(buffer.partition, Blocked(reason, offset=dead_letter.record.offset))
