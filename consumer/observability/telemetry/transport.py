"""The way of OTLP requests: the HTTP client of the service, with its proxies, its authorities and its deadline."""

import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus

from opentelemetry.exporter.http.transport._base import BaseHTTPResult, BaseHTTPTransport

from consumer.errors import ServiceError
from consumer.http_client.client import HttpClient, default_tls
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies
from consumer.observability.telemetry.signals import Signal, variable

MAX_RESPONSE_BYTES = 65_536
DEFAULT_SECONDS = 10.0


class OtlpResult(BaseHTTPResult):
    """A status, or the error of a request without a response. The content says nothing that the service uses."""

    def content(self) -> bytes:
        return b""

    def headers(self) -> Mapping[str, str]:
        return {}


class OtlpTransport(BaseHTTPTransport):
    """Sends one request at a time to a collector. It raises nothing."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._ends_at = float("inf")

    def end_at(self, deadline: float) -> None:
        """From now on nothing is sent twice, and nothing after the deadline, in monotonic seconds."""
        self._ends_at = deadline

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        data: bytes | None = None,
    ) -> BaseHTTPResult:
        seconds = min(timeout or DEFAULT_SECONDS, self._ends_at - time.monotonic())
        if seconds <= 0:
            return OtlpResult(error=HttpError("too_late", "the process ends"))
        try:
            response = self._client.send(
                HttpRequest(method, url, headers or {}, data or b""), seconds, MAX_RESPONSE_BYTES
            )
        except HttpError as error:
            if not error.response:
                return OtlpResult(error=error)
            response = error.response
        if self._is_ending and not 200 <= response.status < 300:  # the exporter repeats a request with such a status
            return OtlpResult(error=HttpError(f"http_{response.status}", f"the collector answers {response.status}"))
        return _result(response)

    def close(self) -> None:
        self._client.close()

    @property
    def _is_ending(self) -> bool:
        return self._ends_at < float("inf")

    def is_connection_error(self, exception: Exception | None) -> bool:
        """Whether the request is sent again."""
        return isinstance(exception, HttpError) and not self._is_ending


def otlp_transport(environ: Mapping[str, str], signal: Signal, proxies: Proxies) -> OtlpTransport:
    """The transport of a signal, with the certificates that its variables name. Raises ServiceError."""
    return OtlpTransport(HttpClient(proxies, _tls(environ, signal)))


def _result(response: HttpResponse) -> OtlpResult:
    reason = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else ""
    return OtlpResult(response.status, reason)


def _tls(environ: Mapping[str, str], signal: Signal) -> ssl.SSLContext:
    name, authorities = variable(environ, signal, "CERTIFICATE")
    try:
        context = ssl.create_default_context(cafile=authorities) if authorities else default_tls()
        name, certificate = variable(environ, signal, "CLIENT_CERTIFICATE")
        if certificate:
            # A function, because OpenSSL would ask on the terminal for the password of an encrypted key.
            context.load_cert_chain(certificate, variable(environ, signal, "CLIENT_KEY")[1] or None, lambda: "")
    except OSError as error:
        cause = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise ServiceError(f"{name}: cannot use the file: {cause}") from None
    return context
