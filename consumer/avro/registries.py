"""The client of a schema registry, by SCHEMA_REGISTRY_TYPE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from consumer.avro.apicurio_registry import ApicurioRegistry
from consumer.avro.azure_registry import AzureRegistry
from consumer.avro.glue_registry import GlueRegistry
from consumer.avro.registry_options import STRATEGY
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey
from consumer.avro.schema_registry import SchemaRegistry
from consumer.http_client.proxies import Proxies


class Registry(Protocol):
    """Any number of schemas, looked up by the keys that the framings of its type give."""

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """The schema with this key, on any thread. Raises as `Fetch`."""

    def close(self) -> None:
        """A look-up under way ends with its present request."""


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How to reach a registry: its URLs, SCHEMA_REGISTRY_CONFIG, and the environment with an AWS role."""

    urls: str
    options: Mapping[str, Any] = field(repr=False)
    proxies: Proxies
    environ: Mapping[str, str] = field(repr=False)

    def registry(self, registry_type: str, topic: str) -> Registry:
        """`topic` is that of the values. Raises SettingsError."""
        match registry_type:
            case "apicurio":
                return ApicurioRegistry(self.urls, self.options, self.proxies)
            case "glue":
                return GlueRegistry(self.urls, self.options, self.proxies, self.environ)
            case "azure":
                return AzureRegistry(self.urls, self.options, self.proxies)
            case _:
                return self.confluent_registry(topic)

    def confluent_registry(self, topic: str) -> SchemaRegistry:
        """
        A registry with Confluent's API. Raises SettingsError.

        With the strategies RECORD and TOPIC_RECORD the subject depends on the record, so the registry is asked without
        a subject, as Confluent's own deserialisers ask. The URL of a context says itself where the id is, and there the
        registry finds an id only under the subject that it is asked with, however the producers name theirs.
        """
        is_by_topic = self.options.get(STRATEGY, "TOPIC") == "TOPIC" and "/contexts/" not in self.urls
        return SchemaRegistry(self.urls, self.options, self.proxies, f"{topic}-value" if is_by_topic else "")
