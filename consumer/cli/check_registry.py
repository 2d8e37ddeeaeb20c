"""`check`: whether a registry that lists no schemas answers, asked for an id that nobody has."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

from consumer import factories
from consumer.avro.registry_options import USE_ID
from consumer.avro.schema_keys import ApicurioId, AzureSchemaId, GlueVersion, SchemaKey
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryUnreachable,
    SchemaNotFound,
    UnsupportedSchema,
    waits_because,
)
from consumer.cli import compat
from consumer.cli.check_result import CheckResult, ok, problem
from consumer.errors import UnsafeSchema
from consumer.settings import Settings

_LARGEST_ID = 2**31 - 1  # Apicurio counts its ids from one


def check_registry(settings: Settings) -> Iterator[CheckResult]:
    """Nothing for a registry with Confluent's API, whose subjects are looked at, and for framings without registry."""
    url = settings.schema_registry_url
    if not url or compat.lists_versions(settings) or settings.avro_framing in ("raw", "single-object"):
        return
    with closing(factories.schema_registry(settings)) as registry:
        try:
            registry.fetch(_unused_key(settings))
        except RegistryUnreachable as error:
            yield problem("schema registry", waits_because(error))
            return
        except (SchemaNotFound, IncompleteSchema, UnsupportedSchema, UnsafeSchema):
            pass  # an answer about the id
    yield ok("schema registry", f"{url} answers")


def _unused_key(settings: Settings) -> SchemaKey:
    """A key that the registry understands and does not know."""
    match settings.schema_registry_type:
        case "glue":
            return GlueVersion(UUID(int=0))
        case "azure":
            return AzureSchemaId("0" * 32)
    kind = settings.schema_registry_config.get_secret_value().get(USE_ID, "contentId")
    return ApicurioId(str(kind), _LARGEST_ID)
