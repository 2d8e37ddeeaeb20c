"""The audit log: one JSON line for each delivered messageId, written before the offset of its record is committed."""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from threading import Event, Lock

from consumer.attempt import Attempt
from consumer.jsonio import dumps, loads
from consumer.observability.audit_file import AuditFile
from consumer.observability.snapshot import Block
from consumer.outside_text import escaped_json
from consumer.reasons import BlockReason

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class AuditLog:
    """
    An accepted attempt ends only when its lines are written, so no offset is committed before them.

    If the lines cannot be written, the thread of the attempt tries again without end, and the records stay in flight.
    So no line and no record is lost. Lines can be there twice: a record that was not committed is delivered again.
    """

    def __init__(self, file: AuditFile, topic: str) -> None:
        """`topic` is the topic that the records are read from."""
        self._file, self._topic = file, topic
        self._lock, self._closed = Lock(), Event()
        self._failing_since = 0.0  # in seconds since 1970; 0: it is not

    def blocks(self) -> Sequence[Block]:
        """The block for as long as lines cannot be written, on any thread."""
        since = self._failing_since
        return [Block("audit log", BlockReason.AUDIT_LOG_NOT_WRITTEN, since)] if since else []

    def observe(self, attempt: Attempt) -> None:
        """Write the lines of an accepted attempt. Waits until they are written, or until the log is closed."""
        if attempt.is_accepted and attempt.request.chunks:
            lines = "".join(_lines(attempt, self._topic))
            with self._lock:
                self._append(escaped_json(lines).encode())

    def close(self) -> None:
        """Let the threads end that wait. Their records are not committed, and their next owner delivers them again."""
        self._closed.set()
        if self._lock.acquire(timeout=RETRY_SECONDS):  # a write can hang, for example on a network drive
            self._file.close()
            self._lock.release()

    def _append(self, lines: bytes) -> None:
        while not self._closed.is_set():
            try:
                self._file.append(lines)
            except OSError as error:
                self._failing_since = self._failing_since or time.time()
                log.error("audit log not written, delivery blocked", extra={"error": error.strerror})
                self._closed.wait(RETRY_SECONDS)
                continue
            if self._failing_since:
                self._failing_since = 0.0
                log.info("audit log written again, delivery resumed")
            return


def _lines(attempt: Attempt, topic: str) -> Iterator[str]:
    """A line for each event, with its line break."""
    ended_at = datetime.fromtimestamp(attempt.ended_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    for chunk in attempt.request.chunks:
        for event in chunk.events:
            line = {
                "time": ended_at,
                "messageId": loads(event.body)["messageId"],
                "topic": topic,
                "partition": event.record.partition,
                "offset": event.record.offset,
                "environment": attempt.request.key.environment,
                "status": attempt.status,
            }
            yield f"{dumps(line).decode()}\n"
