"""The last warnings and errors, with repeats counted, for the status page."""

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from consumer.observability.log_setup import HIDDEN_FIELDS, repeat_key
from consumer.outside_text import MAX_SENTENCE_LENGTH, outside_text
from consumer.web.documentation import log_anchors, slug

MAX_LINES = 20
LOG_MESSAGES = "log-messages"  # the section of the runbook for a line that has no row there
_STANDARD_FIELDS = (
    frozenset(vars(logging.makeLogRecord({}))) | HIDDEN_FIELDS | {"message", "asctime", "repeated", "_logger", "_name"}
)


class LogLine(NamedTuple):
    """
    A log line, how many `times` it was logged since the start, and when last (`at`, in seconds since 1970).

    `fields` has no fields without a value. `anchor` is the place of docs/runbook.md that explains the line.
    """

    at: float
    level: str
    event: str
    times: int
    fields: Mapping[str, str]
    anchor: str = LOG_MESSAGES


class RecentLogs(logging.Handler):
    """Keeps the newest of lines that are alike, for at most `MAX_LINES` of them. The log decides which are alike."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._newest: OrderedDict[object, tuple[logging.LogRecord, int]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        key = repeat_key(record)
        _, times = self._newest.pop(key, (record, 0))
        self._newest[key] = record, times + 1
        if len(self._newest) > MAX_LINES:
            self._newest.popitem(last=False)

    def lines(self) -> Sequence[LogLine]:
        """The newest first."""
        assert self.lock
        with self.lock:  # emit runs under it
            newest = list(self._newest.values())
        return [_log_line(record, times) for record, times in reversed(newest)]


@contextmanager
def record_recent_logs() -> Iterator[RecentLogs]:
    """Records everything that is logged in this process until the end of the block."""
    recent, root = RecentLogs(), logging.getLogger()
    root.addHandler(recent)
    try:
        yield recent
    finally:
        root.removeHandler(recent)


def _log_line(record: logging.LogRecord, times: int) -> LogLine:
    fields = {
        name: outside_text(value, MAX_SENTENCE_LENGTH)
        for name, value in vars(record).items()
        if name not in _STANDARD_FIELDS and value not in (None, "")
    }
    event = outside_text(record.getMessage(), MAX_SENTENCE_LENGTH)
    anchor = slug(event)
    if anchor not in log_anchors():
        anchor = LOG_MESSAGES
    return LogLine(record.created, record.levelname.lower(), event, times, fields, anchor)
