"""Schema look-ups of commands, which may wait for the registry."""

from collections.abc import Mapping

from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey
from consumer.avro.schema_lookup import (
    UNKNOWN_SCHEMA,
    Fetch,
    IncompleteSchema,
    RegistryUnreachable,
    SchemaNotFound,
    UnsupportedSchema,
    UnusableSchema,
    unusable_schema,
    waits_because,
)
from consumer.avro.schema_memory import SchemaMemory
from consumer.errors import ServiceError, UnsafeSchema


class BlockingSchemas:
    """Looks each key up once, and gives the record the same reason that the service would give in the end."""

    def __init__(self, fetch: Fetch, file_schemas: Mapping[SchemaKey, WriterSchema]) -> None:
        self._fetch = fetch
        self._file_schemas = file_schemas
        self._results = SchemaMemory[UnusableSchema | ServiceError]()

    def get(self, key: SchemaKey) -> WriterSchema:
        """Raises SchemaError as `SchemaCache.get` does, and ServiceError if the service would wait for the registry."""
        result = self._file_schemas.get(key) or self._results.use(key)
        if result is None:
            result = self._look_up(key)
            self._results.put(key, result)
        if isinstance(result, UnusableSchema):
            raise result.error()
        if isinstance(result, ServiceError):
            raise result.with_traceback(None)  # else it keeps the frames of each record that it was raised for
        return result

    def _look_up(self, key: SchemaKey) -> WriterSchema | UnusableSchema | ServiceError:
        try:
            return self._fetch(key)
        except SchemaNotFound:
            return UNKNOWN_SCHEMA
        except (UnsupportedSchema, UnsafeSchema) as error:
            return unusable_schema(error)
        except (IncompleteSchema, RegistryUnreachable) as error:
            return ServiceError(waits_because(error))
