"""What OpenTelemetry's libraries log, as log lines of the service, without values that can be secret."""

import logging

from consumer.http_client.messages import HttpError
from consumer.internal_errors import describe
from consumer.outside_text import outside_text

log = logging.getLogger(__name__)

_LIBRARIES = "opentelemetry"
# All others, such as the parser of OTEL_EXPORTER_OTLP_HEADERS, repeat values that can be secret.
_WITHOUT_SECRETS = ("opentelemetry.exporter.", "opentelemetry.sdk.")


class _ProblemHandler(logging.Handler):
    """Logs each warning and error as a warning of the service, because the libraries go on and records do not wait."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"error": problem(record), "fold_by": f"{_LIBRARIES} {record.name}"}
        log.warning("OpenTelemetry reports a problem, delivery continues", extra=fields)


def redirect_logs() -> None:
    """Let the libraries log nothing by themselves. This function changes their logger in the whole process."""
    logger = logging.getLogger(_LIBRARIES)
    logger.handlers[:] = [_ProblemHandler(logging.WARNING)]
    logger.propagate = False


def problem(record: logging.LogRecord) -> str:
    """The text of a line, with the exceptions in it as the service describes them."""
    text = str(record.msg)
    if record.name.startswith(_WITHOUT_SECRETS) and isinstance(record.args, tuple):
        try:
            text %= tuple(map(_described, record.args))
        except (TypeError, ValueError):  # a defect of the library
            text = str(record.msg)
    if record.exc_info and record.exc_info[1]:
        text = f"{text} {_described(record.exc_info[1])}"
    return outside_text(text)


def _described(argument: object) -> object:
    if isinstance(argument, HttpError):  # its text has no words of a peer
        return str(argument)
    return describe(argument) if isinstance(argument, BaseException) else argument
