"""One attempt: an immutable request in, an outcome out, within one deadline."""

import base64
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest
from consumer.http_client.proxies import Proxies
from consumer.internal_errors import describe
from consumer.model import BatchRequest, Outcome, Retry, WriteKey
from consumer.outside_text import outside_text
from consumer.reasons import Reason
from consumer.segment.body import compress, encode
from consumer.segment.responses import outcome_of

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


class SegmentClient:
    """Makes attempts, on any thread."""

    def __init__(self, endpoint: Endpoint, proxies: Proxies) -> None:
        self._endpoint = endpoint
        self._http = HttpClient(proxies)

    def attempt(self, request: BatchRequest) -> Outcome:
        """Post the request once. Never raises because of the network or the peer."""
        try:
            response = self._http.send(self._http_request(request), self._endpoint.timeout, MAX_RESPONSE_BYTES)
        except HttpError as error:
            if not error.response:
                return Retry(error.reason, detail=outside_text(error))
            response = error.response  # too long for Segment: without its body it is not taken for an acceptance
        except Exception as error:  # noqa: BLE001 - a surprise says nothing about the events
            return Retry(Reason.INTERNAL_ERROR, detail=describe(error))
        return outcome_of(response, time.time(), self._endpoint.any_body)

    def close(self) -> None:
        """Close the idle connections. The connection of an attempt in flight is closed when the attempt ends."""
        self._http.close()

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
