"""Schema look-ups: how they can fail, and the look-up for commands, which may wait for the registry."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from consumer.avro.framing import SchemaKey
from consumer.avro.schema import WriterSchema
from consumer.errors import SchemaError, ServiceError, SprigToSegmentError, UnsafeSchema
from consumer.internal_errors import describe
from consumer.reasons import Reason

Fetch = Callable[[SchemaKey], WriterSchema]
"""
One look-up, on a worker thread.

Raises SchemaNotFound, IncompleteSchema, UnsupportedSchema, UnsafeSchema or RegistryUnreachable.
"""


class SchemaNotFound(SprigToSegmentError):
    """The registry does not know the key, so far."""


class IncompleteSchema(SprigToSegmentError):
    """
    The registry has the schema of the key, but does not give a schema that it refers to.

    That is a mistake in the registry or in its rights, for example in a mirror that has a part of the subjects: it says
    nothing against the records, which wait. The text is for operators and names the reference.
    """


class UnsupportedSchema(SprigToSegmentError):
    """The key is of a schema that is not Avro."""


class RegistryUnreachable(SprigToSegmentError):
    """No answer about the key, which says nothing about the key. The text is for operators and has no credentials."""


class RegistryMisconfigured(RegistryUnreachable):
    """No answer until the service's settings or the registry's are right; the text says where to look."""


class UnusableSchema(NamedTuple):
    """Why the records of a schema key are rejected."""

    reason: Reason
    detail: str

    def error(self) -> SchemaError:
        return SchemaError(self.reason, self.detail)


UNKNOWN_SCHEMA = UnusableSchema(Reason.UNKNOWN_SCHEMA, "the schema registry has no schema with this id")


def unusable_schema(error: Exception) -> UnusableSchema:
    """The reason and the detail for a schema that exists but must not, or cannot, be decoded with."""
    if isinstance(error, UnsupportedSchema):
        return UnusableSchema(Reason.UNSUPPORTED_SCHEMA, str(error))
    if isinstance(error, UnsafeSchema):
        return UnusableSchema(Reason.UNSAFE_SCHEMA, str(error))
    return UnusableSchema(Reason.INTERNAL_ERROR, describe(error))


def waits_because(error: IncompleteSchema | RegistryUnreachable) -> str:
    """Why the service would wait for the registry, for operators."""
    if isinstance(error, IncompleteSchema):
        return str(error)
    return f"no answer from the schema registry: {error}"


def no_registry(key: SchemaKey) -> WriterSchema:
    """The look-up where there is no registry: only the schemas in files are known."""
    raise SchemaNotFound(str(key))


class BlockingSchemas:
    """Looks each key up once, and gives the record the same reason that the service would give in the end."""

    def __init__(self, fetch: Fetch, file_schemas: Mapping[SchemaKey, WriterSchema]) -> None:
        self._fetch = fetch
        self._schemas: dict[SchemaKey, WriterSchema | UnusableSchema | ServiceError] = dict(file_schemas)

    def get(self, key: SchemaKey) -> WriterSchema:
        """Raises SchemaError as `SchemaCache.get` does, and ServiceError if the service would wait for the registry."""
        if key not in self._schemas:
            self._schemas[key] = self._look_up(key)
        schema = self._schemas[key]
        if isinstance(schema, UnusableSchema):
            raise schema.error()
        if isinstance(schema, ServiceError):
            raise schema
        return schema

    def _look_up(self, key: SchemaKey) -> WriterSchema | UnusableSchema | ServiceError:
        try:
            return self._fetch(key)
        except SchemaNotFound:
            return UNKNOWN_SCHEMA
        except (UnsupportedSchema, UnsafeSchema) as error:
            return unusable_schema(error)
        except (IncompleteSchema, RegistryUnreachable) as error:
            return ServiceError(waits_because(error))
