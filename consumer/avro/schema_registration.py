"""Registers a schema in a Confluent-compatible registry."""

from urllib.parse import quote

from consumer.avro.registry_client import RegistryClient
from consumer.avro.registry_errors import content_error
from consumer.avro.schema_lookup import RegistryMisconfigured, SchemaNotFound


def register(registry: RegistryClient, subject: str, schema: str) -> int:
    """
    The id of an Avro schema, which the subject has as a version from now on. Raises RegistryUnreachable.

    A schema that the subject has already keeps its id.
    Source: docs.confluent.io, "Schema Registry API Reference", POST /subjects/(string: subject)/versions.
    """
    try:
        answer = registry.post(f"subjects/{quote(subject, safe='')}/versions", {"schema": schema})
    except SchemaNotFound:
        raise RegistryMisconfigured("the registry has no such subject: look at SCHEMA_REGISTRY_URL") from None
    schema_id = answer.get("id") if isinstance(answer, dict) else None
    if type(schema_id) is not int:
        raise content_error()
    return schema_id
