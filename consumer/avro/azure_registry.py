"""The schemas of Azure Event Hubs by their id."""

from collections.abc import Mapping
from typing import Any

from consumer.avro.registry_client import error_of
from consumer.avro.registry_errors import content_error
from consumer.avro.registry_options import OAUTHBEARER, SOURCE
from consumer.avro.registry_transport import RegistryTransport, require_success
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import AzureSchemaId, SchemaKey
from consumer.avro.schema_loading import RegisteredSchema, SchemaLoading, SchemaReference
from consumer.avro.schema_lookup import RegistryMisconfigured, SchemaNotFound
from consumer.http_client.messages import HttpResponse
from consumer.http_client.proxies import Proxies

SCOPE = "https://eventhubs.azure.net/.default"
"""The scope of each namespace (azure-schemaregistry for Python, _configuration.py)."""

_API_VERSION = "2022-10"  # that of Azure's stable client libraries
_ACCEPT = "application/json; serialization=Avro, application/json; serialization=json, text/plain; charset=utf-8"


class AzureRegistry:
    """
    Any number of schemas, none of which is kept. Schemas in Azure refer to no others.

    Source: Azure's REST API reference, "Schema Registry", "Get Schema By Id".
    """

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies) -> None:
        """`urls`: https://NAMESPACE.servicebus.windows.net. Raises SettingsError for options that are wrong."""
        if options.get(SOURCE) == OAUTHBEARER:
            options = {"bearer.auth.scope": SCOPE, **options}
        self._transport = RegistryTransport(urls, options, proxies, secret_in_form=True)

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """The schema with this id, on any thread. Raises as SchemaRegistry.fetch."""
        assert isinstance(key, AzureSchemaId)
        path = f"$schemaGroups/$schemas/{key}?api-version={_API_VERSION}"
        return SchemaLoading(f"schema id {key}", _no_reference).load(lambda max_bytes: self._schema(path, max_bytes))

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._transport.close()

    def _schema(self, path: str, max_bytes: int) -> RegisteredSchema:
        response = self._transport.response(path, {"Accept": _ACCEPT}, max_bytes)
        if response.status == 404 and "error" in error_of(response):
            raise SchemaNotFound
        if response.status in (401, 403):
            raise RegistryMisconfigured(
                f"HTTP status {response.status}: give the client of bearer.auth.* in SCHEMA_REGISTRY_CONFIG the role "
                "'Schema Registry Reader' in the namespace"
            )
        try:
            return RegisteredSchema(require_success(response).body.decode(), _kind(response))
        except UnicodeDecodeError:
            raise content_error() from None


def _kind(response: HttpResponse) -> str:
    """Azure names the format of the schema in the content type."""
    content_type = response.headers.get("Content-Type", "").replace(" ", "").lower()
    if "serialization=avro" in content_type:
        return "AVRO"
    if "serialization=json" in content_type:
        return "JSON"
    return "Custom" if content_type.startswith("text/plain") else "AVRO"


def _no_reference(reference: SchemaReference, _: int) -> RegisteredSchema:
    raise AssertionError(reference)
