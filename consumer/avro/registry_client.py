"""The HTTP API of a Confluent-compatible schema registry: JSON by path, from the first of its URLs that answers."""

import base64
from collections.abc import Mapping
from typing import Any

from consumer.avro.registry_errors import ResponseTooLarge, content_error, status_error, transport_error
from consumer.avro.registry_options import OAUTHBEARER, SOURCE, mistakes
from consumer.avro.registry_tls import registry_tls
from consumer.avro.registry_tokens import AccessTokens, token_request
from consumer.avro.schema_lookup import RegistryUnreachable, SchemaNotFound
from consumer.errors import SettingsError
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies
from consumer.jsonio import JsonError, loads

MAX_RESPONSE_BYTES = 1_100_000
"""
A registry keeps each schema as a record of its topic, which Kafka limits to 1,048,588 bytes (max.message.bytes). The
response has the same texts, and a little around them.
"""
DEFAULT_TIMEOUT_SECONDS = 3.0

_ACCEPT = "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json"
# docs.confluent.io, "Schema Registry API Reference": subject, version, schema not found. A 404 with another code comes
# from a wrong URL or from a proxy, and says nothing about the id.
_NOT_FOUND = frozenset({40401, 40402, 40403})
_NEXT_URL_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


class RegistryClient:
    """
    One request at a time for each URL, which ends within the option `timeout` however slow the peer is; no retry.

    An error repeats nothing that a server says but the status: the rest could hold credentials.
    """

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies) -> None:
        """`urls`: separated by commas. Raises SettingsError for options that are wrong."""
        wrong = mistakes(options)
        if wrong:
            raise SettingsError(*(f"SCHEMA_REGISTRY_CONFIG: {mistake}" for mistake in wrong))
        self._urls = [url.strip().rstrip("/") for url in urls.split(",")]
        self._timeout_seconds = float(options.get("timeout", DEFAULT_TIMEOUT_SECONDS))
        self._http = HttpClient(proxies, registry_tls(options))
        self._issuer = HttpClient(proxies)
        self._headers = {"Accept": _ACCEPT, "User-Agent": "sprig-to-segment", **_fixed_headers(options)}
        self._tokens: AccessTokens | None = None
        if options.get(SOURCE) == OAUTHBEARER:
            self._tokens = AccessTokens(self._issuer, _token_request(options), self._timeout_seconds)
        self._is_closed = False

    def get(self, path: str, max_bytes: int = MAX_RESPONSE_BYTES) -> Any:
        """The JSON value at a path. Raises SchemaNotFound, ResponseTooLarge, and RegistryUnreachable otherwise."""
        response = self._response(path, max_bytes)
        if 200 <= response.status < 300:
            return _json(response)
        if response.status == 404 and _error_code(response) in _NOT_FOUND:
            raise SchemaNotFound
        if response.status == 401 and self._tokens:
            self._tokens.forget()
        raise status_error(response.status)

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._is_closed = True
        self._http.close()
        self._issuer.close()

    def _response(self, path: str, max_bytes: int) -> HttpResponse:
        headers = dict(self._headers)
        if self._tokens:
            headers["Authorization"] = f"Bearer {self._tokens.token()}"
        *earlier_urls, last_url = self._urls
        for url in earlier_urls:
            try:
                response = self._send(url, path, headers, max_bytes)
            except HttpError:
                continue
            if response.status not in _NEXT_URL_STATUSES:
                return response
        try:
            return self._send(last_url, path, headers, max_bytes)
        except HttpError as error:
            raise transport_error(error) from None

    def _send(self, url: str, path: str, headers: Mapping[str, str], max_bytes: int) -> HttpResponse:
        if self._is_closed:
            raise RegistryUnreachable("the service ends")
        try:
            return self._http.send(HttpRequest("GET", f"{url}/{path}", headers), self._timeout_seconds, max_bytes)
        except HttpError as error:
            if not error.response:
                raise
            if 200 <= error.response.status < 300:
                raise ResponseTooLarge(f"{error}: look at SCHEMA_REGISTRY_URL") from None
            return error.response


def _fixed_headers(options: Mapping[str, Any]) -> dict[str, str]:
    """The headers of each request, by the options that they are for."""
    headers = {
        "target-sr-cluster": options.get("bearer.auth.logical.cluster"),
        "Confluent-Identity-Pool-Id": options.get("bearer.auth.identity.pool.id"),
    }
    if "basic.auth.user.info" in options:
        headers["Authorization"] = _basic(options["basic.auth.user.info"])
    if "bearer.auth.token" in options:
        headers["Authorization"] = f"Bearer {options['bearer.auth.token']}"
    return {name: value for name, value in headers.items() if value}


def _token_request(options: Mapping[str, Any]) -> HttpRequest:
    # Not encoded as RFC 6749 (2.3.1) says, because Confluent's client and many issuers do not.
    client = _basic(f"{options['bearer.auth.client.id']}:{options['bearer.auth.client.secret']}")
    return token_request(options["bearer.auth.issuer.endpoint.url"], client, options.get("bearer.auth.scope", ""))


def _basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _json(response: HttpResponse) -> Any:
    try:
        return loads(response.body)
    except JsonError:
        raise content_error() from None


def _error_code(response: HttpResponse) -> int:
    """The registry's own code of an error; 0 if the response has none."""
    try:
        error = loads(response.body)
    except JsonError:
        error = None
    code = error.get("error_code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0
