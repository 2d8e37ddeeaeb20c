"""How log records look, those of libraries included: JSON lines for machines, colours for people."""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

Event = MutableMapping[str, Any]

LIBRDKAFKA = "librdkafka"

# These log requests, with headers at their lower levels: a write key is in there, or the registry's password. Those
# with a 2 are the registry client's.
_TALKATIVE = ("httpx", "httpcore", "hpack", "httpx2", "httpcore2")

_FIRST = ("timestamp", "level", "event", "logger", "topic", "partition", "offset")
FOLD_SECONDS, MOST_FOLD_SECONDS = 10.0, 60.0
_MOST_KEYS = 1000


def configure(form: Literal["json", "console"], level: str, topic: str = "") -> None:
    """
    Send everything that is logged in this process to stderr, from `level` (a name in lower case) on.

    Lines that name a partition say that it is one of `topic`.
    """
    handler = Folding(time.monotonic)
    handler.setFormatter(_formatter(form, topic))
    handler.setLevel(level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(min(handler.level, logging.WARNING))  # the status page shows warnings, whatever the log does
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(LIBRDKAFKA).addFilter(_no_error)
    logging.captureWarnings(capture=True)


@dataclass(slots=True)
class _Fold:
    """The newest of lines that are alike, shown at `at`, and how many were left out in the `seconds` since then."""

    newest: logging.LogRecord
    at: float
    seconds: float = FOLD_SECONDS
    left_out: int = 0


class Folding(logging.StreamHandler[Any]):
    """
    Shows a warning or an error once in ten seconds, or in up to a minute while it goes on; `repeated` in the next such
    line says how many were left out. They are told at the latest with the next line of any kind, or at the end.

    Alike are those of one logger with one message template, one reason and one environment, whatever else their fields
    say: an outage says the same of every partition, many times a second, and a missing key must not hide behind bad
    bytes. `emit` runs under the handler's lock, so the numbers are exact.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(sys.stderr)
        self._clock = clock
        self._folds: dict[tuple[object, ...], _Fold] = {}
        self._look_at = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + 1.0
            self._tell(now)
        if record.levelno < logging.WARNING:
            super().emit(record)
        elif fold := self._folds.get(alike(record)):
            fold.newest, fold.left_out = record, fold.left_out + 1
        else:
            if len(self._folds) >= _MOST_KEYS:
                self._folds.clear()  # Some library puts values into its templates.
            self._folds[alike(record)] = _Fold(record, now)
            super().emit(record)

    def close(self) -> None:
        self._tell(float("inf"))
        super().close()

    def _tell(self, now: float) -> None:
        """Tell of folds whose time is over; forget those in which nothing was left out."""
        for key, fold in list(self._folds.items()):
            if now - fold.at < fold.seconds:
                continue
            if not fold.left_out:
                del self._folds[key]
                continue
            if fold.left_out > 1:
                fold.newest.repeated = fold.left_out - 1
            super().emit(fold.newest)
            fold.at, fold.seconds, fold.left_out = now, min(2 * fold.seconds, MOST_FOLD_SECONDS), 0


def alike(record: logging.LogRecord) -> tuple[object, ...]:
    """The same for lines of which one is enough."""
    # librdkafka has one template for everything, and its facility (such as FAIL) as the first argument.
    facility = record.args[:1] if record.name == LIBRDKAFKA and isinstance(record.args, tuple) else ()
    told = (getattr(record, name, "") for name in ("reason", "environment"))
    return record.name, record.levelno, record.msg, facility, *told


def _no_error(record: logging.LogRecord) -> bool:
    """What librdkafka calls an error it mends itself, or reports to us, who then know whether somebody must act."""
    record.levelno = min(record.levelno, logging.WARNING)
    record.levelname = logging.getLevelName(record.levelno)
    return True


def _formatter(form: Literal["json", "console"], topic: str) -> structlog.stdlib.ProcessorFormatter:
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
            partial(_placed, topic),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _placed(topic: str, _logger: object, _method: str, event: Event) -> Event:
    return {"topic": topic, **event} if topic and event.keys() & {"partition", "partitions"} else event


def _ordered(_logger: object, _method: str, event: Event) -> Event:
    first = {name: event.pop(name) for name in _FIRST if name in event}
    return first | dict(event)
