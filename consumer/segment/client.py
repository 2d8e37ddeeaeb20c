"""One HTTP attempt: an immutable request in, an outcome out, in one deadline; the one module that knows httpx."""

import base64
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import httpcore
import httpx

from consumer import http_deadline
from consumer.model import WriteKey
from consumer.request import Outcome, Request, Retry
from consumer.segment import body as bodies
from consumer.segment.responses import Answer, judge

LIFETIME = 300.0  # seconds; Segment's addresses change, so a connection must not live for ever
READ_AT_MOST = 65536
FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)

# It logs each byte on the wire, the Authorization header with them.
logging.getLogger("httpcore").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how calls are posted. `timeout` in seconds is the deadline of a whole attempt."""

    url: str
    timeout: float
    gzip: bool
    any_body: bool
    user_agent: str


class Segment:
    """Makes attempts, on any thread; each attempt has a connection to itself, a kept one if there is one."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._url = httpx.URL(endpoint.url)
        self._tls = httpx.create_ssl_context()
        self._idle: list[_Connection] = []

    def attempt(self, request: Request) -> Outcome:
        """Post the request once. Never raises for what the network or the peer does."""
        http_deadline.start(self._endpoint.timeout)
        connection = self._connection()
        try:
            answer = self._post(connection.pool, request)
        except FAILURES as error:
            connection.pool.close()
            return Retry(_snake(type(error).__name__), detail=str(error))
        except Exception as error:  # noqa: BLE001 - a surprise says nothing about the events, and must not stop the loop
            connection.pool.close()
            return Retry("unexpected", detail=type(error).__name__)  # its text could hold the request
        if answer.status < 500:
            self._idle.append(connection)
        else:
            connection.pool.close()
        return judge(answer, time.time(), self._endpoint.any_body)

    def close(self) -> None:
        """Close the kept connections; those of attempts under way close when these end."""
        while self._idle:
            self._idle.pop().pool.close()

    def _post(self, pool: httpcore.ConnectionPool, request: Request) -> Answer:
        content = bodies.encode(request.bodies, request.key, datetime.now(UTC))
        headers = self._headers(request)
        if self._endpoint.gzip:
            content = bodies.compress(content)
            headers["Content-Encoding"] = "gzip"
        asked = httpx.Request("POST", self._url, headers=headers, content=content)
        with pool.stream("POST", _address(self._url), headers=asked.headers.raw, content=content) as answer:
            return Answer(answer.status, httpx.Headers(answer.headers), _whole(answer.iter_stream()))

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "Accept": "*/*",
            "Connection": "keep-alive",
            "Content-Type": "application/json",
            "Authorization": _basic(request.key),
            "User-Agent": self._endpoint.user_agent,
            "Accept-Encoding": "identity",  # so that a small answer cannot unpack into a large one
        }
        if request.attempts:
            headers["X-Retry-Count"] = str(request.attempts)
        return headers

    def _connection(self) -> "_Connection":
        now = time.monotonic()
        with suppress(IndexError):  # none is left; other threads take some as well
            while (kept := self._idle.pop()).old_at <= now:
                kept.pool.close()
            return kept
        # Not by httpx's client, which knows proxies, .netrc and redirects: the key goes to the endpoint that was
        # configured, and nowhere else. It also keeps each body alive, in a cycle, until Python looks for these.
        backend = http_deadline.keep(httpcore.SyncBackend(), late=httpcore.ReadTimeout)
        return _Connection(httpcore.ConnectionPool(self._tls, network_backend=backend), now + LIFETIME)


@dataclass(frozen=True, slots=True)
class _Connection:
    pool: httpcore.ConnectionPool
    old_at: float


def _whole(chunks: Iterator[bytes]) -> bytes:
    """The whole body; none of one so long that it cannot be Segment's, so that it is not taken for an acceptance."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > READ_AT_MOST:
            return b""
    return body


def _basic(key: WriteKey) -> str:
    return "Basic " + base64.b64encode(f"{key.secret}:".encode()).decode()


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _address(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
