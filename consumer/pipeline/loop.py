"""The one loop: read `run_once` from top to bottom, and you have read the service."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from consumer.errors import BrokersForgotten
from consumer.model import Blocked, Record
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.dispatcher import Dispatcher, Ports
from consumer.pipeline.last_commit import LastCommit
from consumer.pipeline.log_changes import LogChanges
from consumer.pipeline.status_reporter import StatusReporter

log = logging.getLogger(__name__)

READ_LIMIT = 1000  # records
READ_TIMEOUT = 0.05  # seconds; an ended request waits at most that long, a batch that is due does not wait
COMMIT_INTERVAL = 0.1
PUBLISH_INTERVAL = 0.1  # a block is published at once; publishing was half of what an idle member costs
DRAIN_POLL_TIMEOUT = 0.05
MAX_LOST_SECONDS = 5.0  # that events in flight are waited for, after their partitions were lost
MIN_COMMIT_SECONDS, MAX_COMMIT_SECONDS = 3.0, 20.0  # that the last commit of a drain may take
LAST_COMMIT_SECONDS = 1.0  # the same, if the process has to end


class Loop:
    """
    All mutable state belongs to the thread that calls `run`; workers see immutable requests only.

    The loop never waits for Segment, the registry or a commit, except in a drain, and there not beyond its deadline.
    """

    def __init__(
        self,
        ports: Ports,
        buffers: PartitionBuffers,
        reporter: StatusReporter,
        drain_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ports, self._buffers, self._reporter = ports, buffers, reporter
        self._dispatcher = Dispatcher(ports, buffers, reporter, clock)
        self._log_changes = LogChanges(ports.consumer, buffers, self._dispatcher, reporter)
        self._last_commit = LastCommit(ports.consumer, buffers)
        self._drain_seconds = drain_seconds
        self._clock = clock
        self._next_commit_at = self._next_publish_at = float("-inf")
        self._published_blocks: Mapping[int, Blocked] = {}
        self._stop, self._stops_at, self._unstopped_at = Event(), float("inf"), clock()

    def run(self, stop: Event) -> None:
        """Run until `stop` is set, or raise ServiceError. In both cases everything settled is committed before."""
        self._stop, self._unstopped_at = stop, self._clock()
        callbacks = map(self._last_commit.in_callback, (self._on_assign, self._on_revoke, self._on_lost))
        try:
            with self._last_commit.before_errors():
                self._ports.consumer.subscribe(*callbacks)
                while self.stop_deadline() == float("inf") and not self._ports.consumer.known_brokers.are_forgotten:
                    self.run_once()
                self._drain(self._buffers.partitions, self._drain_seconds if stop.is_set() else MIN_COMMIT_SECONDS)
            if not stop.is_set():
                raise BrokersForgotten
        finally:
            self._dispatcher.forget(self._buffers.partitions)  # closing the consumer revokes: nothing may be left then

    def run_once(self) -> None:
        self._read()
        if self._stop.is_set():  # a drain opens no batch, so none is opened before it
            return
        self._dispatcher.apply_outcomes()  # before dispatching: a partition whose batch is settled can open the next
        self._dispatch()
        self._commit()
        self._pause()
        if self._clock() >= self._next_publish_at or self._buffers.blocked != self._published_blocks:
            self._publish()

    def _read(self) -> None:
        is_free = self._ports.workers.free
        timeout = self._buffers.seconds_until_due(self._clock(), READ_TIMEOUT) if is_free else READ_TIMEOUT
        result = self._ports.consumer.read(READ_LIMIT, timeout)
        for reset in result.start_resets:
            self._log_changes.reset(reset)
        for partition, records in result.records.items():
            self._add(partition, records)
        for reset in result.resets:
            self._log_changes.reset(reset)
        self._buffers.advance(result.ends)
        for partition in result.recreated:
            self._log_changes.restart(partition)
        for partition, offset in result.unreadable.items():
            buffer = self._buffers.get(partition)
            if buffer is not None:
                self._dispatcher.note_unreadable(buffer, offset)

    def _dispatch(self) -> None:
        self._buffers.unblock(self._ports.schemas.is_pending)
        self._dispatcher.resume()
        now = self._clock()
        stalled = self._ports.send_queue.stalled(now)
        for buffer in self._buffers.full(now, stalled):
            if not self._ports.workers.free:
                break
            self._dispatcher.open_batch(buffer)
            self._send(full_only=True)
        for buffer in self._buffers.due(now, stalled):
            if self._dispatcher.open_batch(buffer):
                self._buffers.start_linger(now)
        self._send()

    def _commit(self) -> None:
        now = self._clock()
        if now >= self._next_commit_at:
            self._next_commit_at = now + COMMIT_INTERVAL
            self._ports.consumer.note_blocks(self._dispatcher.block_reasons)
            self._ports.consumer.commit(self._buffers.committable(self._buffers.partitions))

    def _pause(self) -> None:
        self._ports.consumer.pause(self._buffers.over_limit())
        self._ports.consumer.resume(self._buffers.below_resume_threshold())

    def _publish(self, draining: bool = False) -> None:
        now, ports, consumer = self._clock(), self._ports, self._ports.consumer
        self._next_publish_at, self._published_blocks = now + PUBLISH_INTERVAL, self._buffers.blocked
        reports = ports.reports(self._dispatcher.block_reasons)
        self._reporter.publish(self._buffers, ports.send_queue.statuses, consumer, reports, now, draining)

    def _add(self, partition: int, records: Sequence[Record]) -> None:
        buffer = self._buffers.get(partition)
        if buffer is None:
            return
        if buffer.position is not None and records[0].offset < buffer.position:
            buffer = self._log_changes.restart(partition)
        buffer.add(records)
        self._reporter.counters.consumed += len(records)

    def _send(self, full_only: bool = False) -> None:
        while self._ports.workers.free:
            request = self._ports.send_queue.next_request(self._clock(), full_only)
            if request is None:
                return
            self._ports.workers.start(request)

    def _on_assign(self, partitions: Sequence[int]) -> None:
        self._dispatcher.forget(partitions)  # the client does not assign a partition twice, but nothing relies on it
        self._buffers.assign(partitions)
        self._reporter.rebalanced("assigned", partitions)

    def _on_revoke(self, partitions: Sequence[int]) -> None:
        self._reporter.rebalanced("revoked", partitions)
        owned = [partition for partition in partitions if self._buffers.get(partition) is not None]
        if owned:  # none at the very end
            self._drain(owned, self._drain_seconds)
            self._dispatcher.forget(owned)

    def _on_lost(self, partitions: Sequence[int]) -> None:
        """
        The group removed this member.

        What is in flight is waited for: if the member gets the partitions back, it does not send these events again.
        """
        lost, ends_at = frozenset(partitions), self._clock() + min(self._drain_seconds, MAX_LOST_SECONDS)
        try:
            while self._ports.workers.carries(lost) and self._clock() < ends_at:
                self._dispatcher.apply_outcomes(DRAIN_POLL_TIMEOUT)
            self._ports.consumer.keep(self._buffers.progress(partitions))
        finally:  # whatever happens, they belong to another member
            self._dispatcher.forget(partitions)
        self._reporter.rebalanced("lost", partitions)

    def _drain(self, partitions: Sequence[int], seconds: float) -> None:
        """Open no batch, finish what is in flight or can be sent at once, and commit; the next owner reads the rest."""
        self._publish(draining=True)
        draining, ends_at = frozenset(partitions), self._clock() + seconds
        try:
            while self._is_unfinished(draining) and self._clock() < min(ends_at, self.stop_deadline()):
                self._send()
                self._dispatcher.apply_outcomes(DRAIN_POLL_TIMEOUT)
                if self._clock() >= self._next_publish_at:
                    self._publish(draining=True)
        finally:
            rest = min(ends_at, self.stop_deadline()) - self._clock()
            rest = max(rest, LAST_COMMIT_SECONDS if self._stop.is_set() else MIN_COMMIT_SECONDS)
            self._ports.consumer.commit_and_wait(self._buffers.committable(partitions), min(rest, MAX_COMMIT_SECONDS))

    def stop_deadline(self) -> float:
        """When the drains end of a member that was told to stop, perhaps while a commit was waited for; else never."""
        if self._stop.is_set():
            self._stops_at = min(self._stops_at, self._unstopped_at + self._drain_seconds)
        else:
            self._unstopped_at = self._clock()
        return self._stops_at

    def _is_unfinished(self, partitions: frozenset[int]) -> bool:
        """Whether something is in flight or could be sent now: the halves of a search, the next chunk of a key."""
        if any(buffer.unconfirmed_dead_letters for buffer in self._buffers if buffer.partition in partitions):
            return True
        workers, queue = self._ports.workers, self._ports.send_queue
        return workers.carries(partitions) or queue.could_send(partitions, self._clock())
