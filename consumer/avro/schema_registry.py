"""A Confluent-compatible schema registry: schemas by id, with what they refer to."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.error import OAuthTokenError

from consumer import http_deadline
from consumer.avro.decoder import load
from consumer.avro.framing import SchemaKey
from consumer.avro.registry_errors import by_content, by_error, by_status
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import Misconfigured, NotThere, UnsupportedSchema
from consumer.errors import SettingsError, UnsafeSchema
from consumer.jsonio import JsonError, loads

MAX_REFERENCES = 32

# The client's own defaults wait without end and retry for a minute; `Schemas` retries, where the loop can see it.
_DEFAULTS = {"timeout": 3.0, "max.retries": 0}
# The beginnings of what its constructor says and that repeats nothing but names of options.
_HARMLESS = ("Missing", "Unrecognized", "basic.auth.user.info must", "ssl.certificate.location required")
# docs.confluent.io, "Schema Registry API Reference": subject, version, schema not found. A 404 with another code is
# a wrong URL or a proxy's, and says nothing about the id.
_NOT_FOUND = frozenset({40401, 40402, 40403})
_T = TypeVar("_T")


class Registry:
    """
    One request at a time, over within `timeout` (seconds) however slow the peer; no retry of its own.

    Nothing that a server or the client says is repeated in an error but status and code: it could hold credentials.
    """

    def __init__(self, url: str, config: Mapping[str, Any]) -> None:
        """`config`: further options of the client, as in Confluent's documentation. Raises SettingsError."""
        options = {**_DEFAULTS, **config, "url": url}
        try:
            self._client = SchemaRegistryClient(options)
            for session in _sessions(self._client):
                _bound(session, float(options["timeout"]))
        except Exception as error:  # noqa: BLE001 - ValueError, TypeError, or of files that it does not find
            raise SettingsError(f"SCHEMA_REGISTRY_URL, SCHEMA_REGISTRY_CONFIG: {_why(error)}") from None

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """
        The schema with this id or GUID, on any thread.

        Raises NotThere, UnsupportedSchema (not Avro), UnsafeSchema, or Unreachable for anything that is no answer.
        """
        # It keeps whatever came once, even a proxy's page that holds no schema.
        self._client.clear_caches()  # type: ignore[no-untyped-call]
        if isinstance(key, UUID):
            label, ask = f"schema GUID {key}", partial(self._client.get_schema_by_guid, str(key))
        else:
            label, ask = f"schema id {key}", partial(self._client.get_schema, int(str(key)))
        return self._safe(label, _ask(ask))

    def versions(self, subject: str) -> Iterator[tuple[int, Callable[[], WriterSchema]]]:
        """Each version of a subject, oldest first, with a way to its schema, which raises as `fetch` does."""
        for number in _ask(partial(self._client.get_versions, subject)):
            yield number, partial(self._version, subject, number)

    def _version(self, subject: str, number: int) -> WriterSchema:
        found = _ask(partial(self._client.get_version, subject, number))
        return self._safe(f"{subject} version {number} (id {found.schema_id})", found.schema)

    def _safe(self, label: str, schema: Schema) -> WriterSchema:
        if schema.schema_type != "AVRO":
            raise UnsupportedSchema(f"{label}: expected an Avro schema, not {schema.schema_type}")
        return load(label, _parsed(label, schema), list(self._references(label, schema, set())))

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        for session in _sessions(self._client):
            session.close()

    def _references(self, label: str, schema: Schema, seen: set[str]) -> Iterator[object]:
        """
        What a schema refers to, dependencies first. Of several references of one name, the first one counts.

        Source: confluentinc/schema-registry, AbstractSchemaProvider.resolveReferences: so did whoever wrote the values.
        """
        for reference in schema.references or ():
            if str(reference.name) in seen:
                continue
            seen.add(str(reference.name))
            if len(seen) > MAX_REFERENCES:
                raise UnsafeSchema(f"{label}: refers to more than {MAX_REFERENCES} other schemas")
            subject, version = str(reference.subject), int(reference.version or 0)
            found = _ask(partial(self._client.get_version, subject, version, deleted=True)).schema
            yield from self._references(label, found, seen)
            yield _parsed(label, found)


def _sessions(client: SchemaRegistryClient) -> Iterator[Any]:
    """Of its HTTP library: one for the registry and, where tokens have an issuer, one for that."""
    rest: Any = client._rest_client  # noqa: SLF001 - the library has no public way to what they do
    yield rest.session
    if hasattr(rest.bearer_field_provider, "client"):
        yield rest.bearer_field_provider.client


def _bound(session: Any, seconds: float) -> None:
    """Make the timeout a whole request's, which the library counts anew for each read. Tests hold that it works."""
    session.event_hooks = {"request": [lambda _: http_deadline.start(seconds)]}
    for transport in filter(None, (session._transport, *session._mounts.values())):  # noqa: SLF001
        pool = transport._pool  # noqa: SLF001
        pool._network_backend = http_deadline.keep(pool._network_backend, late=TimeoutError)  # noqa: SLF001


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"a file that an ssl option names is of no use: {error.strerror}"
    harmless = str(error).startswith(_HARMLESS)
    return str(error) if harmless else f"not as the registry client wants it ({type(error).__name__})"


def _ask(request: Callable[[], _T]) -> _T:
    try:
        return request()
    except SchemaRegistryError as error:
        if error.http_status_code == 404 and error.error_code in _NOT_FOUND:
            raise NotThere from None
        raise by_status(error.http_status_code) from None
    except OAuthTokenError:
        raise Misconfigured("no token for it: look at bearer.auth.* in SCHEMA_REGISTRY_CONFIG") from None
    except Exception as error:  # noqa: BLE001 - the client's HTTP library, or a page that is no answer of a registry
        raise by_error(error) from None


def _parsed(label: str, schema: Schema) -> object:
    if not isinstance(schema.schema_str, str):
        raise by_content()
    try:
        return loads(schema.schema_str)
    except JsonError as error:
        raise UnsafeSchema(f"{label}: not JSON: {error.msg}") from None
