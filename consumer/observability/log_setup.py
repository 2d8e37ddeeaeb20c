"""The form of log lines, those of libraries included: JSON lines for machines, colours for people."""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

from consumer.outside_text import outside_text, outside_value

LogEvent = MutableMapping[str, Any]

LIBRDKAFKA = "librdkafka"
_HTTP_LIBRARY = "httpcore"  # at its lower levels it logs requests with their headers, which hold write keys

_LEADING_FIELDS = ("timestamp", "level", "event", "logger", "topic", "partition", "offset")
FOLD_SECONDS, MAX_FOLD_SECONDS = 10.0, 60.0
_FLUSH_SECONDS = 1.0
HIDDEN_FIELDS = frozenset({"fold_by", "is_last"})
_STACKS, _MAX_STACK_LINES = ("exception", "stack"), 200
_MAX_FOLDS = 1000


def configure(form: Literal["json", "console"], level: str, topic: str = "") -> None:
    """
    Send everything that is logged in this process to stderr, from `level` (a name in lower case) upwards.

    Lines with a partition also get the field `topic`. This function changes the process's root logger.
    """
    handler = RepeatFolding(time.monotonic)
    handler.setFormatter(_formatter(form, topic))
    handler.setLevel(level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(min(handler.level, logging.WARNING))  # the status page shows warnings, whatever the log's level
    logging.getLogger(_HTTP_LIBRARY).setLevel(logging.WARNING)
    logging.getLogger(LIBRDKAFKA).addFilter(_cap_at_warning)
    logging.captureWarnings(capture=True)


@dataclass(slots=True)
class _Fold:
    """Lines that are alike: one was shown at `shown_at`; of those within the next `seconds` only `newest` is kept."""

    newest: logging.LogRecord
    shown_at: float
    seconds: float = FOLD_SECONDS
    hidden: int = 0


class RepeatFolding(logging.StreamHandler[Any]):
    """
    Shows a warning or an error once in ten seconds, and less often while it continues: down to once in a minute.

    The next such line has the field `repeated`, which counts the lines that were left out. A hidden line is shown at
    the latest with the next line of any kind, or at the end of the process.

    Lines are alike if they have the same logger, message template, reason, environment and records of a block, whatever
    their other fields are: in an outage the same line is logged for every partition, many times a second, and a missing
    key must not be hidden behind undecodable bytes. Lines with the same field `fold_by` are alike, whoever logs them.
    `emit` runs under the handler's lock, so the numbers are exact.

    An error that ends the process, or a line with the field `is_last`, is the last one: nothing comes after it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(sys.stderr)
        self._clock = clock
        self._folds: dict[tuple[object, ...], _Fold] = {}
        self._next_flush_at = float("-inf")
        self._has_ended = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._has_ended:  # a thread of a Kafka client that did not close in time
            return
        now = self._clock()
        if record.levelno >= logging.CRITICAL or hasattr(record, "is_last"):
            self._flush_repeats(float("inf"))
            self._folds.clear()
            self._has_ended = True
        elif now >= self._next_flush_at:
            self._next_flush_at = now + _FLUSH_SECONDS
            self._flush_repeats(now)
        if record.levelno < logging.WARNING:
            super().emit(record)
        elif fold := self._folds.get(repeat_key(record)):
            fold.newest, fold.hidden = record, fold.hidden + 1
        else:
            self._begin_fold(record, now)
            super().emit(record)

    def close(self) -> None:
        self._flush_repeats(float("inf"))
        super().close()

    def _begin_fold(self, record: logging.LogRecord, now: float) -> None:
        if len(self._folds) >= _MAX_FOLDS:
            self._folds.clear()  # A library puts values into its templates.
        self._folds[repeat_key(record)] = _Fold(record, now)

    def _flush_repeats(self, now: float) -> None:
        """Show the newest line of each fold whose time is over; forget a fold in which no line was hidden."""
        for key, fold in list(self._folds.items()):
            if now - fold.shown_at < fold.seconds:
                continue
            if not fold.hidden:
                del self._folds[key]
                continue
            if fold.hidden > 1:
                fold.newest.repeated = fold.hidden - 1
            super().emit(fold.newest)
            fold.shown_at, fold.seconds, fold.hidden = now, min(2 * fold.seconds, MAX_FOLD_SECONDS), 0


def repeat_key(record: logging.LogRecord) -> tuple[object, ...]:
    """The same for all lines that are alike."""
    if fold_by := getattr(record, "fold_by", ""):
        return record.levelno, fold_by
    facility: object = None
    if record.name == LIBRDKAFKA and isinstance(record.args, tuple):
        # librdkafka has one template for everything, and its facility (such as FAIL) as the first argument.
        facility = record.args[:1]
    fields = [getattr(record, name, "") for name in ("reason", "environment", "records")]
    return record.name, record.levelno, record.msg, facility, *fields


def _cap_at_warning(record: logging.LogRecord) -> bool:
    """Lower errors of librdkafka to warnings: it recovers by itself, or reports to the service, which then decides."""
    record.levelno = min(record.levelno, logging.WARNING)
    record.levelname = logging.getLevelName(record.levelno)
    return True


def _formatter(form: Literal["json", "console"], topic: str) -> structlog.stdlib.ProcessorFormatter:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            partial(_add_topic, topic),
        ],
        processors=[remove_meta, *_renderers(form)],
    )


def _renderers(form: Literal["json", "console"]) -> list[Any]:
    # Plain tracebacks: the elaborate ones show local variables, which hold write keys and survey responses.
    common = [structlog.processors.format_exc_info, _make_safe, _order_fields]
    if form == "json":
        return [*common, structlog.processors.JSONRenderer()]
    return [*common, ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]


def _add_topic(topic: str, _logger: object, _method: str, event: LogEvent) -> LogEvent:
    if topic and event.keys() & {"partition", "partitions", "records"}:
        return {"topic": topic, **event}
    return event


def _make_safe(_logger: object, _method: str, event: LogEvent) -> LogEvent:
    """Texts from outside can be in any field, so each is made short and safe. A stack trace keeps its lines."""
    return {
        name: _safe_stack(value) if name in _STACKS else outside_value(value)
        for name, value in event.items()
        if name not in HIDDEN_FIELDS
    }


def _safe_stack(value: object) -> str:
    return "\n".join(outside_text(line) for line in str(value).split("\n")[:_MAX_STACK_LINES])


def _order_fields(_logger: object, _method: str, event: LogEvent) -> LogEvent:
    leading = {name: event.pop(name) for name in _LEADING_FIELDS if name in event}
    return leading | dict(event)
