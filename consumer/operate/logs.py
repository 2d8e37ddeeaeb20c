"""How log records look, those of libraries included: JSON lines for machines, colours for people."""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Literal

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

Event = MutableMapping[str, Any]

LIBRDKAFKA = "librdkafka"

# These log requests, with headers at their lower levels: a write key is in there, or the registry's password. Those
# with a 2 are the registry client's.
_TALKATIVE = ("httpx", "httpcore", "hpack", "httpx2", "httpcore2")

_FIRST = ("timestamp", "level", "event", "logger")
_FOLD_SECONDS = 10.0
_MOST_KEYS = 1000


def configure(form: Literal["json", "console"], level: str) -> None:
    """Send everything that is logged in this process to stderr, from `level` (a name in lower case) on."""
    handler = Folding(time.monotonic)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class Folding(logging.StreamHandler[Any]):
    """
    Shows a warning or an error once in ten seconds; the next one says in `repeated` how many were left out.

    Alike are those of one logger with one message template, one reason and one environment, whatever else their fields
    say: an outage says the same of every partition, many times a second, and a missing key must not hide behind bad
    bytes. `emit` runs under the handler's lock, so the numbers are exact.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(sys.stderr)
        self._clock = clock
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING or self._due(record):
            super().emit(record)

    def _due(self, record: logging.LogRecord) -> bool:
        key, now = _alike(record), self._clock()
        shown_at, repeated = self._seen.get(key, (-_FOLD_SECONDS + now, 0))
        if now - shown_at < _FOLD_SECONDS:
            self._seen[key] = shown_at, repeated + 1
            return False
        if len(self._seen) >= _MOST_KEYS:
            self._seen.clear()  # Some library puts values into its templates.
        self._seen[key] = now, 0
        if repeated:
            record.repeated = repeated
        return True


def _alike(record: logging.LogRecord) -> tuple[object, ...]:
    # librdkafka has one template for everything, and its facility (such as FAIL) as the first argument.
    facility = record.args[:1] if record.name == LIBRDKAFKA and isinstance(record.args, tuple) else ()
    told = (getattr(record, name, "") for name in ("reason", "environment"))
    return record.name, record.levelno, record.msg, facility, *told


def _formatter(form: Literal["json", "console"]) -> structlog.stdlib.ProcessorFormatter:
    # Plain tracebacks: the elaborate ones show local variables, and with them keys and answers.
    last: list[Any] = (
        [structlog.processors.format_exc_info, _ordered, structlog.processors.JSONRenderer()]
        if form == "json"
        else [_ordered, ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _ordered(_logger: object, _method: str, event: Event) -> Event:
    first = {name: event.pop(name) for name in _FIRST if name in event}
    return first | dict(event)
