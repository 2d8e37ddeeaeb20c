"""HTTP with a schema registry: one response, from the first of its URLs that answers."""

from collections.abc import Callable, Mapping
from typing import Any

from consumer.avro.registry_errors import ResponseTooLarge, status_error, transport_error
from consumer.avro.registry_options import OAUTHBEARER, SOURCE, mistakes
from consumer.avro.registry_tls import registry_tls
from consumer.avro.registry_tokens import AccessTokens, basic, token_request
from consumer.avro.schema_lookup import RegistryUnreachable
from consumer.errors import SettingsError
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies

MAX_RESPONSE_BYTES = 1_100_000
"""
A registry keeps each schema as a record of its topic, which Kafka limits to 1,048,588 bytes (max.message.bytes). The
response has the same texts, and a little around them.
"""
DEFAULT_TIMEOUT_SECONDS = 3.0

_NEXT_URL_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


def unsigned(request: HttpRequest) -> HttpRequest:
    return request


class RegistryTransport:
    """
    One request at a time for each URL, which ends within the option `timeout` however slow the peer is; no retry.

    An error repeats nothing that a server says but the status: the rest could hold credentials.
    """

    def __init__(
        self,
        urls: str,
        options: Mapping[str, Any],
        proxies: Proxies,
        sign: Callable[[HttpRequest], HttpRequest] = unsigned,
        secret_in_form: bool = False,
    ) -> None:
        """
        `urls`: separated by commas. `sign` may add headers. `secret_in_form`: as the issuer of tokens expects it.

        Raises SettingsError for options that are wrong.
        """
        wrong = mistakes(options)
        if wrong:
            raise SettingsError(*(f"SCHEMA_REGISTRY_CONFIG: {mistake}" for mistake in wrong))
        self._urls = [url.strip().rstrip("/") for url in urls.split(",")]
        self._timeout_seconds = float(options.get("timeout", DEFAULT_TIMEOUT_SECONDS))
        self._http = HttpClient(proxies, registry_tls(options))
        self._issuer = HttpClient(proxies)
        self._headers = {"User-Agent": "sprig-to-segment", **_fixed_headers(options)}
        self._tokens: AccessTokens | None = None
        if options.get(SOURCE) == OAUTHBEARER:
            self._tokens = AccessTokens(self._issuer, token_request(options, secret_in_form), self._timeout_seconds)
        self._sign = sign
        self._is_closed = False

    def response(
        self, path: str, headers: Mapping[str, str], max_bytes: int = MAX_RESPONSE_BYTES, content: bytes = b""
    ) -> HttpResponse:
        """
        The response, whatever its status, at a path behind the URL; a POST if there is content.

        Raises ResponseTooLarge, and RegistryUnreachable without a response.
        """
        self._require_open()
        headers = {**self._headers, **headers}
        if self._tokens:
            headers["Authorization"] = f"Bearer {self._tokens.token()}"
        request = HttpRequest("POST" if content else "GET", path, headers, content)
        response = self._first_response(request, max_bytes)
        if response.status == 401 and self._tokens:
            self._tokens.forget()
        return response

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._is_closed = True
        self._http.close()
        self._issuer.close()

    def _first_response(self, request: HttpRequest, max_bytes: int) -> HttpResponse:
        *earlier_urls, last_url = self._urls
        for url in earlier_urls:
            try:
                response = self._send(url, request, max_bytes)
            except HttpError:
                continue
            if response.status not in _NEXT_URL_STATUSES:
                return response
        try:
            return self._send(last_url, request, max_bytes)
        except HttpError as error:
            raise transport_error(error) from None

    def _send(self, url: str, request: HttpRequest, max_bytes: int) -> HttpResponse:
        self._require_open()
        request = self._sign(HttpRequest(request.method, f"{url}/{request.url}", request.headers, request.content))
        self._require_open()  # a signature can take a request of its own
        try:
            return self._http.send(request, self._timeout_seconds, max_bytes)
        except HttpError as error:
            if not error.response:
                raise
            if 200 <= error.response.status < 300:
                raise ResponseTooLarge(f"{error}: look at SCHEMA_REGISTRY_URL") from None
            return error.response

    def _require_open(self) -> None:
        """No request begins after `close`."""
        if self._is_closed:
            raise RegistryUnreachable("the service ends")


def require_success(response: HttpResponse) -> HttpResponse:
    """The response. Raises RegistryUnreachable for a status that is no success."""
    if not 200 <= response.status < 300:
        raise status_error(response.status)
    return response


def _fixed_headers(options: Mapping[str, Any]) -> dict[str, str]:
    """The headers of each request, by the options that they are for."""
    headers = {
        "target-sr-cluster": options.get("bearer.auth.logical.cluster"),
        "Confluent-Identity-Pool-Id": options.get("bearer.auth.identity.pool.id"),
    }
    if "basic.auth.user.info" in options:
        headers["Authorization"] = basic(options["basic.auth.user.info"])
    if "bearer.auth.token" in options:
        headers["Authorization"] = f"Bearer {options['bearer.auth.token']}"
    return {name: value for name, value in headers.items() if value}
