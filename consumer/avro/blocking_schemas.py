"""Writers' schemas for whoever may wait for the registry, as the service's loop may not."""

from collections.abc import Mapping

from consumer.avro.framing import SchemaKey
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import Fetch, NotThere, Unreachable, UnsupportedSchema
from consumer.errors import ServiceError, UnprocessableRecord, UnsafeSchema


class AtOnce:
    """Each schema is asked for once; a record is told of its schema what the service would tell of it in the end."""

    def __init__(self, fetch: Fetch, known: Mapping[SchemaKey, WriterSchema]) -> None:
        self._fetch = fetch
        self._known: dict[SchemaKey, WriterSchema | tuple[str, str]] = dict(known)

    def get(self, key: SchemaKey) -> WriterSchema:
        """Raises UnprocessableRecord as `Schemas.get` does, ServiceError if the registry gives no answer."""
        if key not in self._known:
            self._known[key] = self._asked(key)
        found = self._known[key]
        if isinstance(found, tuple):
            raise UnprocessableRecord(*found)
        return found

    def _asked(self, key: SchemaKey) -> WriterSchema | tuple[str, str]:
        try:
            return self._fetch(key)
        except NotThere:
            return "unknown_schema", "the registry does not know its id"
        except UnsupportedSchema as error:
            return "unsupported_schema", str(error)
        except UnsafeSchema as error:
            return "unsafe_schema", str(error)
        except Unreachable as error:
            raise ServiceError(f"no answer from the schema registry: {error}") from None
