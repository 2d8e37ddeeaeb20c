"""One attempt: an immutable request in, an outcome out, within one deadline."""

import base64
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from consumer.attempt import Attempt, ObserveAttempt
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest
from consumer.http_client.proxies import Proxies
from consumer.internal_errors import describe
from consumer.model import BatchRequest, Outcome, Retry, WriteKey
from consumer.outside_text import outside_text
from consumer.reasons import Reason
from consumer.segment.body import compress, encode
from consumer.segment.responses import outcome_of

log = logging.getLogger(__name__)

MAX_RESPONSE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    Where and how batches are posted.

    `timeout` is the deadline of a whole attempt in seconds. With `any_body` every 2xx is an acceptance.
    """

    url: str
    timeout: float
    gzip: bool
    any_body: bool
    user_agent: str


@dataclass(frozen=True, slots=True)
class _Reply:
    """The outcome of a request whose body had `body_bytes`. `status` is None if no response arrived."""

    outcome: Outcome
    body_bytes: int
    status: int | None = None


class SegmentClient:
    """Makes attempts, on any thread, and shows each to the observers when it has ended."""

    def __init__(self, endpoint: Endpoint, proxies: Proxies, observers: Sequence[ObserveAttempt] = ()) -> None:
        self._endpoint = endpoint
        self._http = HttpClient(proxies)
        self._observers = observers

    def attempt(self, request: BatchRequest) -> Outcome:
        """Post the request once. Never raises because of the network or the peer."""
        started_ns = time.time_ns()
        reply = self._post(request)
        self._report(Attempt(request, reply.outcome, reply.status, reply.body_bytes, started_ns, time.time_ns()))
        return reply.outcome

    def close(self) -> None:
        """Close the idle connections. The connection of an attempt in flight is closed when the attempt ends."""
        self._http.close()

    def _post(self, request: BatchRequest) -> _Reply:
        body_bytes = 0
        try:
            http_request = self._http_request(request)
            body_bytes = len(http_request.content)
            response = self._http.send(http_request, self._endpoint.timeout, MAX_RESPONSE_BYTES)
        except HttpError as error:
            if not error.response:
                return _Reply(Retry(error.reason, detail=outside_text(error)), body_bytes)
            response = error.response  # too long for Segment: without its body it is not taken for an acceptance
        except Exception as error:  # noqa: BLE001 - a surprise says nothing about the events
            return _Reply(Retry(Reason.INTERNAL_ERROR, detail=describe(error)), body_bytes)
        return _Reply(outcome_of(response, time.time(), self._endpoint.any_body), body_bytes, response.status)

    def _report(self, attempt: Attempt) -> None:
        """Log the attempt, and show it to the observers. What Segment accepted stays accepted, whatever they do."""
        if log.isEnabledFor(logging.DEBUG):
            log.debug("Segment request ended", extra=_log_fields(attempt))
        for observe in self._observers:
            try:
                observe(attempt)
            except Exception as error:  # noqa: BLE001 - a defect of ours, which concerns no record
                log.error("attempt not recorded, delivery continues", extra={"error": describe(error)})

    def _http_request(self, request: BatchRequest) -> HttpRequest:
        content = encode(request.bodies, request.key, datetime.now(UTC))
        headers = self._headers(request)
        if self._endpoint.gzip:
            content = compress(content)
            headers["Content-Encoding"] = "gzip"
        return HttpRequest("POST", self._endpoint.url, headers, content)

    def _headers(self, request: BatchRequest) -> dict[str, str]:
        headers = {
            "Accept": "*/*",
            "Connection": "keep-alive",
            "Content-Type": "application/json",
            "Authorization": _basic_auth(request.key),
            "User-Agent": self._endpoint.user_agent,
        }
        if request.attempts:
            headers["X-Retry-Count"] = str(request.attempts)
        return headers


def _basic_auth(key: WriteKey) -> str:
    return "Basic " + base64.b64encode(f"{key.secret}:".encode()).decode()


def _log_fields(attempt: Attempt) -> dict[str, object]:
    """What is logged of an attempt: nothing of an event, and never the write key."""
    return {
        "environment": attempt.request.key.environment,
        "status": attempt.status,
        "reason": attempt.reason,
        "events": attempt.event_count,
        "bytes": attempt.body_bytes,
        "milliseconds": (attempt.ended_ns - attempt.started_ns) // 1_000_000,
        "partitions": attempt.offsets,
    }
