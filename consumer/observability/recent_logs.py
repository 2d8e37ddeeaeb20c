"""The last warnings and errors, repeats folded, for the status page."""

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from consumer.observability.log_setup import alike

KEPT = 20
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "repeated", "_logger", "_name"}


class Line(NamedTuple):
    """What was said, how often since the start, and when last (seconds since 1970)."""

    at: float
    level: str
    event: str
    times: int
    fields: Mapping[str, str]


class Recent(logging.Handler):
    """Keeps the newest of each kind of line, and at most `KEPT` kinds; what is alike is as in the log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: OrderedDict[object, tuple[logging.LogRecord, int]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        key = alike(record)
        _, times = self._seen.pop(key, (record, 0))
        self._seen[key] = record, times + 1
        if len(self._seen) > KEPT:
            self._seen.popitem(last=False)

    def lines(self) -> Sequence[Line]:
        """The newest first."""
        assert self.lock
        with self.lock:  # emit runs under it
            seen = list(self._seen.values())
        return [_line(record, times) for record, times in reversed(seen)]


@contextmanager
def watching() -> Iterator[Recent]:
    """Everything that is logged in this process until the end of the block."""
    recent, root = Recent(), logging.getLogger()
    root.addHandler(recent)
    try:
        yield recent
    finally:
        root.removeHandler(recent)


def _line(record: logging.LogRecord, times: int) -> Line:
    fields = {name: str(value) for name, value in vars(record).items() if name not in _STANDARD}
    return Line(record.created, record.levelname.lower(), record.getMessage(), times, fields)
