"""What a client reports and logs of its connections, kept until a broker answers."""

import logging
import time
from collections.abc import Callable, Mapping
from itertools import starmap
from typing import Any, NamedTuple

from confluent_kafka import KafkaError

from consumer.kafka import connection_causes, token_errors
from consumer.kafka.certificate_check import certificate_mistake
from consumer.kafka.connection_causes import Address
from consumer.kafka.errors import MAX_EVIDENCE, NO_BROKER, UNREACHABLE, client_text, describe, evidence, with_evidence
from consumer.kafka.token_endpoint import uses_token_endpoint
from consumer.kafka.token_errors import token_failure, without_answer
from consumer.outside_text import outside_text

log = logging.getLogger(__name__)

_FACILITIES = ("FAIL", "BROKER", "OIDC", "JWT")  # of the client's log lines about connections and tokens
_KEPT_SECONDS = 60


class _Report(NamedTuple):
    """What the client said, and when, in monotonic seconds."""

    evidence: str
    at: float


class ConnectionReports:
    """
    What a client reports and logs of its connections, because a call that times out does not say what failed.

    It is the client's `error_cb` and its `logger`: the client only logs what happens if TLS or SASL is missing. A cause
    is kept once for each address, until a broker answers, or for a minute after it was reported last.
    """

    def __init__(self, config: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._reports: dict[tuple[str, Address], _Report] = {}
        self._certificate_mistakes: dict[Address, str] = {}
        # A client without a token connects to no broker, so it reports nothing of brokers.
        self._silence = token_errors.SILENCE if uses_token_endpoint(config) else NO_BROKER
        self.all_down = False
        """Whether to wait is of no use: each broker that is known was tried without success, or there is no token."""
        self._all_down_at = float("-inf")
        self.is_quiet = False
        """Whether the caller itself logs what the client reports."""

    @property
    def options(self) -> dict[str, Any]:
        """The options by which a client reports to this object."""
        return {"error_cb": self.note_error, "logger": self}

    def note_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN or token_failure(error.str()):
            self.all_down, self._all_down_at = True, self._clock()
        self._note(error.str())

    def warn(self, error: KafkaError) -> None:
        """Log an error that the client reported, after which the client goes on trying."""
        self.note_error(error)
        self._warn(self.describe(error), client_text(error), self.condition(error))

    def condition(self, error: KafkaError) -> str:
        """
        The same text for all errors that are about the same condition, whichever client and call reports it.

        A sum over all brokers belongs to one of the causes that were reported for them.
        """
        if cause := connection_causes.explain(error.str()):
            return cause
        if self._reports and error.code() in UNREACHABLE:
            return min(cause for cause, _ in self._reports)
        return error.name()

    def log(self, level: int, template: str, *args: object) -> None:
        """
        Called by the client: `args` are facility, name of the client, and text.

        A text whose cause is known is logged in our words, because the client says the same as an error, too.
        """
        text, logger = str(args[-1]), self._config.get("logger")
        is_explained = args[0] in _FACILITIES and self._note(text)
        if not logger:
            return
        if is_explained:
            cause = connection_causes.explain(text)
            self._warn(with_evidence(cause, [evidence(text)]), text, cause)
            level = logging.DEBUG
        logger.log(level, template, *args)

    def forget(self) -> None:
        """A broker answers."""
        self._reports, self._certificate_mistakes, self.all_down = {}, {}, False
        self._silence = NO_BROKER

    def explain(self, error: KafkaError) -> str:
        """
        The causes of `error`, which a call of this client returned.

        If a certificate is refused, its broker is asked for the reason, once, which takes some seconds at most.
        """
        return self._causes(self._certificate_mistake) if error.code() in UNREACHABLE else describe(error)

    def describe(self, error: KafkaError) -> str:
        """The cause of `error`, which the client reported; no broker is asked."""
        return self.cause if error.code() == KafkaError._ALL_BROKERS_DOWN else describe(error)

    @property
    def unreachable_at(self) -> float:
        """
        When it was last reported that no broker can be reached, with a cause, in monotonic seconds.

        The client also reports that all brokers are down when a broker closed an idle connection, without a cause.
        """
        failed_at = max((report.at for report in self._reports.values()), default=float("-inf"))
        return min(self._all_down_at, failed_at)

    @property
    def cause(self) -> str:
        """What was reported in the last minute; no broker is asked."""
        return self._causes(lambda cause, _: cause)

    def _warn(self, error: str, text: str, condition: str) -> None:
        """One line for a condition of all clients, whoever reports it: the log folds lines by `fold_by`."""
        if not self.is_quiet:
            fields = {"error": error, "client_text": outside_text(without_answer(text)), "fold_by": condition}
            log.warning("Kafka client error, retrying", extra=fields)

    def _note(self, text: str) -> bool:
        """Keep the cause if there is one; whether there is."""
        cause, shown = connection_causes.explain(text), evidence(text)
        if not cause:
            return False
        key = cause, connection_causes.address(shown)
        former = self._reports.get(key)
        if former and not shown:
            shown = former.evidence
        self._reports[key] = _Report(shown, self._clock())
        return True

    def _causes(self, refine: Callable[[str, Address], str]) -> str:
        """Each cause of the last minute once, with some of its evidence."""
        causes: dict[str, list[str]] = {}
        for (cause, address), report in self._reports.items():
            if self._clock() - report.at <= _KEPT_SECONDS:
                causes.setdefault(refine(cause, address), []).append(report.evidence)
        return "; ".join(starmap(with_evidence, causes.items())) or self._silence

    def _certificate_mistake(self, cause: str, address: Address) -> str:
        if cause != connection_causes.CERTIFICATE:
            return cause
        if address not in self._certificate_mistakes and len(self._certificate_mistakes) < MAX_EVIDENCE:
            self._certificate_mistakes[address] = certificate_mistake(*address, self._config)
        return self._certificate_mistakes.get(address) or cause


def with_explained_log(config: Mapping[str, Any], *, is_quiet: bool = False) -> Mapping[str, Any]:
    """
    The options of a client whose errors nobody asks for: what it logs of its connections is explained.

    `is_quiet`: or not logged, because another client reports the same. Without a logger nothing is added, so that no
    Python code runs on a thread of the client: if Python collects garbage there, it can destroy another client, and
    librdkafka then aborts the process.
    """
    if "logger" not in config:
        return config
    reports = ConnectionReports(config)
    reports.is_quiet = is_quiet
    return {**config, "logger": reports}
