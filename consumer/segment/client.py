"""One HTTP attempt: an immutable request in, an outcome out, within one deadline; the one module that knows httpx."""

import base64
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpcore
import httpx

from consumer import http_deadline
from consumer.internal_errors import describe
from consumer.model import BatchRequest, Outcome, Retry, WriteKey
from consumer.outside_text import outside_text
from consumer.reasons import Reason
from consumer.segment.body import compress, encode
from consumer.segment.responses import HttpResponse, outcome_of

MAX_CONNECTION_SECONDS = 300.0  # Segment's addresses change, so a connection must not live for ever
MAX_RESPONSE_BYTES = 65536
NETWORK_ERRORS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)

# At a lower level it logs each byte on the wire, with the Authorization header.
logging.getLogger("httpcore").setLevel(logging.WARNING)


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
    """Makes attempts, on any thread. No two attempts share a connection at the same time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._url = httpx.URL(endpoint.url)
        self._tls = httpx.create_ssl_context()
        self._idle: list[_Connection] = []

    def attempt(self, request: BatchRequest) -> Outcome:
        """Post the request once. Never raises because of the network or the peer."""
        http_deadline.start_deadline(self._endpoint.timeout)
        connection = self._idle_connection() or self._new_connection()
        try:
            response = self._post(connection.pool, request)
        except NETWORK_ERRORS as error:
            connection.pool.close()
            return Retry(_snake_case(type(error).__name__), detail=outside_text(error))
        except Exception as error:  # noqa: BLE001 - a surprise says nothing about the events
            connection.pool.close()
            return Retry(Reason.INTERNAL_ERROR, detail=describe(error))
        if response.status < 500:
            self._idle.append(connection)
        else:
            connection.pool.close()
        return outcome_of(response, time.time(), self._endpoint.any_body)

    def close(self) -> None:
        """Close the idle connections. The connection of an attempt in flight is closed when the attempt ends."""
        while self._idle:
            self._idle.pop().pool.close()

    def _post(self, pool: httpcore.ConnectionPool, request: BatchRequest) -> HttpResponse:
        content = encode(request.bodies, request.key, datetime.now(UTC))
        headers = self._headers(request)
        if self._endpoint.gzip:
            content = compress(content)
            headers["Content-Encoding"] = "gzip"
        raw_headers = httpx.Request("POST", self._url, headers=headers, content=content).headers.raw
        with pool.stream("POST", _httpcore_url(self._url), headers=raw_headers, content=content) as response:
            return HttpResponse(response.status, httpx.Headers(response.headers), _read_body(response.iter_stream()))

    def _headers(self, request: BatchRequest) -> dict[str, str]:
        headers = {
            "Accept": "*/*",
            "Connection": "keep-alive",
            "Content-Type": "application/json",
            "Authorization": _basic_auth(request.key),
            "User-Agent": self._endpoint.user_agent,
            "Accept-Encoding": "identity",  # so that a small response cannot unpack into a large one
        }
        if request.attempts:
            headers["X-Retry-Count"] = str(request.attempts)
        return headers

    def _idle_connection(self) -> "_Connection | None":
        """An idle connection that is not too old, if there is one."""
        now = time.monotonic()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:  # caught and not tested before, because other threads pop as well
                return None
            if connection.expires_at > now:
                return connection
            connection.pool.close()

    def _new_connection(self) -> "_Connection":
        # Not with httpx's client, which knows proxies, .netrc and redirects: the key goes to the configured endpoint
        # and nowhere else. That client also keeps each body alive, in a cycle, until Python looks for cycles.
        backend = http_deadline.with_deadline(httpcore.SyncBackend(), late=httpcore.ReadTimeout)
        pool = httpcore.ConnectionPool(self._tls, network_backend=backend)
        return _Connection(pool, time.monotonic() + MAX_CONNECTION_SECONDS)


@dataclass(frozen=True, slots=True)
class _Connection:
    """A pool of one connection, which is not used again after `expires_at` (monotonic seconds)."""

    pool: httpcore.ConnectionPool
    expires_at: float


def _read_body(pieces: Iterator[bytes]) -> bytes:
    """The whole body. A body too long for Segment gives b"", so that it is not taken for an acceptance."""
    body = b""
    for piece in pieces:
        body += piece
        if len(body) > MAX_RESPONSE_BYTES:
            return b""
    return body


def _basic_auth(key: WriteKey) -> str:
    return "Basic " + base64.b64encode(f"{key.secret}:".encode()).decode()


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


def _httpcore_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
