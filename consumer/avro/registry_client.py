"""The HTTP API of a Confluent-compatible schema registry: JSON by path."""

from collections.abc import Mapping
from typing import Any

from consumer.avro.registry_errors import content_error, status_error
from consumer.avro.registry_transport import MAX_RESPONSE_BYTES, RegistryTransport
from consumer.avro.schema_lookup import RegistryMisconfigured, SchemaNotFound
from consumer.http_client.messages import HttpResponse
from consumer.http_client.proxies import Proxies
from consumer.jsonio import JsonError, dumps, loads

_ACCEPT = "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json"
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
# docs.confluent.io, "Schema Registry API Reference": subject, version, schema not found. A 404 with another code comes
# from a wrong URL or from a proxy, and says nothing about the id.
_NOT_FOUND = frozenset({40401, 40402, 40403})


class RegistryClient:
    """JSON values of the registry, which RegistryTransport asks."""

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies) -> None:
        """As for RegistryTransport. Raises SettingsError."""
        self._transport = RegistryTransport(urls, options, proxies)

    def get(self, path: str, max_bytes: int = MAX_RESPONSE_BYTES) -> Any:
        """The JSON value at a path. Raises SchemaNotFound, ResponseTooLarge, and RegistryUnreachable otherwise."""
        return _value(self._transport.response(path, {"Accept": _ACCEPT}, max_bytes))

    def post(self, path: str, value: Any) -> Any:
        """
        Send a JSON value to a path, and return the JSON value of the answer. Raises as `get` does.

        Another URL gets the value as well if one does not answer, so the effect of a path must be the same twice.
        """
        headers = {"Accept": _ACCEPT, "Content-Type": _CONTENT_TYPE}
        response = self._transport.response(path, headers, content=dumps(value))
        if response.status == 409:
            raise RegistryMisconfigured(
                "HTTP status 409, the subject has a schema that this schema is not compatible with"
            )
        return _value(response)

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._transport.close()


def _value(response: HttpResponse) -> Any:
    """The JSON value of a response. Raises as `get` does."""
    if 200 <= response.status < 300:
        return json_of(response)
    if response.status == 404 and _error_code(response) in _NOT_FOUND:
        raise SchemaNotFound
    raise status_error(response.status)


def json_of(response: HttpResponse) -> Any:
    """The JSON value of a response with a success status. Raises RegistryMisconfigured if it is none."""
    try:
        return loads(response.body)
    except JsonError:
        raise content_error() from None


def error_of(response: HttpResponse) -> Mapping[str, Any]:
    """The JSON object of a response with an error status; empty if it has none."""
    try:
        error = loads(response.body)
    except JsonError:
        error = None
    return error if isinstance(error, dict) else {}


def text_of(value: Any) -> str:
    """A text in a response. Raises RegistryMisconfigured if it is none."""
    if not isinstance(value, str):
        raise content_error()
    return value


def integer_of(value: Any) -> int:
    """An integer in a response. Raises RegistryMisconfigured if it is none."""
    if type(value) is not int:
        raise content_error()
    return value


def _error_code(response: HttpResponse) -> int:
    """The registry's own code of an error; 0 if the response has none."""
    code = error_of(response).get("error_code")
    return code if isinstance(code, int) else 0
