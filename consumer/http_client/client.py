"""The HTTP client: one request in, one whole response out, within one deadline."""

import ssl
import time

import httpx

from consumer.http_client.connect import Connector
from consumer.http_client.connection import Connection
from consumer.http_client.idle import IdleConnections
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies
from consumer.http_client.urls import parse


class HttpClient:
    """
    Sends requests, on any thread. No two requests share a connection at the same time.

    It knows no redirects, no .netrc and no proxies but `proxies`, so credentials go to the URL of the request and
    nowhere else. httpx's client knows them all, and keeps each body alive, in a cycle of references, until Python
    looks for cycles. So only the values of httpx are used, and the connections of httpcore.
    """

    def __init__(self, proxies: Proxies, tls: ssl.SSLContext | None = None) -> None:
        """`tls`: whom to trust; by default the authorities of SSL_CERT_FILE or SSL_CERT_DIR, or else of certifi."""
        self._connector = Connector(proxies, tls or default_tls())
        self._idle = IdleConnections()

    def send(self, request: HttpRequest, timeout_seconds: float, max_response_bytes: int) -> HttpResponse:
        """
        The response, whatever its status. Raises HttpError.

        A request on a kept connection that fails before a byte of the response arrives is sent once more, because the
        connection may have been dead. So the peer can get a request twice.
        """
        ends_at = time.monotonic() + timeout_seconds
        url = parse(request.url)
        kept = self._idle.take(url)
        if kept:
            try:
                return self._exchange(kept, request, url, ends_at, max_response_bytes)
            except HttpError:
                self._idle.clear()  # the others took the same way
                if kept.has_answered or time.monotonic() >= ends_at:
                    raise
        connection = self._connector.connection(url, ends_at)
        return self._exchange(connection, request, url, ends_at, max_response_bytes)

    def close(self) -> None:
        """Close the idle connections. The connection of a request in flight is closed when the request ends."""
        self._idle.close()

    def _exchange(
        self, connection: Connection, request: HttpRequest, url: httpx.URL, ends_at: float, max_response_bytes: int
    ) -> HttpResponse:
        try:
            response = connection.exchange(request, url, ends_at, max_response_bytes)
        except BaseException:
            connection.close()
            raise
        if response.status < 500:
            self._idle.put(connection)
        else:
            connection.close()
        return response


def default_tls() -> ssl.SSLContext:
    """Trusts the authorities of SSL_CERT_FILE, else those of SSL_CERT_DIR, else those of certifi."""
    return httpx.create_ssl_context()
